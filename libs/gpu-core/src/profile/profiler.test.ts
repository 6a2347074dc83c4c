import type { Profile } from './profile.js';
import { profiled } from './profiled.js';
import { Profiler, type ProfilerOptions } from './profiler.js';

/** A profiler whose clock moves when it is told to. */
function onClock(options: ProfilerOptions = {}): { profiler: Profiler; at: (ns: number) => void } {
  let now = 0;
  const profiler = new Profiler({ nowNs: () => now, originEpochMs: 1_700_000_000_000, ...options });
  return { profiler, at: (ns) => void (now = ns) };
}

/** Spans as [op, device, start, end, op of the parent]. */
function spansOf({ spans, ops, devices }: Profile): unknown[] {
  return Array.from(spans.id, (_, i) => {
    const parent = spans.id.indexOf(spans.parent[i]);
    return [
      ops[spans.op[i]],
      devices[spans.device[i]],
      spans.startNs[i],
      spans.endNs[i],
      ops[spans.op[parent]] ?? null,
    ];
  });
}

test('scopes nest, end with their block and carry what was added', () => {
  const { profiler, at } = onClock();
  {
    using outer = profiler.scope('rpc');
    at(10);
    {
      using inner = profiler.scope('matmul', { device: 'gpu0', bytes: 100, decision: 7 });
      at(60);
      inner.add({ kernelNs: 30, uploadNs: 10, bytes: 20, flops: 5, memoryBytes: 4096 });
    }
    at(80);
    expect(outer.recorded).toBe(true);
  }
  const profile = profiler.profile('a run', 'a machine');
  expect(spansOf(profile)).toEqual([
    ['rpc', 'cpu', 0, 80, null],
    ['matmul', 'gpu0', 10, 60, 'rpc'],
  ]);
  const { spans } = profile;
  expect([spans.uploadNs[1], spans.kernelNs[1], spans.overheadNs[1]]).toEqual([10, 30, 10]);
  expect([spans.bytes[1], spans.flops[1], spans.memoryBytes[1], spans.decision[1]]).toEqual([120, 5, 4096, 7]);
  expect([spans.overheadNs[0], spans.memoryBytes[0], spans.decision[0]]).toEqual([0, NaN, -1]);
  expect([profile.label, profile.machine, profile.capturedNs]).toEqual(['a run', 'a machine', 80]);
});

test('handles begin and end without scopes, and an old handle does nothing', () => {
  const { profiler, at } = onClock();
  const outer = profiler.begin('outer');
  at(5);
  const inner = profiler.begin('inner', 'gpu0');
  profiler.add(inner, { kernelNs: 2 });
  at(9);
  profiler.end(outer);
  at(12);
  profiler.end(inner);
  profiler.end(inner);
  profiler.add(inner, { kernelNs: 100 });
  for (const handle of [-1, NaN, 0, 1e300, undefined as unknown as number]) profiler.end(handle);
  const next = profiler.begin('next');
  profiler.end(inner);
  at(13);
  profiler.end(next);
  expect(spansOf(profiler.profile())).toEqual([
    ['outer', 'cpu', 0, 9, null],
    ['inner', 'gpu0', 5, 12, null],
    ['next', 'cpu', 12, 13, null],
  ]);
  expect(profiler.profile().totals.map((row) => row.count)).toEqual([1, 1, 1]);
});

test('operations that run beside each other keep their children apart', async () => {
  const { profiler } = onClock();
  const work = (name: string, turns: number): Promise<void> =>
    profiler.run(name, async () => {
      for (let i = 0; i < turns; i++) {
        await Promise.resolve();
        using child = profiler.scope(`${name}.child`);
        await Promise.resolve();
        profiler.end(profiler.begin(`${name}.leaf`));
        child.add({ bytes: 1 });
      }
    });
  await profiler.run('rpc', () => Promise.all([work('a', 3), work('b', 5)]));
  const after = profiler.scope('after');
  after.end();
  const parents = spansOf(profiler.profile()).map((span) => `${(span as string[])[4]} > ${(span as string[])[0]}`);
  expect([...new Set(parents)].sort()).toEqual([
    'a > a.child',
    'a.child > a.leaf',
    'b > b.child',
    'b.child > b.leaf',
    'null > after',
    'null > rpc',
    'rpc > a',
    'rpc > b',
  ]);
  expect(parents).toHaveLength(20);
});

test('scopes that end out of order leave the innermost open one in force', () => {
  const { profiler } = onClock();
  const a = profiler.scope('a');
  const b = profiler.scope('b');
  const c = profiler.scope('c');
  b.end();
  a.end();
  const d = profiler.scope('d');
  c.end();
  d.end();
  d.end();
  using e = profiler.scope('e');
  using alone = profiler.scope('alone', { parent: null });
  using explicit = e.scope('explicit');
  expect(alone.recorded && explicit.recorded).toBe(true);
  expect(spansOf(profiler.profile()).map((span) => [(span as string[])[0], (span as string[])[4]])).toEqual([
    ['a', null],
    ['b', 'a'],
    ['c', 'b'],
    ['d', 'c'],
    ['e', null],
    ['alone', null],
    ['explicit', 'e'],
  ]);
});

test('the ring keeps the newest spans; a long one is not lost to many short ones', () => {
  const { profiler, at } = onClock({ spanCapacity: 16 });
  const long = profiler.scope('long');
  for (let i = 0; i < 100; i++) {
    at(i);
    profiler.end(profiler.begin('short'));
  }
  const during = profiler.profile();
  expect(during.spans.id).toHaveLength(17);
  expect([during.spans.id[0], during.spans.endNs[0], during.spans.id[1]]).toEqual([1, NaN, 86]);
  at(1000);
  long.end();
  const after = profiler.profile();
  expect(after.spans.id).toHaveLength(16);
  expect([after.spans.id[0], after.spans.endNs[0]]).toEqual([1, 1000]);
  expect(after.overwrittenCount).toBe(85);
  expect(after.totals.find((row) => after.ops[row.op] === 'short')?.count).toBe(100);
});

