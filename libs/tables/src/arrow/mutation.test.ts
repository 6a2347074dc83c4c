import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isProblem, Random } from '@armilla/base';
import { type Data, DataType, type RecordBatch, Type, Vector } from 'apache-arrow';
import { MessageDecoder } from './decoder.js';
import { MessageEncoder } from './encoder.js';
import { DEFAULT_ARROW_LIMITS } from './limits.js';
import { ipcBytes, type IpcMessage } from './message.js';
import { openArrow } from './open.js';
import { IpcSplitter } from './splitter.js';
import { takeData } from './store/take.js';
import { readHeader } from './wire/header.js';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/arrow/', import.meta.url));
const MUTANT_COUNT = Number(process.env['ARMILLA_MUTANTS'] ?? 2000);
const SEED = Number(process.env['ARMILLA_SEED'] ?? 20261121);
const LIMITS = { messageBytes: 2 ** 22, batchRowCount: 2 ** 16, dictionaryRowCount: 2 ** 16, dictionaryBytes: 2 ** 22 };

const streams = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.arrows'))
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(FOLDER + name)) }));
const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.arrow'))
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(FOLDER + name)) }));

/** Every buffer is large enough for the rows, and everything that points somewhere points inside. */
function checkColumn(data: Data<DataType>, length: number): void {
  const { type } = data;
  expect(data.length).toBe(length);
  expect(data.nullCount).toBeLessThanOrEqual(length);
  if (type.typeId === Type.Null) return;
  if (DataType.isUnion(type)) {
    const lengths = new Map(
      type.typeIds.length > 0 ? [...type.typeIds].map((id, i) => [id, data.children[i].length]) : [],
    );
    for (let i = 0; i < length; i++) {
      const known = lengths.get(data.typeIds[i]) ?? -1;
      if (!((data.valueOffsets ? data.valueOffsets[i] : i) < known)) throw new Error(`union row ${i} points outside`);
    }
    data.children.forEach((child) => checkColumn(child, child.length));
    return;
  }
  if (data.nullCount > 0) expect(data.nullBitmap.byteLength).toBeGreaterThanOrEqual((length + 7) >>> 3);
  if (data.valueOffsets) {
    const end =
      DataType.isList(type) || DataType.isMap(type) ? data.children[0].length : (data.values as Uint8Array).length;
    let previous = 0;
    for (let i = 0; i <= length; i++) {
      const offset = data.valueOffsets[i] as number;
      if (!(offset >= previous && offset <= end))
        throw new Error(`offset ${offset} of row ${i} is not in [${previous}, ${end}]`);
      previous = offset;
    }
    if (DataType.isUtf8(type)) {
      const strict = new TextDecoder('utf-8', { fatal: true });
      for (let i = 0; i < length; i++)
        if (data.getValid(i))
          strict.decode((data.values as Uint8Array).subarray(data.valueOffsets[i], data.valueOffsets[i + 1]));
    }
  } else if (data.children.length === 0 && !DataType.isStruct(type)) {
    const perRow = DataType.isBool(type) ? 1 / 8 : data.stride;
    expect((data.values as Uint8Array).length).toBeGreaterThanOrEqual(Math.ceil(length * perRow));
  }
  if (DataType.isDictionary(type)) {
    const values = data.dictionary as Vector;
    for (let i = 0; i < length; i++) {
      const index = (data.values as Int32Array)[i];
      if (data.getValid(i) && !(index >= 0 && index < values.length))
        throw new Error(`index ${index} of ${values.length}`);
    }
    values.data.forEach((piece) => checkColumn(piece, piece.length));
  }
  const perParent = DataType.isFixedSizeList(type) ? type.listSize : 1;
  for (const child of data.children) {
    if (!data.valueOffsets) expect(child.length).toBeGreaterThanOrEqual(length * perParent);
    checkColumn(child, child.length);
  }
}

function checkBatch(batch: RecordBatch, rowCount: number): void {
  expect(batch.numRows).toBe(rowCount);
  expect(batch.data.children.map((data) => String(data.type))).toEqual(
    batch.schema.fields.map((field) => String(field.type)),
  );
  batch.data.children.forEach((data) => checkColumn(data, rowCount));
  const backwards = Int32Array.from({ length: Math.min(rowCount, 100) }, (_, i) => rowCount - 1 - i);
  batch.data.children.forEach((data) => checkColumn(takeData(data, backwards), backwards.length));
  const encoder = new MessageEncoder(batch.schema);
  const decoder = new MessageDecoder();
  decoder.decode(encoder.schemaMessage());
  const again = encoder.encode(batch).map((message) => decoder.decode(message));
  expect(again.at(-1)?.numRows).toBe(rowCount);
}

/** Decodes a stream to its end: the reason why it was refused, or 'whole' for one that is valid after all. */
function outcome(bytes: Uint8Array, chunkBytes: number): string {
  try {
    const splitter = new IpcSplitter({ limits: LIMITS });
    const decoder = new MessageDecoder({ limits: LIMITS });
    for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
      for (const message of splitter.push(bytes.subarray(at, at + chunkBytes))) {
        const batch = decoder.decode(message);
        if (!batch) continue;
        const header = readHeader(message.header, message.bodyLength, 'test', { ...DEFAULT_ARROW_LIMITS, ...LIMITS });
        checkBatch(batch, header.kind === 'batch' ? header.batch.rowCount : -1);
      }
    }
    splitter.finish();
    decoder.finish();
    return 'whole';
  } catch (error) {
    if (isProblem(error) && error.reason.startsWith('ARROW_')) return error.reason;
    throw error;
  }
}

