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

/** Constants of a kernel source, by name. */
function constants(file: string): Map<string, number> {
  const text = readFileSync(new URL(`./kernel/${file}`, import.meta.url), 'utf8');
  return new Map(
    [...text.matchAll(/^(?:export )?const ([A-Z]+_\w+): \w+ = (\d+);/gm)].map(([, name, value]) => [
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
