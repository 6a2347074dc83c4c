import { partIntervals } from '../overlap.js';
import { endNs, type Profile } from '../profile.js';
import { layRows, type TimedSpan } from '../rows.js';
import { parentsOf } from '../self-time.js';

/** One entry of the Trace Event format; times in µs. */
export interface TraceEvent {
  readonly ph: 'X' | 'M' | 'C' | 's' | 'f' | 'b' | 'e';
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: 'e';
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * Chrome's Trace Event JSON, which Perfetto and chrome://tracing open: a process a device, its spans in as many threads as
 * overlap, its uploads, kernels and readbacks in threads of their own, counters, and arrows to spans on other threads.
 */
export function profileToChromeTrace(profile: Profile): string {
  const threads = new Threads(profile);
  const events = [...spanEvents(profile, threads), ...partEvents(profile, threads), ...counterEvents(profile)];
  return JSON.stringify({
    traceEvents: [...threads.metadata(), ...events],
    displayTimeUnit: 'ns',
    otherData: { label: profile.label, machine: profile.machine, originEpochMs: profile.originEpochMs },
  });
}

/** Numbers threads: each device is a process, and each group of spans as many threads as overlap. */
class Threads {
  readonly #events: TraceEvent[];
  readonly #next: number[];

  constructor(profile: Profile) {
    this.#events = profile.devices.flatMap((name, device): TraceEvent[] => [
      { ph: 'M', name: 'process_name', pid: device + 1, tid: 0, args: { name } },
      { ph: 'M', name: 'process_sort_index', pid: device + 1, tid: 0, args: { sort_index: device } },
    ]);
    this.#next = profile.devices.map(() => 1);
  }

  /** The thread of each span, or -1 where too many overlap. */
  assign(device: number, name: string, spans: readonly TimedSpan[]): number[] {
    const rows = layRows(spans, true);
    const first = this.#next[device];
    const rowCount = rows.reduce((most, row) => Math.max(most, row), -1) + 1;
    for (let row = 0; row < rowCount; row++) {
      const args = { name: row === 0 ? name : `${name} +${row}` };
      this.#events.push({ ph: 'M', name: 'thread_name', pid: device + 1, tid: first + row, args });
    }
    this.#next[device] += rowCount;
    return Array.from(rows, (row) => (row < 0 ? -1 : first + row));
  }

  metadata(): readonly TraceEvent[] {
    return this.#events;
  }
}

function spanEvents(profile: Profile, threads: Threads): TraceEvent[] {
  const { spans } = profile;
  const threadOf = new Int32Array(spans.id.length);
  for (const indices of lanesOf(profile)) {
    const timed = indices.map((i) => ({ startNs: spans.startNs[i], endNs: endNs(profile, i) }));
    const assigned = threads.assign(spans.device[indices[0]], `lane ${spans.lane[indices[0]]}`, timed);
    indices.forEach((i, k) => (threadOf[i] = assigned[k]));
  }
  const parents = parentsOf(profile);
  const events: TraceEvent[] = [];
  for (let i = 0; i < threadOf.length; i++) {
    events.push(...spanEvent(profile, i, threadOf[i]));
    const parent = parents[i];
    if (parent < 0 || threadOf[i] < 0 || threadOf[parent] < 0) continue;
    if (threadOf[i] === threadOf[parent] && spans.device[i] === spans.device[parent]) continue;
    const flow = { name: 'calls', cat: 'flow', id: spans.id[i] };
    // An arrow starts inside the caller, also where the called one begins after the caller's end.
    const startNs = Math.min(Math.max(spans.startNs[i], spans.startNs[parent]), endNs(profile, parent));
    events.push(
      { ph: 's', ...flow, pid: spans.device[parent] + 1, tid: threadOf[parent], ts: startNs / 1000 },
      { ph: 'f', bp: 'e', ...flow, pid: spans.device[i] + 1, tid: threadOf[i], ts: spans.startNs[i] / 1000 },
    );
  }
  return events;
}

/** Indices of the spans of each device and lane. */
function lanesOf(profile: Profile): number[][] {
  const { device, lane } = profile.spans;
  const groups = new Map<string, number[]>();
  for (let i = 0; i < device.length; i++) {
    const key = `${device[i]}/${lane[i]}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  return [...groups.values()].sort(([a], [b]) => device[a] - device[b] || lane[a] - lane[b]);
}

/** A complete event; where no thread has room, a pair that needs none. */
function spanEvent(profile: Profile, i: number, thread: number): TraceEvent[] {
  const { spans } = profile;
  const startNs = spans.startNs[i];
  const common = { name: profile.ops[spans.op[i]], cat: 'op', pid: spans.device[i] + 1, ts: startNs / 1000 };
  const args = argsOf(profile, i);
  if (thread >= 0) {
    return [{ ph: 'X', ...common, tid: thread, dur: (endNs(profile, i) - startNs) / 1000, args }];
  }
  const id = spans.id[i];
  return [
    { ph: 'b', ...common, tid: 0, id, args },
    { ph: 'e', ...common, tid: 0, id, ts: endNs(profile, i) / 1000 },
  ];
}

function argsOf(profile: Profile, i: number): Record<string, number | true> {
  const { spans } = profile;
  const args: Record<string, number | true> = {};
  for (const name of ['queueNs', 'uploadNs', 'kernelNs', 'readbackNs', 'overheadNs', 'bytes', 'flops'] as const) {
    if (spans[name][i] > 0) args[name] = spans[name][i];
  }
  if (!Number.isNaN(spans.memoryBytes[i])) args.memoryBytes = spans.memoryBytes[i];
  if (spans.decision[i] >= 0) args.decision = spans.decision[i];
  if (Number.isNaN(spans.endNs[i])) args.open = true;
  return args;
}

function partEvents(profile: Profile, threads: Threads): TraceEvent[] {
  const { device, op } = profile.spans;
  const events: TraceEvent[] = [];
  for (const on of profile.devices.keys()) {
    for (const part of ['upload', 'kernel', 'readback'] as const) {
      const slices: { index: number; startNs: number; endNs: number }[] = [];
      for (let i = 0; i < device.length; i++) {
        if (device[i] !== on) continue;
        const [startNs, end] = partIntervals(profile, i)[part];
        if (end > startNs) slices.push({ index: i, startNs, endNs: end });
      }
      threads.assign(on, part, slices).forEach((thread, k) => {
        const { index, startNs, endNs: end } = slices[k];
        if (thread < 0) return;
        const name = profile.ops[op[index]];
        const times = { ts: startNs / 1000, dur: (end - startNs) / 1000 };
        events.push({ ph: 'X', name, cat: part, pid: on + 1, tid: thread, ...times });
      });
    }
  }
  return events;
}

function counterEvents(profile: Profile): TraceEvent[] {
  const { tracks, track, timeNs, value } = profile.counters;
  return Array.from(track, (index, i): TraceEvent => {
    const { name, device, unit } = tracks[index];
    return { ph: 'C', name, pid: device + 1, tid: 0, ts: timeNs[i] / 1000, args: { [unit]: value[i] } };
  });
}
