import { Runtime } from '@armilla/gpu-core';
import { Dictionary, Float64, Int32, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { crossmatch } from '../index.js';
import { memoryTable } from '../testing/memory-table.js';

const ROWS = 700;
const TEXT = 'x'.repeat(200_000);

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

test.each([new Utf8(), new Dictionary(new Utf8(), new Int32())])(
  'one long %s value that all rows match comes in batches of bounded size',
  async (type) => {
    const left = new Table({
      ra: vectorFromArray(Array<number>(ROWS).fill(10), new Float64()),
      dec: vectorFromArray(Array<number>(ROWS).fill(5), new Float64()),
    });
    const right = new Table({
      ra: vectorFromArray([10], new Float64()),
      dec: vectorFromArray([5], new Float64()),
      text: vectorFromArray([TEXT], type),
    });
    const cuts: number[][] = [];
    for (const chunkRowCount of [1000, 64]) {
      const stream = await crossmatch(
        memoryTable(left),
        memoryTable(right),
        { radiusArcsec: 1, columns: ['left_row', 'right.text'] },
        { runtime, execution: { chunkRowCount } },
      );
      const counts: number[] = [];
      let row = 0n;
      for await (const batch of stream) {
        counts.push(batch.numRows);
        expect(batch.numRows * TEXT.length).toBeLessThanOrEqual(2 ** 26);
        for (const value of batch.getChildAt(0) ?? []) expect(value).toBe(row++);
        expect(batch.getChildAt(1)?.get(batch.numRows - 1)).toBe(TEXT);
      }
      expect(stream.summary().rowCount).toBe(ROWS);
      cuts.push(counts);
    }
    expect(cuts[0].length).toBeGreaterThan(2);
    // Where batches are cut does not depend on the chunks.
    expect(cuts[1]).toEqual(cuts[0]);
  },
);