const NUMBERS = [0, 1, -1, 2, 4, 7, 8, 16, 127, 128, 255, 256, 0x7fff, 0xffff, 0x7fffffff, -0x80000000, 0x10000000];

function mutate(random: Random, bytes: Uint8Array, regions: readonly (readonly [number, number])[]): Uint8Array {
  let mutant = bytes.slice();
  const [start, end] = regions[random.below(regions.length)];
  const view = new DataView(mutant.buffer);
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = start + random.below(end - start);
    switch (random.below(7)) {
      case 0:
      case 1:
        mutant[at] ^= 1 << random.below(8);
        break;
      case 2:
        mutant[at] = random.below(256);
        break;
      case 3:
        if (at + 4 <= bytes.byteLength) view.setInt32(at & ~3, NUMBERS[random.below(NUMBERS.length)], true);
        break;
      case 4:
        if (at + 2 <= bytes.byteLength) view.setInt16(at & ~1, NUMBERS[random.below(NUMBERS.length)], true);
        break;
      case 5: {
        const from = start + random.below(end - start);
        mutant.copyWithin(at, from, Math.min(from + 1 + random.below(16), bytes.byteLength));
        break;
      }
      case 6:
        if (at + 8 <= bytes.byteLength)
          view.setBigInt64(at & ~7, [0n, -1n, 2n ** 31n, 2n ** 53n, -(2n ** 63n), 2n ** 62n][random.below(6)], true);
        break;
    }
  }
  if (random.below(20) === 0) mutant = mutant.slice(0, random.below(mutant.byteLength));
  return mutant;
}

function headerRegions(bytes: Uint8Array): [number, number][] {
  const regions: [number, number][] = [];
  let at = 0;
  for (const message of new IpcSplitter().push(bytes)) {
    regions.push([at + 8, at + 8 + message.header.byteLength]);
    at += 8 + message.header.byteLength + message.bodyLength;
  }
  return regions;
}

const seeds = streams.map(({ name, bytes }) => ({ name, bytes, headers: headerRegions(bytes) }));

test('what is not mutated is whole', () => {
  for (const { name, bytes } of seeds) expect([name, outcome(bytes, 1 << 20)]).toEqual([name, 'whole']);
});

test(
  `${MUTANT_COUNT} mutants end in a typed error or in a batch that is as its header says`,
  () => {
    const random = new Random(SEED);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < MUTANT_COUNT; i++) {
      const { name, bytes, headers } = seeds[i % seeds.length];
      const mutant = mutate(random, bytes, i % 3 === 0 ? headers : [[0, bytes.byteLength]]);
      try {
        const reason = outcome(mutant, i % 5 === 0 ? 64 : bytes.byteLength);
        outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1);
      } catch (error) {
        throw new Error(`mutant ${i} of ${name} (seed ${SEED})`, { cause: error });
      }
    }
    if (process.env['ARMILLA_MUTANTS']) console.log(outcomes);
    expect(outcomes.get('ARROW_INVALID')).toBeGreaterThan(MUTANT_COUNT / 10);
  },
  Math.max(60_000, MUTANT_COUNT * 10),
);

test('mutated messages in another order, twice or left out do not pass as something else', () => {
  const random = new Random(SEED);
  for (let i = 0; i < MUTANT_COUNT / 10; i++) {
    const { bytes } = seeds[i % seeds.length];
    const messages: IpcMessage[] = [...new IpcSplitter().push(bytes)];
    const [a, b] = [random.below(messages.length), random.below(messages.length)];
    const changed =
      i % 2 === 0
        ? messages.with(a, messages[b])
        : messages.toSpliced(a, i % 4 === 1 ? 1 : 0, ...(i % 4 === 1 ? [] : [messages[b]]));
    outcome(Buffer.concat([...changed.flatMap(ipcBytes), Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0)]), 1 << 20);
  }
});

test('mutated files end in a typed error or in batches as their headers say', async () => {
  const random = new Random(SEED + 1);
  for (let i = 0; i < MUTANT_COUNT / 10; i++) {
    const { name, bytes } = files[i % files.length];
    const mutant = mutate(
      random,
      bytes,
      i % 2 === 0 ? [[0, bytes.byteLength]] : [[bytes.byteLength - 600, bytes.byteLength]],
    );
    try {
      const reader = await openArrow({ name, bytes: mutant }, { limits: LIMITS });
      for await (const batch of reader.batches()) checkBatch(batch, batch.numRows);
    } catch (error) {
      if (!isProblem(error) || !error.reason.startsWith('ARROW_'))
        throw new Error(`mutant ${i} of ${name}`, { cause: error });
    }
  }
});

test('a stream cut anywhere is ARROW_TRUNCATED, never a shorter table', () => {
  const { bytes } = streams.find(({ name }) => name === 'pyarrow-batches.arrows')!;
  const borders = headerRegions(bytes).flatMap(([start, end]) => [start - 8, start - 4, start, end]);
  const random = new Random(SEED);
  const cuts = Array.from({ length: 40 }, () => random.below(bytes.byteLength - 8));
  for (const length of [...borders, ...cuts])
    expect([length, outcome(bytes.subarray(0, length), 512)]).toEqual([length, 'ARROW_TRUNCATED']);
});
