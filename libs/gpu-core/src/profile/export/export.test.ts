import { gunzipSync } from 'node:zlib';
import * as pprof from 'pprof-format';
import { Profiler } from '../profiler.js';
import { stacksOf } from '../stacks.js';
import { simulatedRun } from '../testing/simulated-run.js';
import { profileToChromeTrace, type TraceEvent } from './chrome-trace.js';
import { profileToFolded } from './folded.js';
import { profileFromJson, profileToJson } from './json.js';
import { profileToPprof } from './pprof.js';
import { profileToSpeedscope } from './speedscope.js';

const run = simulatedRun('a run');
const selfNs = stacksOf(run).nodes.reduce((sum, node) => sum + node.selfNs, 0);

test('JSON: what is read is what was written', () => {
  expect(profileFromJson(profileToJson(run))).toEqual(run);
  expect(profileFromJson(new TextEncoder().encode(profileToJson(run)))).toEqual(run);
  const empty = new Profiler().profile();
  expect(profileFromJson(profileToJson(empty))).toEqual(empty);
});

/** What JSON.parse gives, to be spoilt. */
type Json = ReturnType<typeof JSON.parse>;

/** The run as JSON with one thing changed. */
function changed(change: (data: Json) => void): string {
  const data = JSON.parse(profileToJson(run));
  change(data);
  return JSON.stringify(data);
}

test.each<[string, string | Uint8Array, string]>([
  ['no JSON', '{"format":', 'not JSON'],
  ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'not JSON'],
  ['no object', '[]', 'the file is no object'],
  ['null', 'null', 'the file is no object'],
  ['another format', '{"format":"trace"}', "'format'"],
  ['a later version', changed((data) => (data.version = 2)), 'version 2'],
  ['a huge version', changed((data) => (data.version = 'x'.repeat(1e5))), 'version "xxx'],
  ['a column missing', changed((data) => delete data.spans.kernelNs), 'spans.kernelNs is no list'],
  ['a column too short', changed((data) => data.spans.kernelNs.pop()), 'spans.kernelNs has'],
  ['a text as number', changed((data) => (data.spans.startNs[1] = '5')), 'spans.startNs[1]'],
  ['a null start', changed((data) => (data.spans.startNs[1] = null)), 'spans.startNs[1]'],
  ['an unknown operation', changed((data) => (data.spans.op[3] = 99)), 'spans[3].op'],
  ['half an operation', changed((data) => (data.spans.op[3] = 0.5)), 'spans[3].op'],
  ['an unknown device', changed((data) => (data.spans.device[3] = -1)), 'spans[3].device'],
  ['a span inside itself', changed((data) => (data.spans.parent[3] = data.spans.id[3])), 'spans[3].parent'],
  ['a parent that began later', changed((data) => (data.spans.parent[3] = data.spans.id[9])), 'spans[3].parent'],
  ['an id twice', changed((data) => (data.spans.id[3] = data.spans.id[2])), 'spans[3].id'],
  ['an end before the start', changed((data) => (data.spans.endNs[3] = 0)), 'spans[3] ends before'],
  ['a time beyond any', changed((data) => (data.spans.endNs[3] = 1e300)), 'spans.endNs[3]'],
  ['negative bytes', changed((data) => (data.spans.bytes[3] = -1)), 'spans[3].bytes'],
  ['a name that is none', changed((data) => (data.ops[0] = { toString: 'x' })), 'ops[0]'],
  ['a long name', changed((data) => (data.ops[0] = 'x'.repeat(2000))), 'ops[0]'],
  ['too many names', changed((data) => (data.ops = Array(70_000).fill('x'))), 'ops has 70000'],
  ['a counter without track', changed((data) => (data.counters.track[0] = 7)), 'counters.track[0]'],
  ['a counter back in time', changed((data) => (data.counters.timeNs[5] = 0)), 'counters.timeNs[5]'],
  ['totals twice', changed((data) => data.totals.push(data.totals[0])), 'came before'],
  ['totals of nothing', changed((data) => (data.totals[0].count = 0)), 'totals[0].count'],
  ['a label that is no text', changed((data) => (data.label = 5)), 'label'],
  ['a time out of range', changed((data) => (data.originEpochMs = 1e300)), 'originEpochMs'],
])('JSON with %s is refused', (_, json, detail) => {
  expect(() => profileFromJson(json, 'run.json')).toThrow(
    expect.objectContaining({
      reason: 'PROFILE_INVALID',
      fields: { where: 'run.json', detail: expect.stringContaining(detail) },
    }),
  );
});

test('JSON: fields of no meaning are left behind', () => {
  const read = profileFromJson(changed((data) => Object.assign(data, { more: 1, __proto__: { label: 'x' } })));
  expect(Object.keys(read).sort()).toEqual(Object.keys(run).sort());
});

