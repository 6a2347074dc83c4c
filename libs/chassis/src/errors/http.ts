import { type Problem, type ReasonName, type StatusName } from '@armilla/base';
import { type CallIdentity, publicProblem, retryAfterSeconds } from './status.js';

const HTTP_OF_CODE: Readonly<Record<StatusName, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/** Where HTTP has a more telling status than the gRPC code maps to. */
const HTTP_OF_REASON: Partial<Record<ReasonName, number>> = {
  CHECKSUM_MISMATCH: 400,
  CONTENT_ENCODING_UNKNOWN: 415,
  FORMAT_NOT_WRITABLE: 406,
  FORMAT_UNKNOWN: 415,
  MEMORY_EXHAUSTED: 503,
  MEMORY_OVER_LIMIT: 413,
  MESSAGE_TOO_LARGE: 413,
  METHOD_NOT_ALLOWED: 405,
  QUOTA_EXCEEDED: 507,
  READER_TOO_SLOW: 408,
  SENDER_TOO_SLOW: 408,
  SCRATCH_FULL: 507,
  SPOOL_FAILED: 507,
  SPOOL_FULL: 507,
  ARROW_TYPE_UNSUPPORTED: 415,
  FITS_UNSUPPORTED: 415,
  HATS_UNSUPPORTED: 415,
  PARQUET_UNSUPPORTED: 415,
  VOTABLE_UNSUPPORTED: 415,
};

/** RFC 9457 problem details, with the reason for programs. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance?: string;
  readonly reason: ReasonName;
  /** gRPC status name. */
  readonly code: StatusName;
  readonly request_id?: string;
  readonly trace_id?: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The refused fields of the request. */
  readonly errors?: readonly { readonly field: string; readonly detail: string }[];
}

export interface HttpProblem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemBody;
}

export function httpStatusOf(problem: Problem): number {
  return HTTP_OF_REASON[problem.reason] ?? HTTP_OF_CODE[problem.code];
}

export function problemToHttp(problem: Problem, identity: CallIdentity & { instance?: string } = {}): HttpProblem {
  const shown = publicProblem(problem, identity);
  const httpStatus = httpStatusOf(shown);
  const { field } = shown.fields;
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  const retrySeconds = retryAfterSeconds(shown);
  if (retrySeconds !== undefined) headers['retry-after'] = String(Math.ceil(retrySeconds));
  if (httpStatus === 401) headers['www-authenticate'] = 'Bearer realm="armilla"';
  return {
    status: httpStatus,
    headers,
    body: {
      type: `urn:armilla:error:${shown.reason}`,
      title: shown.reason.toLowerCase().replaceAll('_', ' '),
      status: httpStatus,
      detail: shown.message,
      ...(identity.instance !== undefined && { instance: identity.instance }),
      reason: shown.reason,
      code: shown.code,
      ...(identity.requestId !== undefined && { request_id: identity.requestId }),
      ...(identity.traceId !== undefined && { trace_id: identity.traceId }),
      fields: Object.fromEntries(Object.entries(shown.fields).map(([key, value]) => [key, String(value)])),
      ...(field !== undefined && { errors: [{ field: String(field), detail: shown.message }] }),
    },
  };
}
