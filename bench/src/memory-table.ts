import type { TableReader } from '@armilla/tables';
import { Field, Float64, Int64, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';

export interface Sky {
  readonly ra: Float64Array;
  readonly dec: Float64Array;
}

const schema = new Schema([
  new Field('id', new Int64(), false),
  new Field('ra', new Float64(), false),
  new Field('dec', new Float64(), false),
]);

/** An Arrow table of id, ra, dec in ordinary memory, in batches of a million rows. */
export function memoryTable(name: string, sky: Sky): TableReader {
  const rowCount = sky.ra.length;
  const ids = new BigInt64Array(rowCount);
  // Low words only: ten million BigInts would be garbage that the clock sees.
  const words = new Uint32Array(ids.buffer);
  for (let i = 0; i < rowCount; i++) words[2 * i] = i;
  return {
    where: name,
    format: 'arrow-stream',
    schema,
    rowCount,
    misfits: new Map(),
    async *batches(options = {}) {
      const step = 2 ** 20;
      for (let from = 0; from < rowCount; from += step) {
        const to = Math.min(rowCount, from + step);
        yield batch(
          { id: ids.subarray(from, to), ra: sky.ra.subarray(from, to), dec: sky.dec.subarray(from, to) },
          options.columns,
        );
      }
    },
    close: async () => undefined,
  };
}

function batch(
  columns: { id: BigInt64Array; ra: Float64Array; dec: Float64Array },
  chosen: readonly string[] = ['id', 'ra', 'dec'],
): RecordBatch {
  const length = columns.id.length;
  const fields = chosen.map((name) => schema.fields.find((field) => field.name === name) as Field);
  const children = fields.map((field) =>
    field.name === 'id'
      ? makeData({ type: new Int64(), length, nullCount: 0, data: columns.id })
      : makeData({ type: new Float64(), length, nullCount: 0, data: columns[field.name as 'ra' | 'dec'] }),
  );
  return new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length, nullCount: 0, children }));
}