test('Chrome trace: complete events nest in each thread, arrows join spans, metadata names all threads', () => {
  const { traceEvents } = JSON.parse(profileToChromeTrace(run)) as { traceEvents: TraceEvent[] };
  const complete = traceEvents.filter(({ ph }) => ph === 'X');
  expect(complete.filter(({ cat }) => cat === 'op')).toHaveLength(run.spans.id.length);
  expect(complete.filter(({ cat }) => cat === 'kernel')).toHaveLength(200);
  const threads = new Map<string, TraceEvent[]>();
  for (const event of complete) {
    const key = `${event.pid}/${event.tid}`;
    threads.set(key, [...(threads.get(key) ?? []), event]);
  }
  for (const events of threads.values()) {
    events.sort((a, b) => a.ts! - b.ts! || b.dur! - a.dur!);
    const ends: number[] = [];
    for (const { ts, dur } of events) {
      // Times in µs are rounded to 2^-53 of their size.
      while (ends.length > 0 && ends.at(-1)! <= ts! + 1e-6) ends.pop();
      expect(ts! + dur!).toBeLessThanOrEqual((ends.at(-1) ?? Infinity) + 1e-6);
      ends.push(ts! + dur!);
    }
  }
  const named = traceEvents.filter(({ name }) => name === 'thread_name').map(({ pid, tid }) => `${pid}/${tid}`);
  expect([...named].sort()).toEqual([...threads.keys()].sort());
  const processes = traceEvents.filter(({ name }) => name === 'process_name').map(({ args }) => args!.name);
  expect(processes).toEqual(['gpu0', 'cpu']);
  const starts = traceEvents.filter(({ ph }) => ph === 's');
  const ends = traceEvents.filter(({ ph }) => ph === 'f');
  expect(starts.map(({ id }) => id)).toEqual(ends.map(({ id }) => id));
  expect(starts).toHaveLength(160);
  for (const [i, { pid, tid, ts }] of starts.entries()) {
    const inside = threads.get(`${pid}/${tid}`)!.some((event) => event.ts! <= ts! && ts! <= event.ts! + event.dur!);
    expect(inside && ts! <= ends[i].ts!).toBe(true);
  }
  const counters = traceEvents.filter(({ ph }) => ph === 'C');
  expect(counters).toHaveLength(run.counters.value.length);
  expect(counters[0]).toMatchObject({ name: 'memory.used', pid: 1, args: { bytes: run.counters.value[0] } });
  expect(complete.find(({ name }) => name === 'gpu.reduce')?.args).toEqual({ open: true });
});

test('Chrome trace: more spans beside each other than rows', () => {
  const profiler = new Profiler();
  const handles = Array.from({ length: 300 }, () => profiler.begin('op'));
  handles.forEach((handle) => profiler.end(handle));
  const { traceEvents } = JSON.parse(profileToChromeTrace(profiler.profile())) as { traceEvents: TraceEvent[] };
  const count = (ph: string): number => traceEvents.filter((event) => event.ph === ph).length;
  expect(count('X') + count('b')).toBe(300);
  expect(count('b')).toBe(count('e'));
});

test('pprof: decoded again, it has the self times, the calls and the stacks', () => {
  const decoded = pprof.Profile.decode(gunzipSync(profileToPprof(run)));
  const text = (index: unknown): string => decoded.stringTable.strings[Number(index)];
  expect(decoded.sampleType.map(({ type, unit }) => [text(type), text(unit)])).toEqual([
    ['calls', 'count'],
    ['time', 'nanoseconds'],
  ]);
  const time = decoded.sample.reduce((sum, { value }) => sum + Number(value[1]), 0);
  expect(Math.abs(time - selfNs)).toBeLessThan(decoded.sample.length);
  expect(decoded.sample.reduce((sum, { value }) => sum + Number(value[0]), 0)).toBe(run.spans.id.length);
  const stacks = decoded.sample.map(({ locationId, label }) => {
    const names = locationId.map((id) => {
      const { line } = decoded.location.find((location) => Number(location.id) === Number(id))!;
      return text(decoded.function.find((one) => Number(one.id) === Number(line[0].functionId))!.name);
    });
    return `${names.join(' < ')} @ ${text(label[0].str)}`;
  });
  expect(stacks.sort()).toEqual([
    'crossmatch.match @ cpu',
    'gpu.matmul < crossmatch.match @ gpu0',
    'gpu.reduce @ gpu0',
    'sky.join < crossmatch.match @ cpu',
    'sky.join.order < sky.join < crossmatch.match @ cpu',
  ]);
});

test('speedscope and folded stacks have the same times', () => {
  const { shared, profiles, $schema } = JSON.parse(profileToSpeedscope(run));
  const [{ type, unit, samples, weights, endValue }] = profiles;
  expect([$schema, type, unit]).toEqual([
    'https://www.speedscope.app/file-format-schema.json',
    'sampled',
    'nanoseconds',
  ]);
  expect(samples).toHaveLength(weights.length);
  expect(samples.flat().every((frame: number) => shared.frames[frame] !== undefined)).toBe(true);
  expect(endValue).toBeCloseTo(selfNs, 3);
  const lines = profileToFolded(run).trimEnd().split('\n');
  expect(lines.every((line) => /^[^;]+( ?;[^;]+)* \d+$/.test(line))).toBe(true);
  const folded = lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  expect(Math.abs(folded - selfNs)).toBeLessThan(lines.length);
  expect(lines.some((line) => line.startsWith('crossmatch.match [cpu];gpu.matmul [gpu0] '))).toBe(true);
});

test('folded stacks: names cannot forge frames or lines', () => {
  let now = 0;
  const profiler = new Profiler({ nowNs: () => (now += 1000) });
  profiler.scope('a;b\nc 5').end();
  expect(profileToFolded(profiler.profile())).toBe('a b c 5 [cpu] 1000\n');
});

test('a chain of 2000 spans is exported', () => {
  let now = 0;
  const profiler = new Profiler({ nowNs: () => ++now, spanCapacity: 32_768 });
  const spans = Array.from({ length: 2000 }, () => profiler.scope('deep'));
  spans.reverse().forEach((span) => span.end());
  const deep = profiler.profile();
  expect(profileToFolded(deep).split('\n').at(-2)!.split(';')).toHaveLength(512);
  expect(profileToPprof(deep).length).toBeGreaterThan(1000);
});
