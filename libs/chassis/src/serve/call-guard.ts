import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { fail, type Problem, toProblem } from '@armilla/base';
import { type TokenFile } from '../auth/token-file.js';
import { type Config } from '../config/config.js';
import { abortProblem } from '../errors/abort-reason.js';
import { statusToProblem } from '../errors/revive.js';
import { DETAILS_KEY } from '../errors/status.js';
import { type Log } from '../log/logger.js';
import { Undecodable } from '../stream/undecodable.js';
import { type RpcMetrics } from '../telemetry/rpc-metrics.js';
import { sendFromSlabs } from './frame-slabs.js';
import { FREE_MESSAGE_BYTES, LargeMessages } from './large-messages.js';
import { isWithinMessage, limitMessages } from './message-limit.js';
import { REQUEST_ID_KEY, ServerCall } from './server-call.js';

/** Time that a peer has to take the rest of an ended call before its stream is reset. */
const LINGER_MS = 10_000;
const SLOW_LINGER_MS = 1000;
/** A client whose deadline passes cancels the call a little before our own clock for it rings. */
const DEADLINE_SLACK_MS = 50;
/** No client sends a deadline that passed this long ago. */
const OVERFLOW_MS = 1000;
const HEALTH_PREFIX = '/grpc.health.v1.Health/';

/** What is used of the private side of a grpc-js call; tests hold each of it. */
type PeerCall = ServerInterceptingCallInterface & {
  readonly stream?: ServerHttp2Stream;
  deadline?: number;
  deadlineTimer?: NodeJS.Timeout | null;
};

/** What is particular to the calls of one service. */
export interface ServiceTraits {
  /** Largest message, where it is not the server's. */
  readonly maxMessageBytes?: number;
  readonly reasonInMessage?: boolean;
}

type PartialStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** The calls of one server, and what watches over each: identity, token, deadline, typed status, metrics. */
export class CallGuard {
  readonly #active = new Set<ServerCall>();
  readonly #refuse = new WeakMap<ServerCall, (problem: Problem) => void>();
  draining = false;

  constructor(
    private readonly config: Pick<Config, 'defaultDeadlineSeconds' | 'idleSeconds' | 'maxDeadlineSeconds'>,
    private readonly log: Log,
    private readonly metrics: RpcMetrics,
    private readonly tokens: TokenFile | undefined,
    /** By full name of the service. */
    private readonly traits: ReadonlyMap<string, ServiceTraits>,
  ) {}

  get active(): ReadonlySet<ServerCall> {
    return this.#active;
  }

  /** Ends a running call with `problem` now, whatever its handler does. */
  endCall(call: ServerCall, problem: Problem): void {
    this.#refuse.get(call)?.(problem);
  }

  readonly interceptor: ServerInterceptor = (method, inner) => {
    const peer = inner as PeerCall;
    dropOverflownDeadline(peer);
    sendFromSlabs(inner);
    const traits = this.traits.get(method.path.split('/')[1]);
    const maxMessageBytes = traits?.maxMessageBytes ?? 0;
    if (maxMessageBytes > 0) limitMessages(inner, maxMessageBytes);
    let call: ServerCall | undefined;
    let deadlineTimer: NodeJS.Timeout | undefined;
    let statusSent = false;
    // grpc-js sends some statuses itself, below every interceptor (deadline, oversized message, handler that threw), so
    // the typed form is made where all of them pass.
    const sendStatus = inner.sendStatus.bind(inner);
    inner.sendStatus = (sent: PartialStatus) => {
      clearTimeout(deadlineTimer);
      const typed = call ? typedStatus(call, sent) : sent;
      if (!statusSent) lingerThenReset(peer.stream, call);
      statusSent = true;
      sendStatus(typed);
      if (call) this.#end(call, typed.code ?? status.OK, typed.details ?? '');
    };
    const refuse = (problem: Problem): void => {
      call?.abort(problem);
      if (call) inner.sendStatus(call.statusOf(problem));
    };
    const largeMessages = maxMessageBytes > FREE_MESSAGE_BYTES ? new LargeMessages(inner, refuse) : undefined;
    return new ServerInterceptingCall(inner, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, nextMetadata) => {
            const { deadlineMs, own } = this.#deadline(Number(inner.getDeadline()));
            call = new ServerCall(method.path, metadata, deadlineMs, this.log, this.metrics);
            call.idleMs = this.config.idleSeconds * 1000;
            call.reasonInMessage = traits?.reasonInMessage ?? false;
            call.largeMessages = largeMessages;
            this.#active.add(call);
            this.#refuse.set(call, refuse);
            calls.set(metadata, call);
            const refused = this.#refusal(call, method.path);
            if (refused) return refuse(refused);
            if (own) {
              const elapsed = `${Math.round((deadlineMs - Date.now()) / 1000)} s`;
              deadlineTimer = setTimeout(() => refuse(fail('DEADLINE_EXCEEDED', { elapsed })), deadlineMs - Date.now());
            }
            context.with(call.otelContext, () => nextMetadata(metadata));
          },
          onReceiveMessage: (message: unknown, nextMessage) => {
            if (message instanceof Undecodable) return refuse(message.problem);
            call?.countReceived(message);
            if (call) context.with(call.otelContext, () => nextMessage(message));
          },
          onReceiveHalfClose: (nextHalfClose) => {
            if (!call) return;
            if (isWithinMessage(inner))
              return refuse(fail('STREAM_ORDER', { where: 'request', detail: 'it ends within a message' }));
            context.with(call.otelContext, nextHalfClose);
          },
          // Comes after every status, too.
          onCancel: () => {
            clearTimeout(deadlineTimer);
            if (!call || statusSent) return;
            const problem =
              Date.now() >= call.deadlineMs - DEADLINE_SLACK_MS
                ? fail('DEADLINE_EXCEEDED', { elapsed: 'the time that the client set' })
                : fail('CANCELLED');
            call.abort(problem);
            this.#end(
              call,
              problem.reason === 'CANCELLED' ? status.CANCELLED : status.DEADLINE_EXCEEDED,
              problem.message,
            );
          },
        }),
      sendMetadata: (metadata, next) => {
        if (call) metadata.set(REQUEST_ID_KEY, call.requestId);
        next(metadata);
      },
      sendMessage: (message: unknown, next) => {
        call?.countSent(message);
        next(message);
      },
    });
  };

  #end(call: ServerCall, code: status, details: string): void {
    this.#active.delete(call);
    call.end(code, details);
  }

  #refusal(call: ServerCall, path: string): Problem | undefined {
    if (path.startsWith(HEALTH_PREFIX)) return undefined;
    if (this.draining) return fail('DRAINING', { retry_seconds: 1 });
    try {
      call.principal = this.tokens?.check(call.metadata.get('authorization')[0]?.toString());
      return undefined;
    } catch (error) {
      return toProblem(error);
    }
  }

  /** The deadline in force, and whether it is the server's own: grpc-js watches over the client's. */
  #deadline(clientMs: number): { deadlineMs: number; own: boolean } {
    const now = Date.now();
    if (!Number.isFinite(clientMs)) return { deadlineMs: now + this.config.defaultDeadlineSeconds * 1000, own: true };
    const latestMs = now + this.config.maxDeadlineSeconds * 1000;
    return clientMs <= latestMs ? { deadlineMs: clientMs, own: false } : { deadlineMs: latestMs, own: true };
  }
}

