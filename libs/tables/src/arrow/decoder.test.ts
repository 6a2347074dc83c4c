import { isProblem, type Problem } from '@armilla/base';
import {
  Bool,
  Data,
  type DataType,
  Decimal,
  DenseUnion,
  Dictionary,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float64,
  Int32,
  List,
  Message,
  RecordBatch as ArrowBatch,
  Schema,
  Struct,
  Utf8,
  Vector,
} from 'apache-arrow';
import { BufferRegion, FieldNode, RecordBatch as BatchMetadata } from 'apache-arrow/ipc/metadata/message';
import { MessageDecoder, recordBatch } from './decoder.js';
import { MessageEncoder } from './encoder.js';
import type { ArrowLimits } from './limits.js';
import type { IpcMessage } from './message.js';
import { validateMessage } from './validate.js';

type Buffers = readonly (readonly [offset: number, length: number])[];

/** A record batch message with any nodes and buffers over `body`. */
function message(
  rowCount: number,
  nodes: readonly (readonly [number, number])[],
  buffers: Buffers,
  body: Uint8Array,
): IpcMessage {
  const metadata = new BatchMetadata(
    rowCount,
    nodes.map(([length, nullCount]) => new FieldNode(length, nullCount)),
    buffers.map(([at, length]) => new BufferRegion(at, length)),
    null,
  );
  return { header: Message.encode(Message.from(metadata, body.byteLength)), body: [body], bodyLength: body.byteLength };
}

function schemaMessage(type: DataType, name = 'x'): IpcMessage {
  return new MessageEncoder(new Schema([new Field(name, type, true)])).schemaMessage();
}

function problemOf(type: DataType, batch: IpcMessage, limits?: Partial<ArrowLimits>): Problem {
  const decoder = new MessageDecoder({ where: 'left', limits });
  try {
    decoder.decode(schemaMessage(type));
    decoder.decode(batch);
  } catch (error) {
    if (isProblem(error)) return error;
    throw error;
  }
  throw new Error('it was decoded');
}

const words = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const body = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => Buffer.concat([part], Math.ceil(part.byteLength / 8) * 8))));
const text = (s: string): Uint8Array => new TextEncoder().encode(s);

