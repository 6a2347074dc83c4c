import type { Counters, CounterTrack, OpTotals, Profile } from './profile.js';
import { SPAN_COLUMNS, type SpanColumn } from './record.js';

export const PROFILE_FORMAT = 'armilla-profile';
/** Raised when a reader of the old version would misread the new one. */
export const PROFILE_VERSION = 1;

/** More than any ring holds. */
const SPAN_LIMIT = 2 ** 22;
const NAME_LIMIT = 65_536;
const NAME_LENGTH_LIMIT = 1024;
const TEXT_LIMIT = 10_000;

const TOTAL_COLUMNS: readonly (keyof OpTotals)[] = [
  'op',
  'device',
  'count',
  'totalNs',
  'minNs',
  'maxNs',
  'squaresNs2',
  'queueNs',
  'uploadNs',
  'kernelNs',
  'readbackNs',
  'overheadNs',
  'bytes',
  'flops',
];

/** A profile as JSON has it: columns of numbers, null where there is none. */
export function profileToData(profile: Profile): unknown {
  return {
    format: PROFILE_FORMAT,
    version: PROFILE_VERSION,
    ...profile,
    spans: Object.fromEntries(SPAN_COLUMNS.map((name) => [name, Array.from(profile.spans[name], orNull)])),
    counters: {
      tracks: profile.counters.tracks,
      track: Array.from(profile.counters.track),
      timeNs: Array.from(profile.counters.timeNs),
      value: Array.from(profile.counters.value),
    },
  };
}

/** The profile of parsed JSON from anywhere, or what is wrong with it: everything that later code relies on is looked at. */
export function profileOfData(data: unknown): { readonly profile: Profile } | { readonly fault: string } {
  try {
    return { profile: readProfile(data) };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message };
    throw error;
  }
}

class Fault extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function readProfile(data: unknown): Profile {
  const root = fieldsOf(data, 'the file');
  if (root.format !== PROFILE_FORMAT) throw new Fault(`its field 'format' is not '${PROFILE_FORMAT}'`);
  if (root.version !== PROFILE_VERSION) {
    throw new Fault(
      `version ${JSON.stringify(root.version)?.slice(0, 20)} is not the one that is read, ${PROFILE_VERSION}`,
    );
  }
  const ops = readNames(root.ops, 'ops');
  const devices = readNames(root.devices, 'devices');
  return {
    label: textOf(root.label, 'label'),
    machine: textOf(root.machine, 'machine'),
    originEpochMs: numberOf(root.originEpochMs, 'originEpochMs', -8.64e15, 8.64e15),
    capturedNs: numberOf(root.capturedNs, 'capturedNs', 0, LARGEST_TOTAL),
    ops,
    devices,
    spans: readSpans(root.spans, ops.length, devices.length),
    counters: readCounters(root.counters, devices.length),
    totals: readTotals(root.totals, ops.length, devices.length),
    overwrittenCount: numberOf(root.overwrittenCount, 'overwrittenCount', 0, Number.MAX_SAFE_INTEGER),
    droppedCount: numberOf(root.droppedCount, 'droppedCount', 0, Number.MAX_SAFE_INTEGER),
  };
}

function readSpans(data: unknown, opCount: number, deviceCount: number): Record<SpanColumn, Float64Array> {
  const fields = fieldsOf(data, 'spans');
  const count = arrayOf(fields.id, 'spans.id', SPAN_LIMIT).length;
  const optional: readonly SpanColumn[] = ['endNs', 'memoryBytes'];
  const spans = Object.fromEntries(
    SPAN_COLUMNS.map((name) => [name, columnOf(fields[name], `spans.${name}`, count, optional.includes(name))]),
  ) as Record<SpanColumn, Float64Array>;
  for (let i = 0; i < count; i++) {
    const where = `spans[${i}]`;
    integerIn(spans.op[i], `${where}.op`, 0, opCount);
    integerIn(spans.device[i], `${where}.device`, 0, deviceCount);
    integerIn(spans.lane[i], `${where}.lane`, 0, 65_536);
    integerIn(spans.id[i], `${where}.id`, i === 0 ? 0 : spans.id[i - 1] + 1, Number.MAX_SAFE_INTEGER);
    // Below its child's id, so that no span lies inside itself.
    integerIn(spans.parent[i], `${where}.parent`, -1, spans.id[i]);
    integerIn(spans.decision[i], `${where}.decision`, -1, Number.MAX_SAFE_INTEGER);
    if (spans.startNs[i] < 0) throw new Fault(`${where}.startNs is negative`);
    if (spans.endNs[i] < spans.startNs[i]) throw new Fault(`${where} ends before it starts`);
    for (const name of ['queueNs', 'uploadNs', 'kernelNs', 'readbackNs', 'overheadNs', 'bytes', 'flops'] as const) {
      if (spans[name][i] < 0) throw new Fault(`${where}.${name} is negative`);
    }
  }
  return spans;
}