/** The call that `metadata` came with; grpc-js hands the same object to the handler. */
const calls = new WeakMap<Metadata, ServerCall>();

/** The ServerCall of a handler's grpc-js call object. */
export function serverCallOf(call: { readonly metadata: Metadata }): ServerCall {
  const found = calls.get(call.metadata);
  if (!found) throw new TypeError('this call is not served by chassis');
  return found;
}

/** Aborts on cancel, deadline, disconnect and server stop, with a Problem as its reason. */
export function callSignal(call: { readonly metadata: Metadata }): AbortSignal {
  return serverCallOf(call).signal;
}

/** Every status but OK carries details (reason, request id, trace id) and stops the handler. */
function typedStatus(call: ServerCall, sent: PartialStatus): PartialStatus {
  const code = sent.code ?? status.OK;
  if (code === status.OK) return sent;
  const details = sent.details ?? '';
  if (sent.metadata?.get(DETAILS_KEY).length) {
    call.abort(statusToProblem({ code, details, metadata: sent.metadata }));
    return sent;
  }
  const problem = call.signal.aborted ? abortProblem(call.signal) : untypedProblem(code, details);
  call.abort(problem);
  if (problem.reason === 'INTERNAL') call.log.error('call failed', { method: call.method, code, details });
  return call.statusOf(problem);
}

function untypedProblem(code: status, details: string): Problem {
  if (code === status.DEADLINE_EXCEEDED) return fail('DEADLINE_EXCEEDED', { elapsed: 'the time that the client set' });
  if (code === status.INTERNAL && details.includes('deserializing request'))
    return fail('REQUEST_INVALID', { detail: 'the request is no message of this method' });
  return statusToProblem({ code, details, metadata: new Metadata() });
}

/**
 * grpc-js counts a client's deadline in 32 bits: one of more than 24 days, which some clients send for "none", comes out
 * in the past. Such a call has the longest deadline there is.
 */
function dropOverflownDeadline(peer: PeerCall): void {
  if (peer.deadline === undefined || peer.deadline >= Date.now() - OVERFLOW_MS) return;
  clearTimeout(peer.deadlineTimer ?? undefined);
  peer.deadline = Number.MAX_SAFE_INTEGER;
}

/** A peer that never takes the end of a call must not hold its memory. */
function lingerThenReset(stream: ServerHttp2Stream | undefined, call: ServerCall | undefined): void {
  if (!stream || stream.closed) return;
  // The status stands behind the data that a slow reader does not take: the reset is what it will see.
  const slow = call?.signal.aborted && abortProblem(call.signal).reason === 'READER_TOO_SLOW';
  const [code, delayMs] = slow
    ? [constants.NGHTTP2_ENHANCE_YOUR_CALM, SLOW_LINGER_MS]
    : [constants.NGHTTP2_CANCEL, LINGER_MS];
  const timer = setTimeout(() => stream.close(code), delayMs);
  timer.unref();
  stream.once('close', () => clearTimeout(timer));
}
