import { fail } from '@armilla/base';
import type { ArrowLimits } from './limits.js';
import type { MessageSource } from './source.js';
import { FlatBytes, type FlatTable } from './wire/flatTable.js';
import { readSchema, type WireSchema } from './wire/schema.js';

/** First and, with the footer's length before it, last bytes of a file. */
export const FILE_MAGIC: Uint8Array = new TextEncoder().encode('ARROW1');
/** The magic is padded to this many bytes at the start; the messages of a stream follow. */
export const FILE_START = 8;

/** Where one message lies in a file, bytes. */
export interface Block {
  readonly offset: number;
  /** With the prefix of 8 bytes. */
  readonly headerLength: number;
  readonly bodyLength: number;
}

export interface Footer {
  /** Taken from here: not every writer has a readable schema message at the start of the file. */
  readonly schema: WireSchema;
  readonly dictionaries: readonly Block[];
  readonly batches: readonly Block[];
}

/** True when `bytes` starts like Arrow's file format. */
export function isArrowFile(bytes: Uint8Array): boolean {
  return bytes.byteLength >= FILE_MAGIC.byteLength && FILE_MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Reads and checks the footer (File.fbs). @throws ARROW_TRUNCATED, ARROW_INVALID, ARROW_LIMIT */
export async function readFooter(source: MessageSource): Promise<Footer> {
  const { where, limits } = source;
  const { byteLength } = source.source;
  const tailLength = 4 + FILE_MAGIC.byteLength;
  if (byteLength < FILE_START + tailLength)
    throw fail('ARROW_TRUNCATED', { where, detail: `${byteLength} bytes are too few for a file` });
  const tail = await source.bytes(byteLength - tailLength, tailLength, 'the footer');
  if (!isArrowFile(tail.subarray(4)))
    throw fail('ARROW_TRUNCATED', {
      where,
      detail: 'it does not end with a footer; it was cut off, or its writer was not closed',
    });
  const length = new DataView(tail.buffer, tail.byteOffset, 4).getInt32(0, true);
  const end = byteLength - tailLength;
  if (length <= 0 || length > end - FILE_START)
    throw fail('ARROW_INVALID', { where, detail: `a footer of ${length} bytes in a file of ${byteLength}` });
  if (length > limits.headerBytes)
    throw fail('ARROW_LIMIT', { where, detail: `a footer of ${length} bytes, over ${limits.headerBytes}` });
  const table = new FlatBytes(await source.bytes(end - length, length, 'the footer'), where).root();
  const dictionaries = readBlocks(table, 2, end - length, 'dictionary', limits);
  const batches = readBlocks(table, 3, end - length, 'record batch', limits);
  let total = 0;
  for (const block of [...dictionaries, ...batches]) total += block.headerLength + block.bodyLength;
  if (total > byteLength)
    throw fail('ARROW_INVALID', { where, detail: `blocks of ${total} bytes in a file of ${byteLength}` });
  const schema = table.table(1, 'schema');
  if (!schema) throw fail('ARROW_INVALID', { where, detail: 'a footer without schema' });
  return { schema: readSchema(schema, limits), dictionaries, batches };
}

function readBlocks(table: FlatTable, field: number, end: number, what: string, limits: ArrowLimits): Block[] {
  const { flat } = table;
  const list = table.vector(field, 24, `${what} blocks`);
  const blocks: Block[] = [];
  for (let i = 0; i < list.length; i++) {
    const at = list.at + 24 * i;
    const offset = table.sizeAt(at, `offset of ${what} ${i}`);
    const headerLength = flat.view.getInt32(at + 8, true);
    const bodyLength = table.sizeAt(at + 16, `body length of ${what} ${i}`);
    if (offset < FILE_START || offset % 8 !== 0 || headerLength < 8 || offset + headerLength + bodyLength > end) {
      throw flat.bad(`${what} ${i} lies at bytes ${offset} to ${offset + headerLength + bodyLength} of ${end}`);
    }
    if (headerLength > limits.headerBytes + 8 || bodyLength > limits.messageBytes) {
      throw fail('ARROW_LIMIT', {
        where: flat.where,
        detail: `${what} ${i} has ${headerLength} + ${bodyLength} bytes; write smaller batches`,
      });
    }
    blocks.push({ offset, headerLength, bodyLength });
  }
  return blocks;
}
