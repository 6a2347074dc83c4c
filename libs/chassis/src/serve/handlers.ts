import { type Readable } from 'node:stream';
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerWritableStream,
  type StatusObject,
} from '@grpc/grpc-js';
import { context as otel, type Span } from '@opentelemetry/api';
import { toProblem } from '@armilla/base';
import { abortProblem } from '../errors/abort-reason.js';
import { type Log } from '../log/logger.js';
import { readFrames } from '../stream/read-frames.js';
import { writeFrame, writeStateOf } from '../stream/write-frame.js';
import { serverCallOf } from './call-guard.js';
import { type ReserveMessage } from './large-messages.js';
import { type ServerCall } from './server-call.js';
import { tenantOf } from './tenant.js';

/** What a handler knows of its call. */
export interface CallContext {
  /** Aborts on cancel, disconnect, deadline and server stop; its reason is a Problem. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  readonly requestId: string;
  readonly traceId: string;
  readonly method: string;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  readonly principal: string | undefined;
  /** Whose budgets it takes: the principal, else metadata `armilla-tenant`, else "default". */
  readonly tenant: string;
  readonly log: Log;
  readonly span: Span;
  /**
   * Has `reserve` asked before a message beyond 4 MiB is taken, where the service allows such: it is held in memory as a whole.
   * Until this is called none of them is taken.
   */
  reserveMessages(reserve: ReserveMessage): void;
  /** Sends the response headers now; without, they go with the first message. */
  sendMetadata(metadata: Metadata): void;
}

type Messages<T> = AsyncIterable<T>;

/** One request, one response. Whatever the handler throws becomes a typed status. */
export function unary<Request, Response>(
  handler: (request: Request, context: CallContext) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    run(
      call,
      async (context) => callback(null, await handler(call.request, context)),
      (failed) => callback(asError(failed)),
    );
  };
}

/** A stream of requests, one response. */
export function clientStream<Request, Response>(
  handler: (requests: Messages<Request>, context: CallContext) => Promise<Response>,
): handleClientStreamingCall<Request, Response> {
  return (call, callback) => {
    run(
      call,
      async (context) => callback(null, await handler(requestsOf<Request>(call), context)),
      (failed) => callback(asError(failed)),
    );
  };
}

/** One request, a stream of responses. */
export function serverStream<Request, Response>(
  handler: (request: Request, context: CallContext) => Messages<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    run(
      call,
      (context) => sendAll(call, handler(call.request, context), context.signal),
      (failed) => failStream(call, failed),
    );
  };
}

/** A stream of requests, a stream of responses: `async function* (requests, context) { yield … }`. */
export function duplex<Request, Response>(
  handler: (requests: Messages<Request>, context: CallContext) => Messages<Response>,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    run(
      call,
      (context) => sendAll(call, handler(requestsOf<Request>(call), context), context.signal),
      (failed) => failStream(call, failed),
    );
  };
}

function requestsOf<Request>(call: { readonly metadata: Metadata }): Messages<Request> {
  const { signal, idleMs } = serverCallOf(call);
  return readFrames<Request>(call as unknown as Readable, signal, idleMs);
}

type AnyCall = { readonly metadata: Metadata; sendMetadata(metadata: Metadata): void };

function run(
  call: AnyCall,
  body: (context: CallContext) => Promise<void>,
  onFailure: (failed: StatusObject) => void,
): void {
  const served = serverCallOf(call);
  const context = contextOf(served, call);
  otel.with(served.otelContext, () => {
    body(context).catch((error: unknown) => {
      // An aborted call failed for the reason of the abort, whatever the handler made of it.
      const problem = served.signal.aborted ? abortProblem(served.signal) : toProblem(error);
      if (problem.reason === 'INTERNAL') logUnexpected(served, error);
      if (!served.ended) onFailure(served.statusOf(problem));
    });
  });
}

async function sendAll<Response>(
  call: ServerDuplexStream<unknown, Response> | ServerWritableStream<unknown, Response>,
  responses: Messages<Response>,
  signal: AbortSignal,
): Promise<void> {
  serverCallOf(call).writes = writeStateOf(call);
  for await (const response of responses) await writeFrame(call, response, signal);
  call.end();
}

/** Emitting is the only way to send a status on a stream: destroying it would leave the client waiting. */
function failStream(
  call: { emit(event: 'error', error: unknown): boolean; readonly destroyed: boolean },
  failed: StatusObject,
): void {
  if (!call.destroyed) call.emit('error', asError(failed));
}

function asError(failed: StatusObject): ServerErrorResponse {
  return Object.assign(new Error(failed.details), failed);
}

function contextOf(served: ServerCall, call: AnyCall): CallContext {
  return {
    signal: served.signal,
    metadata: served.metadata,
    requestId: served.requestId,
    traceId: served.traceId,
    method: served.method,
    deadlineMs: served.deadlineMs,
    principal: served.principal,
    tenant: tenantOf(served.principal, served.metadata),
    log: served.log,
    span: served.span,
    reserveMessages: (reserve) => served.largeMessages?.reserveWith(reserve),
    sendMetadata: (metadata) => call.sendMetadata(metadata),
  };
}

function logUnexpected(served: ServerCall, error: unknown): void {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  served.log.error('call failed', {
    method: served.method,
    detail: cause instanceof Error ? cause.message : String(cause),
    stack: cause instanceof Error ? cause.stack : undefined,
  });
}
