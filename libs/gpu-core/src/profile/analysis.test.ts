import { Random } from '@armilla/base';
import { adviseOn } from './advice.js';
import { bottlenecks } from './bottlenecks.js';
import { compareProfiles } from './compare.js';
import { lengthOf, sharedLength, union } from './intervals.js';
import { overlaps } from './overlap.js';
import { Profiler, type SpanFacts } from './profiler.js';
import type { Profile } from './profile.js';
import { regressionGate } from './regression-gate.js';
import { layRows } from './rows.js';
import { bootstrapMedianRatio, mannWhitneyP, median, quantile } from './statistics.js';
import { summarise } from './summary.js';
import { simulatedRun } from './testing/simulated-run.js';

interface Call {
  readonly op: string;
  readonly device?: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly facts?: SpanFacts;
  readonly children?: readonly Call[];
}

/** The profile of calls at given times, whatever their order. */
function record(calls: readonly Call[], spanCapacity = 1024): Profile {
  let now = 0;
  const profiler = new Profiler({ nowNs: () => now, spanCapacity });
  const visit = ({ op, device, startNs, endNs, facts, children = [] }: Call): void => {
    now = startNs;
    const span = profiler.scope(op, { device, ...facts });
    children.forEach(visit);
    now = endNs;
    span.end();
  };
  calls.forEach(visit);
  return profiler.profile();
}

const durations = (op: string, list: readonly number[]): Call[] =>
  list.map((ns, i) => ({ op, startNs: i * 1e6, endNs: i * 1e6 + ns }));

test('the summary is plain arithmetic', () => {
  const values = [40, 10, 30, 20, 100];
  const [row] = summarise(record(durations('op', values)));
  expect(row).toMatchObject({ op: 'op', device: 'cpu', count: 5, totalNs: 200, meanNs: 40, minNs: 10, maxNs: 100 });
  const squares = values.reduce((sum, value) => sum + (value - 40) ** 2, 0);
  expect(row.stdNs).toBeCloseTo(Math.sqrt(squares / 4), 9);
  expect([row.heldCount, row.p50Ns]).toEqual([5, 30]);
  expect(row.p95Ns).toBeCloseTo(88, 9);
  expect(row.p99Ns).toBeCloseTo(97.6, 9);
  expect([row.gbPerS, row.gflopPerS, row.rooflinePercent]).toEqual([NaN, NaN, NaN]);
});

test('sums reach further back than the ring, percentiles do not', () => {
  const random = new Random(5);
  const values = Array.from({ length: 1000 }, () => Math.floor(1e5 + 1000 * random.normal()));
  const [row] = summarise(record(durations('op', values), 16));
  const mean = values.reduce((sum, value) => sum + value, 0) / 1000;
  expect(row.count).toBe(1000);
  expect(row.meanNs).toBeCloseTo(mean, 6);
  expect(row.stdNs).toBeCloseTo(Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 999), 4);
  expect([row.minNs, row.maxNs]).toEqual([Math.min(...values), Math.max(...values)]);
  expect(row.heldCount).toBe(16);
  expect(row.p50Ns).toBe(median(values.slice(-16)));
});

test('rates are over kernels and held against the roof of their device', () => {
  const profile = record([
    { op: 'a', device: 'gpu0', startNs: 0, endNs: 200, facts: { kernelNs: 100, bytes: 1000, flops: 4000 } },
    { op: 'copy', device: 'gpu0', startNs: 300, endNs: 400, facts: { bytes: 500 } },
    { op: 'b', device: 'cpu', startNs: 500, endNs: 600, facts: { flops: 100 } },
  ]);
  const rows = summarise(profile, [{ device: 'gpu0', peakGflopPerS: 1000, peakGbPerS: 20 }]);
  const of = (op: string): unknown => {
    const { gbPerS, gflopPerS, intensity, rooflinePercent } = rows.find((row) => row.op === op)!;
    return [gbPerS, gflopPerS, intensity, rooflinePercent];
  };
  // 4 flop/byte x 20 GB/s allow 80 GFLOP/s.
  expect(of('a')).toEqual([10, 40, 4, 50]);
  expect(of('copy')).toEqual([5, NaN, NaN, 25]);
  expect(of('b')).toEqual([NaN, 1, NaN, NaN]);
});

test('self time counts children that overlap once, and none beyond the end of their parent', () => {
  const children: Call[] = [
    { op: 'child', startNs: 10, endNs: 50 },
    { op: 'child', startNs: 30, endNs: 60 },
    { op: 'late', startNs: 90, endNs: 150 },
  ];
  const rows = bottlenecks(record([{ op: 'parent', startNs: 0, endNs: 100, children }]), 2);
  expect(rows.map((row) => [row.op, row.selfNs, row.count])).toEqual([
    ['child', 70, 2],
    ['late', 60, 1],
  ]);
  expect(rows[0].share).toBeCloseTo(70 / (70 + 60 + 40), 12);
});