// One case a line.
// prettier-ignore
test.each<[string, DataType, IpcMessage, RegExp]>([
  ['values shorter than the rows', new Float64(), message(3, [[3, 0]], [[0, 0], [0, 16]], new Uint8Array(16)), /values of column 'x' have 16 bytes, 3 rows need 24/],
  ['a buffer beyond the body', new Float64(), message(2, [[2, 0]], [[0, 0], [8, 16]], new Uint8Array(16)), /buffer 1 lies at bytes 8 to 24 of a body of 16/],
  ['a buffer that is not aligned', new Float64(), message(1, [[1, 0]], [[0, 0], [4, 8]], new Uint8Array(16)), /not a multiple of 8/],
  ['a column with other rows than the batch', new Float64(), message(3, [[2, 0]], [[0, 0], [0, 16]], new Uint8Array(16)), /has 2 rows, the batch 3/],
  ['too few field nodes', new Struct([new Field('a', new Int32())]), message(1, [[1, 0]], [[0, 0], [0, 0], [0, 8]], new Uint8Array(8)), /'x.a' is missing: the message has only 1 field nodes/],
  ['too many field nodes', new Float64(), message(1, [[1, 0], [1, 0]], [[0, 0], [0, 8]], new Uint8Array(8)), /2 field nodes, the schema needs 1/],
  ['too few buffers', new Float64(), message(1, [[1, 0]], [[0, 0]], new Uint8Array(8)), /only 1 buffers/],
  ['too many buffers', new Float64(), message(1, [[1, 0]], [[0, 0], [0, 8], [0, 8]], new Uint8Array(8)), /3 buffers, the schema needs 2/],
  ['more nulls than rows', new Float64(), message(1, [[1, 2]], [[0, 8], [0, 8]], new Uint8Array(8)), /2 nulls in 1 rows/],
  ['nulls without a bitmap', new Float64(), message(1, [[1, 1]], [[0, 0], [0, 8]], new Uint8Array(8)), /1 nulls but no validity bitmap/],
  ['a bitmap that is too short', new Bool(), message(9, [[9, 9]], [[0, 1], [0, 8]], new Uint8Array(8)), /bitmap of column 'x' has 1 bytes, 9 rows need 2/],
  ['a wrong number of nulls', new Float64(), message(2, [[2, 1]], [[0, 8], [8, 16]], new Uint8Array(24)), /2 nulls in its bitmap, 1 are declared/],
  ['offsets that go back', new Utf8(), message(3, [[3, 0]], [[0, 0], [0, 16], [16, 4]], body(words(0, 3, 1, 4), text('abcd'))), /go from 3 to 1 at row 1/],
  ['a negative offset', new Utf8(), message(2, [[2, 0]], [[0, 0], [0, 12], [16, 4]], body(words(-4, 0, 4), text('abcd'))), /go from -4 to 0 at row 0/],
  ['a negative offset in the middle', new Utf8(), message(2, [[2, 0]], [[0, 0], [0, 12], [16, 4]], body(words(4, -0x80000000, 4), text('abcd'))), /at row 0/],
  ['offsets beyond the values', new Utf8(), message(2, [[2, 0]], [[0, 0], [0, 12], [16, 4]], body(words(0, 2, 5), text('abcd'))), /end at 5, there are 4/],
  ['too few offsets', new Utf8(), message(2, [[2, 0]], [[0, 0], [0, 8], [8, 4]], body(words(0, 2), text('abcd'))), /have 8 bytes, 2 rows need 12/],
  ['text that is not UTF-8', new Utf8(), message(1, [[1, 0]], [[0, 0], [0, 8], [8, 2]], body(words(0, 2), Uint8Array.of(0xc3, 0x28))), /row 0 of the batch is not UTF-8/],
  ['a character cut by an offset', new Utf8(), message(2, [[2, 0]], [[0, 0], [0, 12], [16, 2]], body(words(0, 1, 2), text('é'))), /row 0 of the batch is not UTF-8/],
  ['list values that are missing', new List(new Field('item', new Int32())), message(1, [[1, 0], [2, 0]], [[0, 0], [0, 8], [0, 0], [8, 8]], body(words(0, 3), words(1, 2))), /end at 3, there are 2/],
  ['a fixed-size list that is too short', new FixedSizeList(2, new Field('item', new Int32())), message(2, [[2, 0], [3, 0]], [[0, 0], [0, 0], [0, 12]], body(words(1, 2, 3))), /'x.item' has 3 values, 'x' needs 4/],
  ['a struct field that is too short', new Struct([new Field('a', new Int32())]), message(2, [[2, 0], [1, 0]], [[0, 0], [0, 0], [0, 8]], new Uint8Array(8)), /'x.a' has 1 values, 'x' needs 2/],
  ['a union type that is not there', new DenseUnion([0, 1], [new Field('a', new Int32()), new Field('b', new Int32())]), message(1, [[1, 0], [1, 0], [0, 0]], [[0, 1], [8, 4], [0, 0], [16, 4], [0, 0], [16, 0]], body(Uint8Array.of(5), words(0), words(7))), /union type 5 at row 0; there are 0, 1/],
  ['a union offset beyond its child', new DenseUnion([0, 1], [new Field('a', new Int32()), new Field('b', new Int32())]), message(1, [[1, 0], [1, 0], [0, 0]], [[0, 1], [8, 4], [0, 0], [16, 4], [0, 0], [16, 0]], body(Uint8Array.of(0), words(3), words(7))), /takes value 3 of union type 0 at row 0, there are 1/],
  ['an index without a dictionary', new Dictionary(new Utf8(), new Int32()), message(1, [[1, 0]], [[0, 0], [0, 4]], new Uint8Array(8)), /dictionary index 0 at row 0, the dictionary has 0 values/],
])('%s is named', (_, type, batch, expected) => {
  const problem = problemOf(type, batch);
  expect(problem.reason).toBe('ARROW_INVALID');
  expect(problem.message).toMatch(expected);
  expect(problem.message).toMatch(/^left: /);
});

test('an index beyond its dictionary is named; under a null row anything may stand', () => {
  const type = new Dictionary(new Utf8(), new Int32());
  const values = new Vector([new Data(new Utf8(), 0, 2, 0, [Int32Array.of(0, 1, 2), text('ab'), new Uint8Array(0)])]);
  const encode = (bitmap: number, nullCount: number): IpcMessage[] => {
    const data = new Data(
      type,
      0,
      2,
      nullCount,
      [undefined as never, Int32Array.of(0, 9), Uint8Array.of(bitmap)],
      [],
      values,
    ) as Data<DataType>;
    const schema = new Schema([new Field('band', type, true)]);
    return new MessageEncoder(schema).encode(recordBatch(schema, [data], 2));
  };
  const decode = (messages: IpcMessage[]): (ArrowBatch | undefined)[] => {
    const decoder = new MessageDecoder();
    decoder.decode(schemaMessage(type, 'band'));
    return messages.map((one) => decoder.decode(one));
  };
  expect(() => decode(encode(0b11, 0))).toThrow(/'band' has dictionary index 9 at row 1, the dictionary has 2 values/);
  expect([...decode(encode(0b01, 1)).at(-1)!.getChild('band')!]).toEqual(['a', null]);
});

