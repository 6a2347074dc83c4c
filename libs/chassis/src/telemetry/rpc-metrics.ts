import { type Attributes, metrics } from '@opentelemetry/api';
import { TRACER_NAME } from './names.js';

/** Seconds; calls last from a health check's 0.1 ms to hours. */
const DURATION_BOUNDARIES = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
];

export interface RpcMetrics {
  started(attributes: Attributes): void;
  ended(
    attributes: Attributes,
    outcome: { statusName: string; seconds: number; receivedBytes: number; sentBytes: number },
  ): void;
}

/** Counts, durations and frame bytes of served calls. Made after the meter provider is set: the API hands out no late bindings. */
export function makeRpcMetrics(): RpcMetrics {
  const meter = metrics.getMeter(TRACER_NAME);
  const active = meter.createUpDownCounter('rpc.server.active_requests', {
    unit: '{call}',
    description: 'Calls that run now',
  });
  const duration = meter.createHistogram('rpc.server.call.duration', {
    unit: 's',
    description: 'Time from the first header of a call to its status',
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
  });
  const received = meter.createCounter('armilla.rpc.received', { unit: 'By', description: 'Bytes of received frames' });
  const sent = meter.createCounter('armilla.rpc.sent', { unit: 'By', description: 'Bytes of sent frames' });
  return {
    started: (attributes) => active.add(1, attributes),
    ended(attributes, { statusName, seconds, receivedBytes, sentBytes }) {
      active.add(-1, attributes);
      duration.record(seconds, { ...attributes, 'rpc.response.status_code': statusName });
      if (receivedBytes > 0) received.add(receivedBytes, attributes);
      if (sentBytes > 0) sent.add(sentBytes, attributes);
    },
  };
}
