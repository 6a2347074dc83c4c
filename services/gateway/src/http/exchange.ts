import { fail } from '@armilla/base';
import { newSpanContext, parseTraceparent } from '@armilla/chassis';
import {
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange;
  }
}

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Made once: a reason of its own for each exchange costs a stack trace that nobody reads. */
const OVER = fail('CANCELLED');

const exchanges = new WeakMap<object, Exchange>();

/** The exchange of a raw response. */
export const exchangeOf = (response: object): Exchange | undefined => exchanges.get(response);

/** One HTTP request and its answer: who it is, how long it may take, and the signal that ends all work for it. */
export class Exchange {
  /** From `x-request-id`, or made here. */
  readonly requestId: string;
  readonly traceId: string;
  readonly context: Context;
  readonly route: string;
  readonly startMs = performance.now();
  /** Bytes of the bodies so far, counted by who moves them. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Who asks, by the name in the token file; undefined where no tokens are asked for. */
  principal: string | undefined;
  /** The rest of the request cannot be read: it was no HTTP. */
  malformed = false;
  readonly #span: Span;
  readonly #controller = new AbortController();
  #durationMs: number;
  #timer: NodeJS.Timeout | undefined;
  #settled = false;

  constructor(
    readonly request: FastifyRequest,
    readonly reply: FastifyReply,
    private readonly maxDurationMs: number,
    defaultDurationMs: number,
  ) {
    const given = request.headers['x-request-id'];
    this.requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    const remote = parseTraceparent(headerOf(request, 'traceparent'), headerOf(request, 'tracestate'));
    const parent = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
    this.route = request.routeOptions.url ?? 'unknown';
    const attributes = {
      'http.request.method': request.method,
      'http.route': this.route,
      'armilla.request_id': this.requestId,
    };
    const span = trace
      .getTracer('@armilla/gateway')
      .startSpan(`${request.method} ${this.route}`, { kind: SpanKind.SERVER, attributes }, parent);
    // Without telemetry spans have no id, but an error still needs one that stands in the logs of every hop.
    this.#span = isSpanContextValid(span.spanContext()) ? span : trace.wrapSpanContext(newSpanContext());
    this.context = trace.setSpan(parent, this.#span);
    this.traceId = this.#span.spanContext().traceId;
    this.#durationMs = 0;
    this.setTimeout(defaultDurationMs);
    const { raw } = reply;
    exchanges.set(raw, this);
    raw.once('finish', () => (this.#settled = true));
    raw.once('close', () => {
      // The client left before it had the whole answer.
      if (!this.#settled) this.abort(fail('CANCELLED'));
      this.#close(raw.statusCode);
    });
  }

  /** Aborted by the client's leaving, the deadline, a failure, or the end of the server. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get elapsedMs(): number {
    return Math.round(performance.now() - this.startMs);
  }

  /** When the exchange must be over, in milliseconds since the epoch, for the next hop. */
  get deadlineMs(): number {
    return Math.ceil(Date.now() + this.#durationMs - (performance.now() - this.startMs));
  }

  /** The caller's bearer token, which the service checks once more. */
  get token(): string | undefined {
    return /^Bearer +(\S+)/i.exec(this.request.headers.authorization ?? '')?.[1];
  }

  /** Counted from the beginning of the request; cut to the longest that is allowed. */
  setTimeout(durationMs: number): void {
    clearTimeout(this.#timer);
    this.#durationMs = Math.min(durationMs, this.maxDurationMs);
    const leftMs = Math.max(0, this.#durationMs - (performance.now() - this.startMs));
    this.#timer = setTimeout(
      () => this.abort(fail('DEADLINE_EXCEEDED', { elapsed: `${(this.#durationMs / 1000).toFixed(3)} s` })),
      Math.min(leftMs, 2 ** 31 - 1),
    );
    this.#timer.unref();
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Ends what still works for an exchange that is over. */
  release(): void {
    if (!this.signal.aborted) this.abort(OVER);
  }

  /** Runs `work` with this exchange's trace as the current one. */
  within<T>(work: () => T): T {
    return context.with(this.context, work);
  }

  #close(status: number): void {
    clearTimeout(this.#timer);
    this.#span.setAttribute('http.response.status_code', status);
    if (status >= 500 || this.signal.aborted) this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.end();
    this.release();
  }
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
