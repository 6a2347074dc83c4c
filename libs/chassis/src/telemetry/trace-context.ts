import { randomUUID } from 'node:crypto';
import { createTraceState, type SpanContext, TraceFlags } from '@opentelemetry/api';

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACESTATE_CHARS = 512;

/** Reads the W3C headers `traceparent` and `tracestate`; undefined when there is none or it is not valid. */
export function parseTraceparent(traceparent: string | undefined, tracestate?: string): SpanContext | undefined {
  const match = TRACEPARENT.exec(traceparent?.trim() ?? '');
  if (!match) return undefined;
  const [, version, traceId, spanId, flags, rest] = match;
  // Version 00 has exactly four parts; later versions may add some. All-zero ids are invalid.
  if (version === 'ff' || (version === '00' && rest !== undefined) || /^0+$/.test(traceId) || /^0+$/.test(spanId))
    return undefined;
  const traceState =
    tracestate !== undefined && tracestate.length <= TRACESTATE_CHARS ? createTraceState(tracestate) : undefined;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(traceState && { traceState }),
  };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`;
}

/** An unsampled context of a new trace: gives errors and logs a trace id where no SDK records spans. */
export function newSpanContext(): SpanContext {
  // UUIDs come from a pool of random bytes: an eighth of the price of asking for bytes, and each call pays it.
  const traceId = randomUUID().replaceAll('-', '');
  return { traceId, spanId: randomUUID().replaceAll('-', '').slice(0, 16), traceFlags: TraceFlags.NONE };
}
