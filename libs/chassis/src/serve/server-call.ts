import { randomUUID } from 'node:crypto';
import { type Metadata, status, type StatusObject } from '@grpc/grpc-js';
import {
  type Attributes,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { type Problem } from '@armilla/base';
import { grpcCodeName } from '../errors/grpc-code.js';
import { type CallIdentity, type MessageStyle, problemToStatus } from '../errors/status.js';
import { type Log } from '../log/logger.js';
import { messageByteLength } from '../stream/frame.js';
import { type WriteState } from '../stream/write-frame.js';
import { TRACER_NAME } from '../telemetry/names.js';
import { type RpcMetrics } from '../telemetry/rpc-metrics.js';
import { newSpanContext, parseTraceparent } from '../telemetry/trace-context.js';

import { type LargeMessages } from './large-messages.js';

export const REQUEST_ID_KEY = 'x-request-id';
const ERRORS_KEY = 'armilla-errors';
const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** One call being served: its identity, its end, and what it moved. Handlers get it as their context. */
export class ServerCall {
  /** From the metadata `x-request-id`, made when that is missing or malformed. */
  readonly requestId: string;
  readonly traceId: string;
  /** "armilla.crossmatch.v1.CrossmatchService/Match". */
  readonly method: string;
  readonly metadata: Metadata;
  readonly span: Span;
  readonly otelContext: Context;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** Who called, by the name in the token file; undefined where no tokens are asked for. */
  principal: string | undefined;
  /** How the reader of a streamed response keeps up. */
  writes: WriteState | undefined;
  /** Longest wait for a message of the client, in milliseconds; 0: none. */
  idleMs = 0;
  /** Whether the reason of a failure stands in the message of its status. */
  reasonInMessage = false;
  /** Of a service whose messages may be long. */
  largeMessages: LargeMessages | undefined;
  receivedBytes = 0;
  sentBytes = 0;

  readonly #controller = new AbortController();
  readonly #startedAt = performance.now();
  readonly #metrics: RpcMetrics;
  readonly #attributes: Attributes;
  #ended = false;

  constructor(path: string, metadata: Metadata, deadlineMs: number, log: Log, metrics: RpcMetrics) {
    this.method = path.slice(1);
    this.metadata = metadata;
    this.deadlineMs = deadlineMs;
    const given = firstText(metadata, REQUEST_ID_KEY);
    this.requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
    const [service = '', name = ''] = this.method.split('/');
    this.#attributes = { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': name };
    const parent = parseTraceparent(firstText(metadata, 'traceparent'), firstText(metadata, 'tracestate'));
    const parentContext = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const span = trace
      .getTracer(TRACER_NAME)
      .startSpan(
        this.method,
        { kind: SpanKind.SERVER, attributes: { ...this.#attributes, 'armilla.request_id': this.requestId } },
        parentContext,
      );
    this.span = isSpanContextValid(span.spanContext()) ? span : trace.wrapSpanContext(newSpanContext());
    this.otelContext = trace.setSpan(parentContext, this.span);
    this.traceId = this.span.spanContext().traceId;
    this.log = log.child({ request_id: this.requestId, trace_id: this.traceId });
    this.#metrics = metrics;
    metrics.started(this.#attributes);
  }

  /** Aborts on cancel, disconnect, deadline, a reader that is too slow and server stop, with the Problem as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get identity(): CallIdentity {
    return { requestId: this.requestId, traceId: this.traceId };
  }

  get ended(): boolean {
    return this.#ended;
  }

  abort(problem: Problem): void {
    if (!this.signal.aborted) this.#controller.abort(problem);
  }

  statusOf(problem: Problem): StatusObject {
    return problemToStatus(problem, this.identity, this.#messageStyle());
  }

  #messageStyle(): MessageStyle {
    if (!this.reasonInMessage) return 'message';
    return firstText(this.metadata, ERRORS_KEY) === 'json' ? 'json' : 'message and reason';
  }

  countReceived(message: unknown): void {
    this.receivedBytes += messageByteLength(message);
  }

  countSent(message: unknown): void {
    this.sentBytes += messageByteLength(message);
  }

  /** Records the end, once. */
  end(code: status, details: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const statusName = grpcCodeName(code);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const { receivedBytes, sentBytes } = this;
    this.#metrics.ended(this.#attributes, { statusName, seconds, receivedBytes, sentBytes });
    this.span.setAttribute('rpc.grpc.status_code', code);
    if (code !== status.OK) this.span.setStatus({ code: SpanStatusCode.ERROR, message: details });
    this.span.end();
    this.log.debug('call ended', { method: this.method, status: statusName, seconds, receivedBytes, sentBytes });
  }
}

function firstText(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)[0];
  return value === undefined ? undefined : String(value);
}