function readCounters(data: unknown, deviceCount: number): Counters {
  const fields = fieldsOf(data, 'counters');
  const tracks = arrayOf(fields.tracks, 'counters.tracks', NAME_LIMIT).map((value, i): CounterTrack => {
    const track = fieldsOf(value, `counters.tracks[${i}]`);
    return {
      name: nameOf(track.name, `counters.tracks[${i}].name`),
      unit: nameOf(track.unit, `counters.tracks[${i}].unit`),
      device: integerIn(track.device, `counters.tracks[${i}].device`, 0, deviceCount),
    };
  });
  const count = arrayOf(fields.track, 'counters.track', SPAN_LIMIT).length;
  const track = columnOf(fields.track, 'counters.track', count, false);
  const timeNs = columnOf(fields.timeNs, 'counters.timeNs', count, false);
  for (let i = 0; i < count; i++) {
    integerIn(track[i], `counters.track[${i}]`, 0, tracks.length);
    if (i > 0 && timeNs[i] < timeNs[i - 1]) throw new Fault(`counters.timeNs[${i}] goes back in time`);
  }
  return { tracks, track, timeNs, value: columnOf(fields.value, 'counters.value', count, false) };
}

function readTotals(data: unknown, opCount: number, deviceCount: number): OpTotals[] {
  const seen = new Set<string>();
  return arrayOf(data, 'totals', SPAN_LIMIT).map((value, i) => {
    const fields = fieldsOf(value, `totals[${i}]`);
    const row = Object.fromEntries(
      TOTAL_COLUMNS.map((name) => [name, numberOf(fields[name], `totals[${i}].${name}`, 0, Number.MAX_VALUE)]),
    ) as unknown as OpTotals;
    integerIn(row.op, `totals[${i}].op`, 0, opCount);
    integerIn(row.device, `totals[${i}].device`, 0, deviceCount);
    integerIn(row.count, `totals[${i}].count`, 1, Number.MAX_SAFE_INTEGER);
    const key = `${row.op}/${row.device}`;
    if (seen.has(key)) throw new Fault(`totals[${i}] is of an operation and device that came before`);
    seen.add(key);
    return row;
  });
}

function readNames(data: unknown, where: string): string[] {
  return arrayOf(data, where, NAME_LIMIT).map((value, i) => nameOf(value, `${where}[${i}]`));
}

function nameOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new Fault(`${where} is no text`);
  if (value.length > NAME_LENGTH_LIMIT) throw new Fault(`${where} is longer than ${NAME_LENGTH_LIMIT} characters`);
  return value;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string' || value.length > TEXT_LIMIT) {
    throw new Fault(`${where} is no text of at most ${TEXT_LIMIT} characters`);
  }
  return value;
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(`${where} is no object`);
  return value as Fields;
}

function arrayOf(value: unknown, where: string, limit: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new Fault(`${where} is no list`);
  if (value.length > limit) throw new Fault(`${where} has ${value.length} entries, more than ${limit}`);
  return value;
}

/** Beyond any time and amount, and far from where sums and squares overflow. */
const LARGEST = 1e30;
const LARGEST_TOTAL = 1e100;

/** `count` numbers; where null is allowed it becomes NaN. */
function columnOf(value: unknown, where: string, count: number, nullable: boolean): Float64Array {
  const list = arrayOf(value, where, SPAN_LIMIT);
  if (list.length !== count) throw new Fault(`${where} has ${list.length} entries, not ${count}`);
  return Float64Array.from(list, (entry, i) => {
    if (entry === null && nullable) return NaN;
    return numberOf(entry, `${where}[${i}]`, -LARGEST, LARGEST);
  });
}

function numberOf(value: unknown, where: string, low: number, high: number): number {
  if (typeof value !== 'number' || !(value >= low && value <= high))
    throw new Fault(`${where} is no number that can be there`);
  return value;
}

/** In [low, high). */
function integerIn(value: unknown, where: string, low: number, high: number): number {
  if (!Number.isInteger(value) || (value as number) < low || (value as number) >= high) {
    throw new Fault(`${where} is no integer in [${low}, ${high})`);
  }
  return value as number;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