test('the overlap is the share of transfers beside kernels of the same device', () => {
  const facts = { uploadNs: 10, kernelNs: 20, readbackNs: 10 };
  const calls: Call[] = [
    // Upload 0-10, kernel 10-30, readback 30-40; the second one 10 later: its upload and the end of its kernel overlap.
    { op: 'a', device: 'gpu0', startNs: 0, endNs: 40, facts },
    { op: 'a', device: 'gpu0', startNs: 10, endNs: 50, facts },
    { op: 'a', device: 'gpu1', startNs: 0, endNs: 40, facts },
    { op: 'none', device: 'cpu', startNs: 0, endNs: 40 },
  ];
  expect(overlaps(record(calls))).toEqual([
    { device: 'gpu0', transferNs: 40, share: 0.5 },
    { device: 'gpu1', transferNs: 20, share: 0 },
  ]);
});

test('intervals: union and shared length agree with counting', () => {
  const random = new Random(3);
  const some = (): [number, number][] =>
    Array.from({ length: 8 }, () => {
      const start = random.below(90);
      return [start, start + random.below(12)];
    });
  for (let round = 0; round < 200; round++) {
    const [a, b] = [some(), some()];
    const inside = (list: [number, number][], at: number): boolean =>
      list.some(([start, end]) => at >= start && at < end);
    const cells = Array.from({ length: 110 }, (_, at) => [inside(a, at), inside(b, at)]);
    expect(lengthOf(union(a))).toBe(cells.filter(([inA]) => inA).length);
    expect(sharedLength(union(a), union(b))).toBe(cells.filter(([inA, inB]) => inA && inB).length);
  }
});

test('statistics: known values', () => {
  expect(quantile([], 0.5)).toBeNaN();
  expect(quantile([7], 0.99)).toBe(7);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  // scipy.stats.mannwhitneyu(…, method='asymptotic').pvalue, SciPy 1.17.
  expect(mannWhitneyP([1, 2, 3, 4, 5, 6, 7, 8], [5, 6, 7, 8, 9, 10, 11, 12])).toBeCloseTo(0.0133130027638, 7);
  expect(mannWhitneyP([1, 1, 2, 2, 3], [1, 2, 2, 3, 3])).toBeCloseTo(0.5067287122721, 6);
  expect(mannWhitneyP([1, 1, 1], [1, 1, 1])).toBe(1);
  expect(mannWhitneyP([], [1])).toBe(1);
});

test('the bootstrap interval holds the true ratio about as often as it says', () => {
  const random = new Random(11);
  let held = 0;
  for (let round = 0; round < 60; round++) {
    const a = Array.from({ length: 40 }, () => random.between(1, 2));
    const b = Array.from({ length: 40 }, () => 1.5 * random.between(1, 2));
    const options = { resampleCount: 200, level: 0.95, random: () => random.uniform() };
    const [low, high] = bootstrapMedianRatio(a, b, options);
    if (low <= 1.5 && high >= 1.5) held++;
  }
  expect(held).toBeGreaterThan(50);
});

test('a comparison tells slower, faster, same, too few, added and removed apart', () => {
  const random = new Random(2);
  const noisy = (ns: number, count: number): number[] =>
    Array.from({ length: count }, () => ns * random.between(0.95, 1.05));
  const before = record([
    ...durations('slower', noisy(1000, 60)),
    ...durations('faster', noisy(1000, 60)),
    ...durations('same', noisy(1000, 200)),
    ...durations('few', noisy(1000, 3)),
    ...durations('removed', [5]),
  ]);
  const after = record([
    ...durations('slower', noisy(1300, 60)),
    ...durations('faster', noisy(700, 60)),
    ...durations('same', noisy(1000, 200)),
    ...durations('few', noisy(3000, 3)),
    ...durations('added', [5]),
  ]);
  const rows = compareProfiles(before, after, { random: () => random.uniform() });
  expect(Object.fromEntries(rows.map((row) => [row.op, row.verdict]))).toEqual({
    slower: 'slower',
    faster: 'faster',
    same: 'same',
    few: 'unclear',
    added: 'added',
    removed: 'removed',
  });
  const slower = rows.find((row) => row.op === 'slower')!;
  expect(slower.ratioLow).toBeLessThan(slower.ratio);
  expect(slower.ratioHigh).toBeGreaterThan(slower.ratio);
});

