import { Field, Float32, Float64, Int32, Int64, makeData, type RecordBatch, Schema } from 'apache-arrow';
import type { SimulatedCatalog } from '@armilla/sky';
import { recordBatch } from '@armilla/tables';

const unit = (name: string): Map<string, string> => new Map([['unit', name]]);

/** Columns of a simulated catalog as a survey would publish it, and the truth. */
export const CATALOG_SCHEMA = new Schema([
  new Field('id', new Int64(), false),
  new Field('ra', new Float64(), true, unit('deg')),
  new Field('dec', new Float64(), true, unit('deg')),
  new Field('mag', new Float32(), false, unit('mag')),
  new Field('pos_error', new Float32(), false, unit('arcsec')),
  new Field('true_id', new Int32(), false),
]);

const BATCH_ROW_COUNT = 65_536;
const FIRST_ID = 1_000_001n;

/** The catalog in record batches that view its arrays. */
export async function* catalogBatches(
  catalog: SimulatedCatalog,
  batchRowCount = BATCH_ROW_COUNT,
): AsyncGenerator<RecordBatch> {
  const { rowCount, ra, dec, nulls, magnitude, errorArcsec, trueId } = catalog;
  for (let from = 0; from < rowCount; from += batchRowCount) {
    const to = Math.min(rowCount, from + batchRowCount);
    const length = to - from;
    const position = { type: new Float64(), length, ...validity(nulls.subarray(from, to)) };
    const columns = [
      makeData({ type: new Int64(), length, data: ids(from, to) }),
      makeData({ ...position, data: ra.subarray(from, to) }),
      makeData({ ...position, data: dec.subarray(from, to) }),
      makeData({ type: new Float32(), length, data: magnitude.subarray(from, to) }),
      makeData({ type: new Float32(), length, data: errorArcsec.subarray(from, to) }),
      makeData({ type: new Int32(), length, data: trueId.subarray(from, to) }),
    ];
    yield recordBatch(CATALOG_SCHEMA, columns, length);
  }
}

function ids(from: number, to: number): BigInt64Array {
  const out = new BigInt64Array(to - from);
  let id = FIRST_ID + BigInt(from);
  for (let i = 0; i < out.length; i++) out[i] = id++;
  return out;
}

/** Arrow's validity bitmap (1 = there); nothing where no value is null. */
function validity(nulls: Uint8Array): { nullCount: number; nullBitmap?: Uint8Array } {
  let nullCount = 0;
  for (const flag of nulls) nullCount += flag;
  if (nullCount === 0) return { nullCount };
  const nullBitmap = new Uint8Array(Math.ceil(nulls.length / 64) * 8);
  for (let i = 0; i < nulls.length; i++) if (nulls[i] === 0) nullBitmap[i >> 3] |= 1 << (i & 7);
  return { nullCount, nullBitmap };
}
