import { type UntypedServiceImplementation } from '@grpc/grpc-js';
import { fail } from '@armilla/base';
import {
  type GetProfileRequest,
  GetProfileResponse,
  type GetStatusRequest,
  type GetStatusResponse,
  type ListDecisionsRequest,
  type ListDecisionsResponse,
  ProfileFormat,
  type RuntimeExplainRequest,
  type RuntimeExplainResponse,
  RuntimeServiceService,
} from '@armilla/proto';
import { serverStream, unary } from '../serve/handlers.js';
import { type ServiceModule } from '../serve/service-module.js';
import { protoDecision } from './describe-decision.js';
import { protoStatus } from './describe-status.js';
import {
  type CallToExplain,
  type KnownOperation,
  type ProfileFormatName,
  type RuntimeSource,
} from './runtime-source.js';

/** Pieces of a profile: below any limit of messages. */
const PIECE_BYTES = 2 ** 20;
const DEFAULT_PAGE_SIZE = 100;
const MOST_DECISIONS = 1000;
const LARGEST_N = 2 ** 30;
/** More than any call, and far from where predictions overflow. */
const LARGEST_AMOUNT = 1e30;
const DEFAULT_DTYPE = 'f32';

const FORMATS: Readonly<Record<ProfileFormat, ProfileFormatName>> = {
  [ProfileFormat.UNSPECIFIED]: 'json',
  [ProfileFormat.JSON]: 'json',
  [ProfileFormat.CHROME_TRACE]: 'chrome-trace',
  [ProfileFormat.PPROF]: 'pprof',
  [ProfileFormat.SPEEDSCOPE]: 'speedscope',
  [ProfileFormat.HTML]: 'html',
};

/** armilla.runtime.v1.RuntimeService over what the composition of the process tells. */
export function runtimeService(source: RuntimeSource): ServiceModule {
  return {
    name: 'armilla.runtime.v1.RuntimeService',
    definition: RuntimeServiceService,
    handlers: (): UntypedServiceImplementation => ({
      getStatus: unary<GetStatusRequest, GetStatusResponse>(async (_, { signal }) =>
        protoStatus(await source.status(signal)),
      ),
      getProfile: serverStream<GetProfileRequest, GetProfileResponse>(({ format }, { signal }) =>
        profilePieces(source, format, signal),
      ),
      listDecisions: unary<ListDecisionsRequest, ListDecisionsResponse>((request) => listDecisions(source, request)),
      explain: unary<RuntimeExplainRequest, RuntimeExplainResponse>((request) => {
        const { decision, text } = source.explain(readCall(source, request));
        return { decision: protoDecision(decision), text };
      }),
    }),
  };
}

async function* profilePieces(
  source: RuntimeSource,
  format: ProfileFormat,
  signal: AbortSignal,
): AsyncGenerator<GetProfileResponse> {
  if (!Object.hasOwn(FORMATS, format))
    throw fail('OPTION_INVALID', { field: 'format', expected: 'a value of ProfileFormat', got: String(format) });
  const { mediaType, content } = await source.profile(FORMATS[format], signal);
  for (let at = 0; at === 0 || at < content.byteLength; at += PIECE_BYTES) {
    const piece = content.subarray(at, at + PIECE_BYTES);
    yield { mediaType: at === 0 ? mediaType : '', content: piece };
  }
}

function listDecisions(
  source: RuntimeSource,
  { operation, pageSize, pageToken }: ListDecisionsRequest,
): ListDecisionsResponse {
  if (operation !== '') knownOperation(source, operation);
  if (pageSize < 0 || pageSize > MOST_DECISIONS)
    throw fail('OPTION_INVALID', {
      field: 'page_size',
      expected: `an integer in [1, ${MOST_DECISIONS}]`,
      got: pageSize,
    });
  if (pageToken !== '' && !/^[1-9]\d{0,15}$/.test(pageToken))
    throw fail('OPTION_INVALID', {
      field: 'page_token',
      expected: 'the next_page_token of another page',
      got: `'${pageToken.slice(0, 64)}'`,
    });
  const below = pageToken === '' ? Infinity : Number(pageToken);
  const left = source
    .decisions()
    .filter(({ decision }) => decision.id < below && (operation === '' || decision.operation === operation));
  const page = left.slice(0, pageSize || DEFAULT_PAGE_SIZE);
  return {
    decisions: page.map((call) => protoDecision(call.decision, call)),
    nextPageToken: page.length < left.length ? String(page[page.length - 1].decision.id) : '',
  };
}

/** Only what is known may pass: the router keeps a model of whatever it is asked about. */
function readCall(source: RuntimeSource, { operation, dtype, size }: RuntimeExplainRequest): CallToExplain {
  const { dtypes } = knownOperation(source, operation);
  const type = dtype === '' && dtypes.includes(DEFAULT_DTYPE) ? DEFAULT_DTYPE : dtype === '' ? dtypes[0] : dtype;
  if (!dtypes.includes(type))
    throw fail('OPTION_INVALID', {
      field: 'dtype',
      expected: `one of ${dtypes.join(', ')} for ${operation}`,
      got: `'${dtype.slice(0, 64)}'`,
    });
  return { operation, dtype: type, size: readSize(size) };
}

function readSize(size: RuntimeExplainRequest['size']): CallToExplain['size'] {
  switch (size?.$case) {
    case 'n':
      if (size.value < 1n || size.value > BigInt(LARGEST_N))
        throw fail('OPTION_INVALID', { field: 'n', expected: `an integer in [1, ${LARGEST_N}]`, got: size.value });
      return Number(size.value);
    case 'call': {
      const { work, inputBytes, outputBytes } = size.value;
      for (const [field, value] of Object.entries({ work, input_bytes: inputBytes, output_bytes: outputBytes }))
        if (!(value >= 0 && value <= LARGEST_AMOUNT))
          throw fail('OPTION_INVALID', { field, expected: `a number in [0, ${LARGEST_AMOUNT}]`, got: value });
      return { work, bytesIn: inputBytes, bytesOut: outputBytes };
    }
    default:
      throw fail('OPTION_INVALID', { field: 'size', expected: 'n, or work and bytes', got: 'nothing' });
  }
}

function knownOperation(source: RuntimeSource, name: string): KnownOperation {
  const operations = source.operations();
  const found = operations.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = operations.map((one) => one.name).join(', ') || 'none';
  throw fail('OPERATION_UNKNOWN', { operation: `'${name.slice(0, 64)}'`, known });
}
