import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Data, DataType, type RecordBatch, Type, Vector } from 'apache-arrow';
import { openArrow } from './open.js';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/arrow/', import.meta.url));

interface Golden {
  readonly rowCount: number;
  readonly columns: readonly { readonly name: string; readonly values: readonly unknown[] }[];
}

/** A value of a column as fixtures/generate/arrow.py writes it. */
function plain(data: Data<DataType>, row: number): unknown {
  const { type } = data;
  if (!data.getValid(row) || type.typeId === Type.Null) return null;
  if (DataType.isDictionary(type)) return new Vector([data]).get(row);
  if (DataType.isList(type) || DataType.isMap(type)) {
    const [start, end] = [data.valueOffsets[row], data.valueOffsets[row + 1]];
    return Array.from({ length: end - start }, (_, i) =>
      DataType.isMap(type) ? entry(data.children[0], start + i) : plain(data.children[0], start + i),
    );
  }
  if (DataType.isFixedSizeList(type))
    return Array.from({ length: type.listSize }, (_, i) => plain(data.children[0], row * type.listSize + i));
  if (DataType.isStruct(type))
    return Object.fromEntries(type.children.map((field, i) => [field.name, plain(data.children[i], row)]));
  if (DataType.isUnion(type)) {
    const child = type.typeIdToChildIndex[data.typeIds[row]];
    return plain(data.children[child], data.valueOffsets ? data.valueOffsets[row] : row);
  }
  if (DataType.isDecimal(type))
    return String(signed(data.values.subarray(row * data.stride, (row + 1) * data.stride) as Uint32Array));
  if (DataType.isBinary(type))
    return hex((data.values as Uint8Array).subarray(data.valueOffsets[row], data.valueOffsets[row + 1]));
  if (DataType.isFixedSizeBinary(type))
    return hex((data.values as Uint8Array).subarray(row * data.stride, (row + 1) * data.stride));
  if (DataType.isUtf8(type) || DataType.isBool(type) || DataType.isFloat(type))
    return number(new Vector([data]).get(row));
  return number((data.values as Int32Array)[row]);
}

function entry(entries: Data<DataType>, row: number): unknown {
  return entries.children.map((child) => plain(child, row));
}

function number(value: unknown): unknown {
  if (typeof value === 'bigint') return BigInt.asIntN(54, value) === value ? Number(value) : String(value);
  if (typeof value === 'number' && !Number.isFinite(value))
    return String(value).replace('NaN', 'nan').replace('Infinity', 'inf');
  return value;
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

function signed(words: Uint32Array): bigint {
  return BigInt.asIntN(
    words.length * 32,
    words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n),
  );
}

async function readAll(name: string, from: 'bytes' | 'stream'): Promise<RecordBatch[]> {
  const bytes = readFileSync(FOLDER + name);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
  }
  const reader = await openArrow(from === 'bytes' ? { name, bytes } : { name, stream: pieces() });
  const batches: RecordBatch[] = [];
  for await (const batch of reader.batches()) batches.push(batch);
  expect(reader.format).toBe(name.endsWith('.arrows') ? 'arrow-stream' : 'arrow-file');
  if (reader.rowCount !== undefined)
    expect(reader.rowCount).toBe(batches.reduce((sum, batch) => sum + batch.numRows, 0));
  await reader.close();
  return batches;
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.arrow') || name.endsWith('.arrows'));

test('there are streams and files of three writers', () => {
  expect(files.length).toBeGreaterThan(25);
});

test.each(files.flatMap((name) => [['bytes', name] as const, ['stream', name] as const]))(
  'from %s: %s has the values its writer put in',
  async (from, name) => {
    const golden = JSON.parse(readFileSync(FOLDER + name.replace(/\.arrows?$/, '.json'), 'utf8')) as Golden;
    const batches = await readAll(name, from);
    expect(batches.reduce((sum, batch) => sum + batch.numRows, 0)).toBe(golden.rowCount);
    for (const [i, column] of golden.columns.entries()) {
      const values = batches.flatMap((batch) =>
        Array.from({ length: batch.numRows }, (_, row) => plain(batch.data.children[i], row)),
      );
      expect({ name: column.name, values }).toEqual(column);
    }
  },
);
