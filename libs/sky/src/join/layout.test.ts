import { readFileSync } from 'node:fs';
import {
  BUCKET,
  CELL,
  GRID,
  ITEM,
  JOIN,
  MATCH_BYTES,
  RECORD_BYTES,
  RESULT_PASS,
  ROWS_PASS,
  SHELF_ROWS,
  TASK,
} from './layout.js';
import { joinProgram, wordOf } from './gpu/join-program.js';
import { ARRANGE, BALL_BYTES, DECIDE, FOUND_PART, LONE, NO_PLACE, REMEMBERED_CELLS, VISITING } from './gpu/layout.js';

/** Constants of a kernel source, by name. */
function constants(file: string): Map<string, number> {
  const text = readFileSync(new URL(`./kernel/${file}`, import.meta.url), 'utf8');
  return new Map(
    [...text.matchAll(/^(?:export )?const ([A-Z]+_\w+): \w+ = (\d+|0x\w+);/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );
}

const snake = (name: string): string =>
  name.replace(/[A-Z]|\d+More/g, (part) => (part.length === 1 ? `_${part}` : part)).toUpperCase();

test.each([
  ['G', GRID, 'layout.as.ts'],
  ['B', BUCKET, 'layout.as.ts'],
  ['C', CELL, 'layout.as.ts'],
  ['I', ITEM, 'layout.as.ts'],
  ['R', ROWS_PASS, 'layout.as.ts'],
  ['J', JOIN, 'layout.as.ts'],
  ['T', TASK, 'layout.as.ts'],
  ['P', RESULT_PASS, 'result.as.ts'],
  ['A', ARRANGE, '../gpu/layout.as.ts'],
  ['L', LONE, '../gpu/layout.as.ts'],
  ['V', VISITING, '../gpu/layout.as.ts'],
  ['D', DECIDE, '../gpu/layout.as.ts'],
  ['F', FOUND_PART, '../gpu/layout.as.ts'],
] as const)('structure %s is the same for host and kernel', (prefix, host, file) => {
  const kernel = constants(file);
  for (const [field, offset] of Object.entries(host)) {
    const name = `${prefix}_${snake(field).replace('4MORE', '4_MORE')}`;
    if (field === 'bytes' && !kernel.has(name)) continue;
    expect(`${name} = ${kernel.get(name)}`).toBe(`${name} = ${offset}`);
  }
});

test.each([
  ['RECORD_BYTES', RECORD_BYTES],
  ['MATCH_BYTES', MATCH_BYTES],
  ['SHELF_ROWS', SHELF_ROWS],
])('%s is the same for host and kernel', (name, value) => {
  expect(constants('layout.as.ts').get(name)).toBe(value);
});

test.each([
  ['BALL_BYTES', BALL_BYTES],
  ['NO_PLACE', NO_PLACE],
  ['REMEMBERED_CELLS', REMEMBERED_CELLS],
])('%s of the join on a device is the same for host and kernel', (name, value) => {
  expect(constants('../gpu/layout.as.ts').get(name)).toBe(value);
});

test('structures of the device are where wasm writes and reads them', () => {
  const kernel = constants('../gpu/layout.as.ts');
  const { row, visit, found } = joinProgram();
  expect(kernel.get('ROW_ITSELF')).toBe(4 * wordOf(row, 'itself'));
  expect(kernel.get('VISIT_BYTES')).toBe(visit.byteLength);
  for (const field of ['firstPlace', 'placeCount', 'most', 'least', 'surely', 'spread'])
    expect(kernel.get(`VISIT_${snake(field)}`)).toBe(4 * wordOf(visit, field));
  expect(kernel.get('FOUND_BYTES')).toBe(found.byteLength);
  expect(kernel.get('FOUND_COUNT')).toBe(4 * wordOf(found, 'count'));
  for (const layout of [row, visit]) expect(['x', 'y', 'z'].map((axis) => wordOf(layout, axis))).toEqual([0, 1, 2]);
  expect(wordOf(found, 'first')).toBe(0);
});
