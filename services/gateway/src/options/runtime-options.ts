import { fail } from '@armilla/base';
import { CallSize, ListDecisionsRequest, ProfileFormat, RuntimeExplainRequest } from '@armilla/proto';
import type { RequestOption } from './option.js';
import { readChoice, readInteger, readNumber, readText } from './value.js';

const LARGEST_N = 2 ** 30;
const LARGEST_AMOUNT = 1e30;

const operation = <Draft extends { operation: string }>(sentence: string): RequestOption<Draft> => ({
  name: 'operation',
  sentence,
  schema: { type: 'string', examples: ['gpu.matmul'] },
  take: (draft, value) => (draft.operation = readText('operation', value, 128)),
});

export const emptyDecisionsDraft = (): ListDecisionsRequest => ({ operation: '', pageSize: 0, pageToken: '' });

/** Everything that /v1/runtime/decisions takes. */
export const DECISIONS_OPTIONS: readonly RequestOption<ListDecisionsRequest>[] = [
  operation('Only decisions on this operation. Default: all.'),
  {
    name: 'page_size',
    sentence: 'Decisions at most. Default 100.',
    schema: { type: 'integer', minimum: 1, maximum: 1000 },
    take: (draft, value) => (draft.pageSize = readInteger('page_size', value, 1, 1000)),
  },
  {
    name: 'page_token',
    sentence: 'next_page_token of the page before.',
    schema: { type: 'string', maxLength: 64 },
    take: (draft, value) => (draft.pageToken = readText('page_token', value, 64)),
  },
];

export interface ExplainCallDraft {
  operation: string;
  dtype: string;
  size: number | undefined;
  work: number | undefined;
  inputBytes: number | undefined;
  outputBytes: number | undefined;
}

export const emptyExplainCallDraft = (): ExplainCallDraft => ({
  operation: '',
  dtype: '',
  size: undefined,
  work: undefined,
  inputBytes: undefined,
  outputBytes: undefined,
});

const amount = (
  name: string,
  key: 'work' | 'inputBytes' | 'outputBytes',
  sentence: string,
): RequestOption<ExplainCallDraft> => ({
  name,
  sentence,
  schema: { type: 'number', minimum: 0, maximum: LARGEST_AMOUNT },
  take: (draft, value) => {
    const number = readNumber(name, value);
    if (!(number >= 0 && number <= LARGEST_AMOUNT))
      throw fail('OPTION_INVALID', { field: name, expected: `a number in [0, ${LARGEST_AMOUNT}]`, got: number });
    draft[key] = number;
  },
});

/** Everything that /v1/runtime/explain takes. */
export const EXPLAIN_CALL_OPTIONS: readonly RequestOption<ExplainCallDraft>[] = [
  operation('The operation; required.'),
  {
    name: 'dtype',
    sentence: 'Type of its elements. Default f32, where the operation has it.',
    schema: { type: 'string', examples: ['f32'] },
    take: (draft, value) => (draft.dtype = readText('dtype', value, 64)),
  },
  {
    name: 'size',
    sentence: 'Size of the call as the operation counts: the edge of a square matrix, elements of a vector.',
    schema: { type: 'integer', minimum: 1, maximum: LARGEST_N },
    take: (draft, value) => (draft.size = readInteger('size', value, 1, LARGEST_N)),
  },
  amount('work', 'work', 'Instead of size: elementary steps of the operation.'),
  amount('input_bytes', 'inputBytes', 'With work: bytes of the operands, which lie on the host. Default 0.'),
  amount('output_bytes', 'outputBytes', 'With work: bytes of the results, which are wanted on the host. Default 0.'),
];

/** The message to the service. Throws OPTION_INVALID for what is missing, OPTIONS_CONFLICT for what does not go together. */
export function explainCallRequest(draft: ExplainCallDraft): RuntimeExplainRequest {
  const { dtype, size, work, inputBytes, outputBytes } = draft;
  if (draft.operation === '')
    throw fail('OPTION_INVALID', { field: 'operation', expected: 'given (for example gpu.matmul)', got: 'nothing' });
  const call = work ?? inputBytes ?? outputBytes;
  if (size !== undefined && call !== undefined)
    throw fail('OPTIONS_CONFLICT', { field: 'size', detail: 'size says work and bytes: give either' });
  if (size === undefined && work === undefined)
    throw fail('OPTION_INVALID', { field: 'size', expected: 'given (for example 1024), or work', got: 'nothing' });
  return {
    operation: draft.operation,
    dtype,
    size:
      size === undefined
        ? { $case: 'call', value: CallSize.fromPartial({ work, inputBytes, outputBytes }) }
        : { $case: 'n', value: BigInt(size) },
  };
}

/** Formats of a profile, by the name that `?format=` takes. The first is the default. */
export const PROFILE_FORMATS = {
  json: ProfileFormat.JSON,
  'chrome-trace': ProfileFormat.CHROME_TRACE,
  pprof: ProfileFormat.PPROF,
  speedscope: ProfileFormat.SPEEDSCOPE,
  html: ProfileFormat.HTML,
} as const;

type ProfileFormatName = keyof typeof PROFILE_FORMATS;
const FORMAT_NAMES = Object.keys(PROFILE_FORMATS) as ProfileFormatName[];

export interface ProfileDraft {
  format: ProfileFormat;
}

/** Everything that /v1/runtime/profile takes. */
export const PROFILE_OPTIONS: readonly RequestOption<ProfileDraft>[] = [
  {
    name: 'format',
    sentence:
      'json (default), chrome-trace (for Perfetto), pprof, speedscope, or html, the dashboard as one page that needs nothing else.',
    schema: { type: 'string', enum: FORMAT_NAMES },
    take: (draft, value) => (draft.format = PROFILE_FORMATS[readChoice('format', value, FORMAT_NAMES)]),
  },
];

export interface DashboardDraft {
  refreshSeconds: number | undefined;
}

/** Everything that /dashboard takes. */
export const DASHBOARD_OPTIONS: readonly RequestOption<DashboardDraft>[] = [
  {
    name: 'refresh',
    sentence: 'Load the page again after so many seconds. Default: not.',
    schema: { type: 'integer', minimum: 1, maximum: 3600 },
    take: (draft, value) => (draft.refreshSeconds = readInteger('refresh', value, 1, 3600)),
  },
];
