import { fail } from '@armilla/base';
import type { ArrowLimits } from '../limits.js';
import { FlatBytes, type FlatTable } from './flatTable.js';
import { readSchema, type WireSchema } from './schema.js';

export type Compression = 'none' | 'lz4' | 'zstd';

/** What the header of a record batch says; checked against the body's length, not yet against a schema. */
export interface BatchHeader {
  readonly rowCount: number;
  /** [2 * nodes] length and null count of each field, depth first. */
  readonly nodes: Float64Array;
  /** [2 * buffers] offset in the body and length in bytes. */
  readonly buffers: Float64Array;
  /** How many data buffers each column of views has. */
  readonly variadicCounts: readonly number[];
  readonly compression: Compression;
  /** Metadata version 4 gave unions a validity buffer. */
  readonly unionsHaveValidity: boolean;
}

export type Header =
  | { readonly kind: 'schema'; readonly schema: WireSchema }
  | { readonly kind: 'batch'; readonly batch: BatchHeader }
  | { readonly kind: 'dictionary'; readonly wireId: bigint; readonly delta: boolean; readonly batch: BatchHeader };

const KINDS = ['none', 'schema', 'dictionary', 'batch', 'tensor', 'sparse tensor'];
const [VERSION_4, VERSION_5] = [3, 4];

/** The kind of message, without reading more; `undefined` for kinds that are no part of tables. @throws ARROW_INVALID */
export function messageKind(header: Uint8Array, where: string): 'schema' | 'dictionary' | 'batch' | undefined {
  const kind = KINDS[new FlatBytes(header, where).root().uint8(1)];
  return kind === 'schema' || kind === 'dictionary' || kind === 'batch' ? kind : undefined;
}

/** `Message.bodyLength` in bytes. */
export function messageBodyLength(header: Uint8Array, where: string): number {
  return new FlatBytes(header, where).root().size(3, 'body length');
}

/**
 * Reads and checks the flatbuffer `Message` (Message.fbs) for a body of `bodyLength` bytes.
 * @throws ARROW_INVALID, ARROW_LIMIT, ARROW_TYPE_UNSUPPORTED
 */
export function readHeader(header: Uint8Array, bodyLength: number, where: string, limits: ArrowLimits): Header {
  if (header.byteLength > limits.headerBytes) {
    throw fail('ARROW_LIMIT', { where, detail: `a header of ${header.byteLength} bytes, over ${limits.headerBytes}` });
  }
  const flat = new FlatBytes(header, where);
  const message = flat.root();
  const version = message.int16(0);
  if (version !== VERSION_4 && version !== VERSION_5)
    throw flat.bad(`metadata version V${version + 1}; V4 and V5 are known`);
  const declared = message.size(3, 'body length');
  if (declared !== bodyLength) throw flat.bad(`the header says a body of ${declared} bytes, there are ${bodyLength}`);
  const tag = message.uint8(1);
  const kind = KINDS[tag] ?? `of kind ${tag}`;
  const table = message.table(2, 'message header');
  if (!table) throw flat.bad('a message without content');
  switch (kind) {
    case 'schema':
      return { kind, schema: readSchema(table, limits) };
    case 'batch':
      return { kind, batch: readBatch(table, bodyLength, version, limits) };
    case 'dictionary': {
      const batch = table.table(1, 'dictionary data');
      if (!batch) throw flat.bad('a dictionary without data');
      return {
        kind,
        wireId: table.bigInt64(0),
        delta: table.uint8(2) !== 0,
        batch: readBatch(batch, bodyLength, version, limits),
      };
    }
    default:
      throw flat.bad(
        `a message ${kind === 'none' ? 'without kind' : kind}, only schemas, dictionaries and record batches are tables`,
      );
  }
}

function readBatch(table: FlatTable, bodyLength: number, version: number, limits: ArrowLimits): BatchHeader {
  const { flat } = table;
  const rowCount = table.size(0, 'row count');
  if (rowCount > limits.batchRowCount) {
    throw fail('ARROW_LIMIT', {
      where: flat.where,
      detail: `${rowCount} rows in one batch, over ${limits.batchRowCount}; write smaller batches`,
    });
  }
  const nodeList = table.vector(1, 16, 'field nodes');
  const nodes = new Float64Array(2 * nodeList.length);
  for (let i = 0; i < nodeList.length; i++) {
    const length = table.sizeAt(nodeList.at + 16 * i, 'field length');
    const nullCount = table.sizeAt(nodeList.at + 16 * i + 8, 'null count');
    if (nullCount > length) throw flat.bad(`field node ${i} has ${nullCount} nulls in ${length} rows`);
    if (length > limits.batchRowCount) {
      throw fail('ARROW_LIMIT', {
        where: flat.where,
        detail: `${length} values in one column, over ${limits.batchRowCount}; write smaller batches`,
      });
    }
    nodes[2 * i] = length;
    nodes[2 * i + 1] = nullCount;
  }
  const bufferList = table.vector(2, 16, 'buffers');
  const buffers = new Float64Array(2 * bufferList.length);
  for (let i = 0; i < bufferList.length; i++) {
    const offset = table.sizeAt(bufferList.at + 16 * i, 'buffer offset');
    const length = table.sizeAt(bufferList.at + 16 * i + 8, 'buffer length');
    if (offset + length > bodyLength)
      throw flat.bad(`buffer ${i} lies at bytes ${offset} to ${offset + length} of a body of ${bodyLength}`);
    if (length > 0 && offset % 8 !== 0)
      throw flat.bad(`buffer ${i} starts at byte ${offset} of the body, not a multiple of 8`);
    buffers[2 * i] = offset;
    buffers[2 * i + 1] = length;
  }
  const variadicList = table.vector(4, 8, 'variadic buffer counts');
  const variadicCounts: number[] = [];
  for (let i = 0; i < variadicList.length; i++)
    variadicCounts.push(table.sizeAt(variadicList.at + 8 * i, 'variadic buffer count'));
  const compression = readCompression(table.table(3, 'compression'));
  return { rowCount, nodes, buffers, variadicCounts, compression, unionsHaveValidity: version === VERSION_4 };
}

function readCompression(table: FlatTable | undefined): Compression {
  if (!table) return 'none';
  const method = table.uint8(1);
  if (method !== 0) throw table.flat.bad(`compression by unknown method ${method}`);
  const codec = table.uint8(0);
  if (codec > 1) throw table.flat.bad(`compression by unknown codec ${codec}; LZ4_FRAME and ZSTD are known`);
  return codec === 0 ? 'lz4' : 'zstd';
}
