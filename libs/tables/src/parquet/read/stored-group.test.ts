import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { Field, Float64, Int32, RecordBatch, Schema, Struct, Utf8, makeData, vectorFromArray } from 'apache-arrow';
import { FileSource, openParquet, readStoredGroup, writeTable } from '../../index.js';

/** Several pages a column. */
const ROWS = 300_000;
let folder: string;
let batch: RecordBatch;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-group-'));
  const random = new Random(5);
  const columns = {
    ra: vectorFromArray(Float64Array.from({ length: ROWS }, () => random.between(0, 360))),
    row: vectorFromArray(Int32Array.from({ length: ROWS }, (_, i) => i)),
    gaps: vectorFromArray(
      Array.from({ length: ROWS }, () => (random.below(5) === 0 ? null : random.normal())),
      new Float64(),
    ),
    name: vectorFromArray(
      Array.from({ length: ROWS }, () => `star ${random.below(500)}`),
      new Utf8(),
    ),
  };
  const fields = [
    new Field('ra', new Float64(), false),
    new Field('row', new Int32(), true),
    new Field('gaps', new Float64(), true),
    new Field('name', new Utf8(), false),
  ];
  const children = Object.values(columns).map(({ data }) => data[0]);
  batch = new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: ROWS, nullCount: 0, children }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}

test.each([undefined, ROWS, ROWS - 1, 140_000, 131_072, 7, 1])(
  'the first %p rows are those of the file',
  async (limit) => {
    const path = join(folder, 'group.parquet');
    await writeTable(path, batch.schema, one(batch), { format: 'parquet', overwrite: true });
    const reader = await openParquet(await FileSource.open(path));
    let firstRow = 0;
    for (const group of reader.storedGroups(['ra', 'row', 'gaps', 'name']) ?? []) {
      const rowLimit = limit && Math.min(limit, group.rowCount);
      const read = await readStoredGroup({ ...group, rowLimit }, batch.schema);
      expect(read.numRows).toBe(rowLimit ?? group.rowCount);
      for (let column = 0; column < 4; column++) {
        const [values, wanted] = [read.getChildAt(column), batch.getChildAt(column)];
        for (let i = 0; i < read.numRows; i++)
          if (values?.get(i) !== wanted?.get(firstRow + i)) throw new Error(`column ${column}, row ${i}`);
      }
      firstRow += group.rowCount;
    }
    expect(firstRow).toBe(ROWS);
    await reader.close();
  },
);
