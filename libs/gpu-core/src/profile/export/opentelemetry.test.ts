import {
  type Attributes,
  type Context,
  context,
  type ContextManager,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { Profiler } from '../profiler.js';
import { exportToOpenTelemetry } from './opentelemetry.js';

interface Exported {
  readonly name: string;
  readonly parent: string | undefined;
  readonly start: HrTime;
  readonly end: HrTime;
  readonly attributes: Attributes;
}

const RPC = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: 'f'.repeat(16), traceFlags: 1 });

/** Keeps what it is given; the id of a span is its name. */
function recorder(): { tracer: Tracer; exported: Exported[] } {
  const exported: Exported[] = [];
  const startSpan: Tracer['startSpan'] = (name, options, around) => {
    const span = trace.wrapSpanContext({ ...RPC.spanContext(), spanId: name });
    const parent = around === undefined ? undefined : trace.getSpanContext(around)?.spanId;
    const { startTime, attributes = {} } = options!;
    const end = (time?: unknown): number =>
      exported.push({ name, parent, start: startTime as HrTime, end: time as HrTime, attributes });
    return Object.assign(Object.create(span) as Span, { end });
  };
  return { tracer: { startSpan } as Tracer, exported };
}

let active: Context = ROOT_CONTEXT;
const manager = { active: () => active, enable: () => manager, disable: () => manager } as unknown as ContextManager;

beforeAll(() => context.setGlobalContextManager(manager));
afterAll(() => context.disable());
beforeEach(() => void (active = ROOT_CONTEXT));

function setUp(): { profiler: Profiler; at: (ms: number) => void; exported: Exported[]; stop: () => void } {
  let now = 0;
  const profiler = new Profiler({ nowNs: () => now, originEpochMs: 1_700_000_000_999.5 });
  const { tracer, exported } = recorder();
  const stop = exportToOpenTelemetry(profiler, { tracer });
  return { profiler, exported, stop, at: (ms) => void (now = ms * 1e6) };
}

const tree = (exported: readonly Exported[]): string[] => exported.map(({ name, parent }) => `${parent} > ${name}`);

test('spans of 1 ms and more, with their own times, below the span that was active when they began', () => {
  const { profiler, at, exported } = setUp();
  active = trace.setSpan(ROOT_CONTEXT, RPC);
  const outer = profiler.scope('outer');
  active = ROOT_CONTEXT;
  at(1);
  const long = profiler.scope('long', { device: 'gpu0', decision: 5 });
  at(1.25);
  const short = profiler.scope('short', { kernelNs: 5 });
  const lasting = short.scope('lasting');
  at(1.5);
  short.end();
  at(3);
  lasting.end();
  long.add({ kernelNs: 500_000, bytes: 7 });
  long.end();
  expect(exported).toEqual([]);
  at(4);
  outer.end();
  expect(tree(exported)).toEqual([`${RPC.spanContext().spanId} > outer`, 'outer > long', 'long > lasting']);
  expect(exported[1].start).toEqual([1_700_000_001, 500_000]);
  expect(exported[1].end).toEqual([1_700_000_001, 2_500_000]);
  expect(exported[0].start).toEqual([1_700_000_000, 999_500_000]);
  expect(exported[1].attributes).toEqual({
    'armilla.device': 'gpu0',
    'armilla.kernel_seconds': 500_000 * 1e-9,
    'armilla.overhead_seconds': 1_500_000 * 1e-9,
    'armilla.bytes': 7,
    'armilla.decision': 5,
  });
});

test('what outlives the outermost span follows below it', () => {
  const { profiler, at, exported } = setUp();
  const outer = profiler.scope('outer');
  const late = outer.scope('late');
  at(2);
  outer.end();
  at(9);
  late.end();
  expect(tree(exported)).toEqual(['undefined > outer', 'outer > late']);
});

test('a short root takes no part, but what it started belongs to what was active', () => {
  const { profiler, at, exported } = setUp();
  active = trace.setSpan(ROOT_CONTEXT, RPC);
  const root = profiler.scope('root');
  const late = root.scope('late');
  root.end();
  at(5);
  late.end();
  expect(tree(exported)).toEqual([`${RPC.spanContext().spanId} > late`]);
});

test('trees beside each other stay apart; nothing is told after the end', () => {
  const { profiler, at, exported, stop } = setUp();
  const a = profiler.scope('a', { parent: null });
  const b = profiler.scope('b', { parent: null });
  const inA = a.scope('in a');
  const inB = b.scope('in b');
  at(2);
  inA.end();
  inB.end();
  a.end();
  b.end();
  expect(tree(exported)).toEqual(['undefined > a', 'a > in a', 'undefined > b', 'b > in b']);
  stop();
  const after = profiler.scope('after');
  at(9);
  after.end();
  expect(exported).toHaveLength(4);
});