// prettier-ignore
test.each<[string, Partial<ArrowLimits>, DataType, IpcMessage]>([
  ['rows', { batchRowCount: 2 }, new Float64(), message(3, [[3, 0]], [[0, 0], [0, 24]], new Uint8Array(24))],
  ['rows of a child', { batchRowCount: 2 }, new List(new Field('item', new Int32())), message(1, [[1, 0], [3, 0]], [[0, 0], [0, 8], [0, 0], [8, 12]], new Uint8Array(24))],
  ['bytes of a message', { messageBytes: 16 }, new Float64(), message(3, [[3, 0]], [[0, 0], [0, 24]], new Uint8Array(24))],
  ['bytes of a header', { headerBytes: 64 }, new Float64(), message(3, [[3, 0]], [[0, 0], [0, 24]], new Uint8Array(24))],
  ['batches', { batchCount: 0 }, new Float64(), message(1, [[1, 0]], [[0, 0], [0, 8]], new Uint8Array(8))],
  ['fields', { fieldCount: 1 }, new Struct([new Field('a', new Int32())]), message(0, [], [], new Uint8Array(0))],
  ['depth', { depth: 1 }, new Struct([new Field('a', new Int32())]), message(0, [], [], new Uint8Array(0))],
])('more %s than allowed are ARROW_LIMIT', (_, limits, type, batch) => {
  expect(problemOf(type, batch, limits).reason).toBe('ARROW_LIMIT');
});

test('rows that take no bytes are limited as well', () => {
  const decoder = new MessageDecoder();
  decoder.decode(new MessageEncoder(new Schema([])).schemaMessage());
  expect(decoder.decode(message(1000, [], [], new Uint8Array(0)))!.numRows).toBe(1000);
  expect(() => decoder.decode(message(2 ** 40, [], [], new Uint8Array(0)))).toThrow(
    expect.objectContaining({ reason: 'ARROW_LIMIT' }),
  );
  expect(() => decoder.decode(message(-1, [], [], new Uint8Array(0)))).toThrow(/row count is -1/);
});

test('messages in the wrong order are refused', () => {
  const schema = schemaMessage(new Float64());
  const batch = message(
    1,
    [[1, 0]],
    [
      [0, 0],
      [0, 8],
    ],
    new Uint8Array(8),
  );
  expect(() => new MessageDecoder().decode(batch)).toThrow(/a record batch before the schema/);
  const decoder = new MessageDecoder();
  decoder.decode(schema);
  expect(() => decoder.decode(schema)).toThrow(/a second schema/);
  expect(() => new MessageDecoder().finish()).toThrow(expect.objectContaining({ reason: 'ARROW_TRUNCATED' }));
});

test('the declared length of the body must be the real one', () => {
  const batch = message(
    1,
    [[1, 0]],
    [
      [0, 0],
      [0, 8],
    ],
    new Uint8Array(8),
  );
  expect(problemOf(new Float64(), { ...batch, body: [new Uint8Array(16)], bodyLength: 16 }).message).toMatch(
    /says a body of 8 bytes, there are 16/,
  );
  expect(problemOf(new Float64(), { ...batch, body: [], bodyLength: 8 }).message).toMatch(/there are 0/);
});

test('columns are views on an aligned body, copies of one in pieces', () => {
  const values = Float64Array.of(1, 2, 3);
  const whole = new Uint8Array(values.buffer);
  const one = message(
    3,
    [[3, 0]],
    [
      [0, 0],
      [0, 24],
    ],
    whole,
  );
  const decode = (batch: IpcMessage): Data => {
    const decoder = new MessageDecoder();
    decoder.decode(schemaMessage(new Float64()));
    return decoder.decode(batch)!.data.children[0];
  };
  expect(decode(one).values.buffer).toBe(values.buffer);
  const pieces = decode({ ...one, body: [whole.slice(0, 5), whole.slice(5, 6), whole.slice(6)] });
  expect(pieces.values).toEqual(values);
  const unaligned = new Uint8Array(25);
  unaligned.set(whole, 1);
  expect(decode({ ...one, body: [unaligned.subarray(1)] }).values).toEqual(values);
  const shared = new Uint8Array(new SharedArrayBuffer(24));
  shared.set(whole);
  expect([...decode({ ...one, body: [shared] }).values]).toEqual([...values]);
});