test('spans that are never ended cost no more than 65536 places', () => {
  const { profiler } = onClock();
  for (let i = 0; i < 65_536; i++) profiler.begin('leak');
  const lost = profiler.begin('lost');
  expect(lost).toBe(-1);
  {
    using dropped = profiler.scope('dropped', { bytes: 1 });
    dropped.add({ bytes: 1 });
  }
  const profile = profiler.profile();
  expect(profile.droppedCount).toBe(2);
  expect(profile.spans.id).toHaveLength(65_536);
});

test('names made of data do not fill the memory', () => {
  const { profiler } = onClock();
  for (let i = 0; i < 10_000; i++) profiler.end(profiler.begin(`row ${i}`));
  profiler.end(profiler.begin('x'.repeat(10_000)));
  const { ops, totals } = profiler.profile();
  expect(ops).toHaveLength(4097);
  expect(totals.find((row) => ops[row.op] === '(other)')?.count).toBe(10_000 - 4096 + 1);
});

test('a disabled profiler records nothing and runs the work', async () => {
  const { profiler } = onClock({ enabled: false });
  const memory = profiler.track('memory.used', 'gpu0', 'bytes');
  using span = profiler.scope('op');
  span.add({ bytes: 1 }).scope('child').end();
  profiler.end(profiler.begin('op'));
  profiler.count(memory, 5);
  expect(await profiler.run('op', async (inner) => inner.recorded)).toBe(false);
  expect(profiler.profile().spans.id).toHaveLength(0);
  expect(profiler.profile().counters.value).toHaveLength(0);
  profiler.enabled = true;
  using on = profiler.scope('op', { parent: span });
  expect(on.recorded).toBe(true);
});

test('errors end the span and pass through', async () => {
  const { profiler } = onClock();
  const fault = new Error('no');
  const thrower = (): never => {
    throw fault;
  };
  expect(() => profiler.run('sync', thrower)).toThrow(fault);
  await expect(profiler.run('async', () => Promise.reject(fault))).rejects.toBe(fault);
  expect(profiler.run('value', () => 5)).toBe(5);
  expect([...profiler.profile().spans.endNs]).toEqual([0, 0, 0]);
});

test('a decorated method is a span with its own name by default', async () => {
  const { profiler } = onClock();
  class Counter {
    count = 2;
    add(by: number): Promise<number> {
      return Promise.resolve((this.count += by));
    }
  }
  const context = { kind: 'method', name: 'add' } as unknown as ClassMethodDecoratorContext<
    Counter,
    (this: Counter, by: number) => Promise<number>
  >;
  const plain = profiled(profiler)(Counter.prototype.add, context);
  const named = profiled(profiler, 'counter.add', { device: 'gpu0' })(Counter.prototype.add, context);
  const counter = new Counter();
  expect(await plain.call(counter, 3)).toBe(5);
  expect(await named.call(counter, 4)).toBe(9);
  expect(spansOf(profiler.profile())).toEqual([
    ['add', 'cpu', 0, 0, null],
    ['counter.add', 'gpu0', 0, 0, null],
  ]);
});

test('numbers that are none are left out, and a clock that steps back gives no negative time', () => {
  const { profiler, at } = onClock();
  at(100);
  const span = profiler.scope('op');
  span.add({ kernelNs: NaN, bytes: -5, flops: undefined, memoryBytes: -1, decision: NaN });
  at(50);
  span.end();
  const { spans, totals } = profiler.profile();
  expect([spans.startNs[0], spans.endNs[0], spans.kernelNs[0], spans.bytes[0]]).toEqual([100, 100, 0, 0]);
  expect([spans.memoryBytes[0], spans.decision[0], totals[0].totalNs]).toEqual([NaN, -1, 0]);
});

test('counters keep the newest samples in order', () => {
  const { profiler, at } = onClock({ counterCapacity: 16 });
  const used = profiler.track('memory.used', 'gpu0', 'bytes');
  const reserved = profiler.track('memory.reserved', 'gpu0', 'bytes');
  expect(profiler.track('memory.used', 'gpu0', 'bytes')).toBe(used);
  for (let i = 0; i < 20; i++) {
    at(i);
    profiler.count(i % 2 === 0 ? used : reserved, i * 10);
  }
  profiler.count(99, 1);
  profiler.count(used, NaN);
  const { counters, devices } = profiler.profile();
  expect(counters.tracks.map((track) => [track.name, devices[track.device], track.unit])).toEqual([
    ['memory.used', 'gpu0', 'bytes'],
    ['memory.reserved', 'gpu0', 'bytes'],
  ]);
  expect([...counters.timeNs]).toEqual(Array.from({ length: 16 }, (_, i) => i + 4));
  expect([...counters.value.subarray(0, 3)]).toEqual([40, 50, 60]);
  expect([...counters.track.subarray(0, 3)]).toEqual([0, 1, 0]);
});

test.each([0, 15, 17, 2 ** 23, NaN, 1.5])('a capacity of %s is refused', (spanCapacity) => {
  expect(() => new Profiler({ spanCapacity })).toThrow(
    expect.objectContaining({ reason: 'OPTION_INVALID', fields: expect.objectContaining({ field: 'spanCapacity' }) }),
  );
});
