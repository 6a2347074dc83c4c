import { type SkyIndex, separationArcsec } from '@armilla/sky';
import { inSlices } from '../ahead.js';
import { Groups } from '../groups.js';
import { unitVector } from '../trust/tangent.js';
import { type LoadedTables, takesPart } from './loaded-tables.js';
import { neighboursOf, type NeighbourSearch, rowBlocks } from './neighbours.js';
import type { ResolvedTables, TablesJoin } from './options.js';
import type { RowBlock } from './row-block.js';

/** Groups of a block. */
const BLOCK_GROUP_COUNT = 2 ** 16;

/**
 * Rows of different tables that a chain of pairs connects, one result row for each group: of several rows of one table the one
 * nearest to the middle of the group, the smaller row where two are as near. Groups are numbered in the order of their first
 * row, by table.
 */
export async function* groupRows(
  loaded: LoadedTables,
  { join }: ResolvedTables,
  search: Omit<NeighbourSearch, 'find'>,
): AsyncGenerator<RowBlock, void, undefined> {
  const { tables } = loaded;
  const starts = tables.reduce((all, { rowCount }, k) => [...all, all[k] + rowCount], [0]);
  const { id, size } = await connected(loaded, starts, search);
  const members = membersByGroup(id, size);
  let groups: Group[] = [];
  let groupNumber = 0;
  for (let at = 0; at < members.length; at += size[members[at]]) {
    const own = members.subarray(at, at + size[members[at]]);
    const chosen = representatives(loaded, starts, own);
    if (isWanted(chosen, join)) groups.push({ number: groupNumber, chosen, members: own });
    groupNumber++;
    if (groups.length < BLOCK_GROUP_COUNT) continue;
    yield blockOf(groups, starts);
    groups = [];
  }
  if (groups.length > 0) yield blockOf(groups, starts);
}

interface Group {
  readonly number: number;
  /** Of each table the row that stands for the group; -1 where it has none. */
  readonly chosen: Int32Array;
  /** Rows of all tables, one table after the other. */
  readonly members: Int32Array;
}

function isWanted(chosen: Int32Array, join: TablesJoin): boolean {
  if (join === 'left') return chosen[0] >= 0;
  const least = join === 'inner' ? chosen.length : join === 'matched' ? 2 : 1;
  return chosen.reduce((count, row) => (row >= 0 ? count + 1 : count), 0) >= least;
}

/** Group and size of every row of all tables, one after the other; rows that take no part have none. */
async function connected(
  loaded: LoadedTables,
  starts: readonly number[],
  search: Omit<NeighbourSearch, 'find'>,
): Promise<{ id: Int32Array; size: Int32Array }> {
  const { tables, positions } = loaded;
  const groups = new Groups(starts[tables.length]);
  for (let a = 0; a < tables.length; a++)
    for (let b = a + 1; b < tables.length; b++)
      for (const rows of rowBlocks(tables[a].rowCount)) {
        const found = await neighboursOf(positions[a], rows, tables[b].index as SkyIndex, { ...search, find: 'all' });
        const right = found.right.map((row) => row + starts[b]);
        await inSlices(right.length, search.signal, (from, to) =>
          groups.connect(found.left, right, starts[a], from, to),
        );
      }
  let table = 0;
  return groups.finish((row) => {
    while (row >= starts[table + 1]) table++;
    return !takesPart(loaded, table, row - starts[table]);
  });
}

/** Rows of all tables that take part, group by group in the order of their first rows, ascending within. */
function membersByGroup(id: Int32Array, size: Int32Array): Int32Array {
  const next = new Int32Array(id.length);
  let count = 0;
  for (let row = 0; row < id.length; row++) {
    if (id[row] !== row) continue;
    next[row] = count;
    count += size[row];
  }
  const members = new Int32Array(count);
  for (let row = 0; row < id.length; row++) if (id[row] >= 0) members[next[id[row]]++] = row;
  return members;
}

/** Of each table the row of the group that stands for it; -1 where it has none. */
function representatives(
  { tables, positions }: LoadedTables,
  starts: readonly number[],
  members: Int32Array,
): Int32Array {
  const chosen = new Int32Array(tables.length).fill(-1);
  const least = new Float64Array(tables.length).fill(Infinity);
  let middle: readonly [number, number] | undefined;
  let table = 0;
  for (const member of members) {
    while (member >= starts[table + 1]) table++;
    const row = member - starts[table];
    if (chosen[table] < 0) {
      chosen[table] = row;
      continue;
    }
    middle ??= middleOf(positions, starts, members);
    const { ra, dec } = positions[table];
    if (least[table] === Infinity) least[table] = separationArcsec(...middle, ra[chosen[table]], dec[chosen[table]]);
    const separation = separationArcsec(...middle, ra[row], dec[row]);
    if (separation < least[table]) [chosen[table], least[table]] = [row, separation];
  }
  return chosen;
}

function middleOf(
  positions: LoadedTables['positions'],
  starts: readonly number[],
  members: Int32Array,
): readonly [number, number] {
  let [x, y, z] = [0, 0, 0];
  let table = 0;
  for (const member of members) {
    while (member >= starts[table + 1]) table++;
    const row = member - starts[table];
    const [ux, uy, uz] = unitVector(positions[table].ra[row], positions[table].dec[row]);
    [x, y, z] = [x + ux, y + uy, z + uz];
  }
  const ra = (Math.atan2(y, x) * 180) / Math.PI;
  return [ra < 0 ? ra + 360 : ra, (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI];
}

function blockOf(groups: readonly Group[], starts: readonly number[]): RowBlock {
  const tables = Array.from({ length: starts.length - 1 }, (_, k) => k);
  const besides = tables.map((): number[] => []);
  for (const { chosen, members } of groups) {
    let table = 0;
    for (const member of members) {
      while (member >= starts[table + 1]) table++;
      const row = member - starts[table];
      if (row !== chosen[table]) besides[table].push(row);
    }
  }
  return {
    count: groups.length,
    rows: tables.map((k) => Int32Array.from(groups, ({ chosen }) => chosen[k])),
    besides,
    computed: new Map([
      ['group_id', Float64Array.from(groups, ({ number }) => number)],
      ['group_size', Float64Array.from(groups, ({ members }) => members.length)],
    ]),
  };
}
