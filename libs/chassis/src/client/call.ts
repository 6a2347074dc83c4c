import { type CallOptions, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { abortProblem } from '../errors/abort-reason.js';
import { statusToProblem } from '../errors/revive.js';

export interface CallSettings {
  /** Ends the call with `abortProblem(signal)`. */
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly deadlineMs?: number;
  readonly requestId?: string;
  /** Bearer token. */
  readonly token?: string;
  readonly metadata?: Metadata;
}

interface Cancellable {
  cancel(): void;
}

/**
 * A unary or client-streaming call as a promise; it rejects with the server's Problem.
 * `await callOnce((...rest) => client.explain(request, ...rest), { signal })`.
 */
export function callOnce<Response>(
  start: (
    metadata: Metadata,
    options: Partial<CallOptions>,
    callback: (error: ServiceError | null, response?: Response) => void,
  ) => Cancellable,
  settings: CallSettings = {},
): Promise<Response> {
  const { signal } = settings;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortProblem(signal));
    const call = start(callMetadata(settings), callOptions(settings), (error, response) => {
      signal?.removeEventListener('abort', onAbort);
      if (!error) resolve(response as Response);
      else if (signal?.aborted && error.code === status.CANCELLED) reject(abortProblem(signal));
      else reject(statusToProblem(error));
    });
    const onAbort = (): void => call.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Request metadata with request id and token. */
export function callMetadata({ metadata, requestId, token }: CallSettings): Metadata {
  const made = metadata?.clone() ?? new Metadata();
  if (requestId !== undefined) made.set('x-request-id', requestId);
  if (token !== undefined) made.set('authorization', `Bearer ${token}`);
  return made;
}

export function callOptions({ deadlineMs }: CallSettings): Partial<CallOptions> {
  return deadlineMs === undefined ? {} : { deadline: deadlineMs };
}