test('only selected columns are decoded, in the order asked for', () => {
  const schema = new Schema([
    new Field('a', new Int32()),
    new Field('s', new Utf8()),
    new Field('d', new Decimal(2, 10)),
    new Field('b', new Int32()),
  ]);
  const decoder = new MessageDecoder();
  decoder.decode(new MessageEncoder(schema).schemaMessage());
  decoder.select([3, 0]);
  // The text is broken, which nobody looks at.
  const batch = message(
    1,
    [
      [1, 0],
      [1, 0],
      [1, 0],
      [1, 0],
    ],
    [
      [0, 0],
      [0, 4],
      [0, 0],
      [0, 8],
      [0, 2],
      [0, 0],
      [0, 16],
      [0, 0],
      [8, 4],
    ],
    body(words(7, 0), words(9, 0)),
  );
  const decoded = decoder.decode(batch)!;
  expect(decoded.schema.fields.map((field) => field.name)).toEqual(['b', 'a']);
  expect(decoded.toArray().map((row) => row.toJSON())).toEqual([{ b: 9, a: 7 }]);
});

test('columns of one name keep their own types', () => {
  const schema = new Schema([new Field('x', new Int32()), new Field('x', new Float64())]);
  const decoder = new MessageDecoder();
  decoder.decode(new MessageEncoder(schema).schemaMessage());
  const decoded = decoder.decode(
    message(
      1,
      [
        [1, 0],
        [1, 0],
      ],
      [
        [0, 0],
        [0, 4],
        [0, 0],
        [0, 8],
      ],
      new Uint8Array(8),
    ),
  )!;
  expect(decoded.schema.fields.map((field) => String(field.type))).toEqual(['Int32', 'Float64']);
});

test('a message can be checked by itself', () => {
  const batch = message(
    1,
    [[1, 0]],
    [
      [0, 0],
      [0, 8],
    ],
    new Uint8Array(8),
  );
  expect(validateMessage(batch)).toEqual({ kind: 'batch', rowCount: 1 });
  expect(validateMessage(schemaMessage(new Float64()))).toEqual({ kind: 'schema', rowCount: 0 });
  expect(() => validateMessage({ ...batch, body: [] })).toThrow(/there are 0/);
  expect(() =>
    validateMessage(
      message(
        1,
        [[1, 0]],
        [
          [0, 0],
          [8, 8],
        ],
        new Uint8Array(8),
      ),
      { where: 'right' },
    ),
  ).toThrow(/^right: .*buffer 1/);
});

test('rows that are a megabyte wide in name only are refused', () => {
  const decoder = new MessageDecoder();
  expect(() => decoder.decode(schemaMessage(new FixedSizeList(2 ** 30, new Field('item', new Int32()))))).toThrow(
    expect.objectContaining({ reason: 'ARROW_LIMIT' }),
  );
  expect(() => decoder.decode(schemaMessage(new FixedSizeBinary(2 ** 30)))).toThrow(
    expect.objectContaining({ reason: 'ARROW_LIMIT' }),
  );
});

test('under a null row of its parent a child may hold any index and any bytes', () => {
  const band = new Dictionary(new Utf8(), new Int32());
  const type = new Struct([new Field('band', band, true), new Field('name', new Utf8(), true)]);
  const decoder = new MessageDecoder();
  decoder.decode(schemaMessage(type));
  // Row 0 of the struct is null; the dictionary was never sent, and the name is no UTF-8.
  const rows = (bitmap: number, nullCount: number): IpcMessage =>
    message(
      1,
      [
        [1, nullCount],
        [1, 0],
        [1, 0],
      ],
      [
        [0, 1],
        [8, 0],
        [8, 4],
        [16, 0],
        [16, 8],
        [24, 2],
      ],
      body(Uint8Array.of(bitmap), words(5), words(0, 2), Uint8Array.of(0xc3, 0x28)),
    );
  const decoded = decoder.decode(rows(0, 1))!;
  expect(decoded.getChild('x')!.get(0)).toBeNull();
  expect(decoded.data.children[0].children[0].getValid(0)).toBe(false);
  expect(() => decoder.decode(rows(1, 0))).toThrow(/'x.band' has dictionary index 5 at row 0/);
});

test('a big-endian stream is refused by that name', () => {
  // A Message with a Schema without fields, by hand: its own writer leaves the byte order out.
  const schema = (endianness: number): IpcMessage => ({
    // prettier-ignore
    header: words(
      16, 10 | (12 << 16), 4 | (6 << 16), 8, // vtable of Message: version, header type, header
      12, 4 | (1 << 16), 12, // Message: version 5, Schema
      8 | (12 << 16), 4 | (8 << 16), // vtable of Schema: endianness, fields
      8, endianness, 4, 0, 0, // Schema, and no fields
    ),
    body: [],
    bodyLength: 0,
  });
  expect(validateMessage(schema(0))).toEqual({ kind: 'schema', rowCount: 0 });
  expect(() => validateMessage(schema(1))).toThrow(/big-endian/);
  expect(() => validateMessage(schema(2))).toThrow(/endianness is 2/);
});
