import { metrics } from '@opentelemetry/api';

/** Seconds; requests last from a probe's millisecond to hours. */
const DURATION_BOUNDARIES = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

export interface HttpMetrics {
  started(method: string): void;
  /** Bytes are those of whole requests and answers on the wire, headers left out. */
  ended(outcome: {
    method: string;
    route: string;
    status: number;
    seconds: number;
    sentBytes: number;
    receivedBytes: number;
  }): void;
}

/** Counts, durations and bytes of HTTP requests. Made after the meter provider is set: the API makes no late bindings. */
export function makeHttpMetrics(): HttpMetrics {
  const meter = metrics.getMeter('@armilla/gateway');
  const active = meter.createUpDownCounter('http.server.active_requests', {
    unit: '{request}',
    description: 'HTTP requests that run now',
  });
  const duration = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'Time from the head of a request to the end of its answer',
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
  });
  const received = meter.createCounter('armilla.http.received', { unit: 'By', description: 'Bytes of request bodies' });
  const sent = meter.createCounter('armilla.http.sent', { unit: 'By', description: 'Bytes of answers to matches' });
  return {
    started: (method) => active.add(1, { 'http.request.method': method }),
    ended({ method, route, status, seconds, sentBytes, receivedBytes }) {
      const attributes = { 'http.request.method': method, 'http.route': route };
      active.add(-1, { 'http.request.method': method });
      duration.record(seconds, { ...attributes, 'http.response.status_code': status });
      if (receivedBytes > 0) received.add(receivedBytes, attributes);
      if (sentBytes > 0) sent.add(sentBytes, attributes);
    },
  };
}
