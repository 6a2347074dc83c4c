import { type Data, type DataType, Int64, makeData, RecordBatch, Struct, vectorFromArray } from 'apache-arrow';
import { separationArcsec } from '@armilla/sky';
import type { TakeContext } from '../result/payload.js';
import type { LoadedTables } from './loaded-tables.js';
import type { RowBlock } from './row-block.js';
import { separationName, type TablesLayout } from './tables-layout.js';

/** Result rows with all their columns, at most `rowCount` in a batch. */
export async function* gather(
  blocks: AsyncIterable<RowBlock>,
  layout: TablesLayout,
  loaded: LoadedTables,
  rowCount: number,
  context: TakeContext,
): AsyncGenerator<RecordBatch, void, undefined> {
  for await (const block of blocks)
    for (let from = 0; from < block.count; from += rowCount)
      yield await batchOf(sliced(block, from, Math.min(block.count, from + rowCount)), layout, loaded, context);
}

function sliced({ rows, computed }: RowBlock, from: number, to: number): RowBlock {
  return {
    count: to - from,
    rows: rows.map((values) => values.slice(from, to)),
    computed: new Map([...computed].map(([name, values]) => [name, values.slice(from, to)])),
  };
}

async function batchOf(
  block: RowBlock,
  { schema, columns, names }: TablesLayout,
  loaded: LoadedTables,
  context: TakeContext,
): Promise<RecordBatch> {
  const taken = await Promise.all(
    loaded.tables.map(({ payload }, k) => payload.take(block.rows[k], block.count, names[k], context)),
  );
  const separations = separationsOf(block, loaded);
  const children = columns.map((column, i): Data<DataType> => {
    if ('table' in column) return taken[column.table][names[column.table].indexOf(column.name)];
    return numbers(valuesOf(column.computed, block, separations), schema.fields[i].type);
  });
  const { count } = block;
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: count, nullCount: 0, children }));
}

/** Of all tables two by two; NaN where a row lacks one. */
function separationsOf({ count, rows }: RowBlock, { positions }: LoadedTables): Map<string, Float64Array> {
  const out = new Map<string, Float64Array>();
  for (let a = 0; a < rows.length; a++)
    for (let b = a + 1; b < rows.length; b++) {
      const values = new Float64Array(count).fill(NaN);
      for (let i = 0; i < count; i++) {
        const [r, s] = [rows[a][i], rows[b][i]];
        if (r >= 0 && s >= 0)
          values[i] = separationArcsec(
            positions[a].ra[r],
            positions[a].dec[r],
            positions[b].ra[s],
            positions[b].dec[s],
          );
      }
      out.set(separationName(a, b), values);
    }
  return out;
}

/** NaN is null. */
function valuesOf(name: string, { count, rows, computed }: RowBlock, separations: ReadonlyMap<string, Float64Array>) {
  const known = computed.get(name) ?? separations.get(name);
  if (known) return known;
  const values = new Float64Array(count);
  const row = /^row_(\d+)$/.exec(name);
  for (let i = 0; i < count; i++) {
    if (row) {
      const at = rows[Number(row[1]) - 1][i];
      values[i] = at < 0 ? NaN : at;
    } else if (name === 'ncat') {
      values[i] = rows.reduce((sum, of) => sum + (of[i] >= 0 ? 1 : 0), 0);
    } else {
      for (const of of separations.values()) if (of[i] > values[i]) values[i] = of[i];
    }
  }
  return values;
}

function numbers(values: Float64Array, type: DataType): Data<DataType> {
  const whole = type instanceof Int64;
  const items = Array.from(values, (value) => (Number.isNaN(value) ? null : whole ? BigInt(value) : value));
  return vectorFromArray(items, type).data[0] as Data<DataType>;
}
