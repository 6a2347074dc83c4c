import { choose, confidence, meetsDeadline } from './choice.js';
import { type DevicePrediction, normalCdf } from './decision.js';

const takes = (totalMs: number, sigma = 0.1, queueMs = 0): DevicePrediction => ({
  device: 'x',
  totalMs: totalMs + queueMs,
  terms: { launchMs: totalMs, computeMs: 0, transferMs: 0, queueMs },
  sigma,
  samples: 10,
  source: 'learned',
  bytesToMove: 0,
  chunkCount: 1,
});

test('the last choice stays while it is within 5 % of the fastest', () => {
  expect(choose([takes(1.04), takes(1)], 0, undefined)).toEqual({ index: 0, reason: 'hysteresis' });
  expect(choose([takes(1.06), takes(1)], 0, undefined)).toEqual({ index: 1, reason: 'fastest' });
  expect(choose([takes(1.04), takes(1)], -1, undefined)).toEqual({ index: 1, reason: 'fastest' });
  expect(choose([takes(1.04), takes(1)], 0, 1.1)).toEqual({ index: 1, reason: 'fastest' });
  expect(choose([takes(7)], 0, undefined)).toEqual({ index: 0, reason: 'only-device' });
});

test('a deadline counts the queue, and prefers a sure device to a fast one', () => {
  expect(meetsDeadline(takes(1, 0.1, 5), 5)).toBe(0);
  expect(meetsDeadline(takes(1, 0.1, 5), 6)).toBeCloseTo(0.5, 6);
  expect(choose([takes(1, 1), takes(1.2, 0.05)], -1, 1.5)).toEqual({ index: 1, reason: 'deadline' });
  expect(choose([takes(1, 1), takes(1.2, 0.05)], -1, 100)).toEqual({ index: 0, reason: 'fastest' });
  expect(choose([takes(10), takes(12)], -1, 1)).toEqual({ index: 0, reason: 'deadline-unlikely' });
});

test('confidence is a half for equals and grows with the distance', () => {
  expect(confidence(takes(1), takes(1))).toBeCloseTo(0.5, 6);
  expect(confidence(takes(1), takes(2))).toBeGreaterThan(0.99);
  expect(confidence(takes(2), takes(1))).toBeCloseTo(1 - confidence(takes(1), takes(2)), 6);
  // Abramowitz & Stegun, table 26.1
  expect(normalCdf(1)).toBeCloseTo(0.841344746, 6);
  expect(normalCdf(-2)).toBeCloseTo(0.022750132, 6);
});
