import { Random } from '@armilla/base';
import { chunkRows, cutEvenly } from './chunks.js';

test('a chunk is the largest that fits', () => {
  const random = new Random(3);
  for (let i = 0; i < 300; i++) {
    const perRow = 1 + random.below(1000);
    const fixed = random.below(10_000);
    const multiple = 1 + random.below(64);
    const most = multiple + random.below(100_000);
    const bytesOf = (rows: number): number => fixed + perRow * rows;
    const budget = bytesOf(multiple) + random.below(50_000_000);
    const rows = chunkRows(budget, bytesOf, { most, multiple });
    expect(rows % multiple).toBe(0);
    expect(bytesOf(rows)).toBeLessThanOrEqual(budget);
    expect(bytesOf(rows + multiple) > budget || rows + multiple > most).toBe(true);
  }
  expect(() => chunkRows(10, (rows) => rows * 8, { least: 2 })).toThrow(
    expect.objectContaining({ reason: 'MEMORY_OVER_LIMIT' }),
  );
});

test('chunks cover all rows once, none is too large, and they are alike', () => {
  const random = new Random(4);
  for (let i = 0; i < 300; i++) {
    const multiple = 1 + random.below(8);
    const maxRows = multiple + random.below(1000);
    const rowCount = random.below(20_000);
    const chunks = cutEvenly(rowCount, maxRows, multiple);
    const sizes = chunks.map(({ start, end }) => end - start);
    expect(chunks.map(({ start }) => start)).toEqual(chunks.map((_, k) => (k === 0 ? 0 : chunks[k - 1].end)));
    expect(chunks.at(-1)?.end ?? 0).toBe(rowCount);
    expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(maxRows);
    expect(Math.max(0, ...sizes) - Math.min(...sizes, Infinity)).toBeLessThan(2 * multiple);
  }
});
