import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { fail, type Problem } from '@armilla/base';
import { BadRequest, ErrorInfo, RequestInfo, RetryInfo, RpcStatus } from '@armilla/proto';
import { grpcCode } from './grpc-code.js';

/** `ErrorInfo.domain` of every error of this project. */
export const ERROR_DOMAIN = 'armilla';
export const DETAILS_KEY = 'grpc-status-details-bin';
const TYPE_PREFIX = 'type.googleapis.com/google.rpc.';
/** Trailers must stay below the 16 KiB that peers accept; a message may quote a whole header line of a table. */
const MESSAGE_CHARS = 2000;
const FIELD_CHARS = 500;
const DEFAULT_RETRY_SECONDS = 1;
const RETRYABLE = new Set(['SERVER_BUSY', 'MEMORY_EXHAUSTED', 'DRAINING']);

/** What stands in the message of a status, beside its details. */
export type MessageStyle = 'message' | 'message and reason' | 'json';

export interface CallIdentity {
  readonly requestId?: string;
  /** W3C trace id, 32 hexadecimal digits. */
  readonly traceId?: string;
}

/**
 * The problem as it may leave the server. The text of an unexpected error can hold paths or parts of the data: it stays
 * in the log, under the request id.
 */
export function publicProblem(problem: Problem, identity: CallIdentity = {}): Problem {
  if (problem.reason !== 'INTERNAL') return problem;
  return fail('INTERNAL', {
    detail: 'its cause is in the log of the server',
    request_id: identity.requestId ?? 'unknown',
  });
}

/** gRPC status with google.rpc details: ErrorInfo and RequestInfo always, BadRequest and RetryInfo where they apply. */
export function problemToStatus(
  problem: Problem,
  identity: CallIdentity = {},
  style: MessageStyle = 'message',
): StatusObject {
  const shown = publicProblem(problem, identity);
  const message = headerText(shown.message, MESSAGE_CHARS);
  const code = grpcCode(shown.code);
  const fields: Record<string, string> = {};
  for (const [key, value] of Object.entries(shown.fields)) fields[key] = headerText(String(value), FIELD_CHARS);
  if (identity.requestId !== undefined) fields.request_id = identity.requestId;
  if (identity.traceId !== undefined) fields.trace_id = identity.traceId;
  const details = [
    any('ErrorInfo', ErrorInfo.encode({ reason: shown.reason, domain: ERROR_DOMAIN, metadata: fields }).finish()),
    any('RequestInfo', RequestInfo.encode({ requestId: identity.requestId ?? '', servingData: '' }).finish()),
  ];
  if (fields.field !== undefined) {
    const fieldViolations = [{ field: fields.field, description: message }];
    details.push(any('BadRequest', BadRequest.encode({ fieldViolations }).finish()));
  }
  const retrySeconds = retryAfterSeconds(shown);
  if (retrySeconds !== undefined) {
    const retryDelay = { seconds: BigInt(Math.floor(retrySeconds)), nanos: Math.round((retrySeconds % 1) * 1e9) };
    details.push(any('RetryInfo', RetryInfo.encode({ retryDelay }).finish()));
  }
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(RpcStatus.encode({ code, message, details }).finish()));
  return { code, details: styled(style, shown.reason, message, fields), metadata };
}

function styled(style: MessageStyle, reason: string, message: string, fields: Record<string, string>): string {
  if (style === 'message') return message;
  if (style === 'message and reason') return `${message} [${reason}]`;
  return JSON.stringify({ reason, message, fields });
}

/** Seconds after which the same call may succeed; undefined where a retry would fail alike. */
export function retryAfterSeconds(problem: Problem): number | undefined {
  if (!RETRYABLE.has(problem.reason)) return undefined;
  const seconds = Number(problem.fields.retry_seconds);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_RETRY_SECONDS;
}

function any(type: string, value: Uint8Array): { typeUrl: string; value: Uint8Array } {
  return { typeUrl: TYPE_PREFIX + type, value };
}

/** grpc-js percent-encodes the message and throws on a lone surrogate, which a foreign column name may hold. */
function headerText(text: string, limit: number): string {
  const shown = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return shown.replace(/\p{Surrogate}/gu, '\ufffd');
}