test('the gate fails on what became slower, and gives the same verdict again', () => {
  const [a, b] = [simulatedRun('a'), simulatedRun('b', { seed: 2, slowdown: 2 })];
  const result = regressionGate(a, b);
  expect([result.verdict, result.exitCode]).toEqual(['regressed', 1]);
  expect(result.messages[0]).toContain('became slower');
  expect(regressionGate(a, b)).toEqual(result);
  const better = regressionGate(b, a);
  expect(better.exitCode).toBe(0);
  const few = regressionGate(record(durations('x', [1, 2])), record(durations('x', [9, 9])));
  expect([few.verdict, few.exitCode]).toEqual(['inconclusive', 0]);
  expect(few.messages).toEqual(['x on cpu: 2 and 2 spans are too few for a verdict']);
  const zeros = record(durations('x', new Array<number>(20).fill(0)));
  expect(regressionGate(zeros, zeros)).toMatchObject({
    verdict: 'inconclusive',
    messages: ['x on cpu: a median of 0 has no ratio to another'],
  });
  const same = durations(
    'x',
    Array.from({ length: 50 }, (_, i) => 1000 + (i % 3)),
  );
  expect(regressionGate(record(same), record(same)).verdict).toBe('passed');
});

test.each<[string, SpanFacts]>([
  ['transfer', { uploadNs: 600, readbackNs: 100, kernelNs: 200 }],
  ['queue', { queueNs: 800, kernelNs: 100 }],
  ['overhead', { kernelNs: 100 }],
  ['roofline', { kernelNs: 900, bytes: 10, flops: 10 }],
])('advice: %s', (rule, facts) => {
  const profile = record([{ op: 'op', device: 'gpu0', startNs: 0, endNs: 1000, facts }]);
  const rooflines = [{ device: 'gpu0', peakGflopPerS: 100, peakGbPerS: 100 }];
  expect(adviseOn(profile, { rooflines }).map((advice) => advice.rule)).toContain(rule);
});

test('advice: overlap, tail, memory, router, dropped spans; nothing of a run that is well', () => {
  const plain = record([{ op: 'op', startNs: 0, endNs: 1000, facts: { kernelNs: 900 } }]);
  expect(adviseOn(plain)).toEqual([]);
  const tail = record(
    durations(
      'op',
      Array.from({ length: 200 }, (_, i) => (i % 40 === 0 ? 50_000 : 1000)),
    ),
  );
  expect(adviseOn(tail).map(({ rule }) => rule)).toEqual(['tail']);
  const serial: Call = { op: 'op', device: 'g', startNs: 0, endNs: 100, facts: { uploadNs: 40, kernelNs: 60 } };
  expect(adviseOn(record([serial])).map(({ rule }) => rule)).toEqual(['overlap']);
  const context = {
    crossovers: [
      { op: 'moved', beforeSize: 100, nowSize: 1000 },
      { op: 'stayed', beforeSize: 100, nowSize: 110 },
      { op: 'unknown', beforeSize: NaN, nowSize: 110 },
    ],
    memory: [
      { device: 'full', usedBytes: 90, budgetBytes: 100 },
      { device: 'free', usedBytes: 80, budgetBytes: 100 },
      { device: 'unknown', usedBytes: 80, budgetBytes: 0 },
    ],
  };
  const advice = adviseOn({ ...plain, droppedCount: 3 }, context);
  expect(advice.map(({ rule }) => rule).sort()).toEqual(['dropped', 'memory', 'router']);
  expect(advice.find(({ rule }) => rule === 'router')?.text).toContain('moved from 100 to 1000');
});

test('rows hold what lies beside each other or, where asked for, inside each other', () => {
  const random = new Random(8);
  const spans = Array.from({ length: 300 }, () => {
    const startNs = random.below(1000);
    return { startNs, endNs: startNs + random.below(60) };
  });
  for (const nested of [true, false]) {
    const rows = layRows(spans, nested);
    let wrong = 0;
    for (let i = 0; i < spans.length; i++) {
      for (let j = 0; j < i; j++) {
        if (rows[i] !== rows[j]) continue;
        const [a, b] = [spans[i], spans[j]];
        const apart = a.endNs <= b.startNs || b.endNs <= a.startNs;
        const inside = (a.startNs >= b.startNs && a.endNs <= b.endNs) || (b.startNs >= a.startNs && b.endNs <= a.endNs);
        if (!apart && !(nested && inside)) wrong++;
      }
    }
    expect([wrong, rows.includes(-1)]).toEqual([0, false]);
  }
  const many = Array.from({ length: 300 }, (_, i) => ({ startNs: i, endNs: 1000 + i }));
  expect([...layRows(many, true)].filter((row) => row === -1)).toHaveLength(44);
});
