import { CompactReader } from './compact.js';
import { ParquetFault } from './fault.js';
import { Encoding, PageKind } from './metadata.js';

export interface PageHeader {
  readonly kind: number;
  readonly compressedLength: number;
  readonly uncompressedLength: number;
  /** CRC-32 of the page's bytes in the file; undefined where the writer left it out. */
  readonly crc32: number | undefined;
  /** Values with nulls. */
  readonly valueCount: number;
  readonly encoding: number;
  readonly definitionEncoding: number;
  /** Lengths of the levels in bytes, data pages of version 2 only. */
  readonly definitionByteLength: number;
  readonly repetitionByteLength: number;
  /** Version 2: the values may be stored as they are. */
  readonly compressed: boolean;
  /** Bytes of this header. */
  readonly headerLength: number;
}

/** Reads the page header at `offset` of a column chunk, of which `bytes` hold the beginning at least. */
export function readPageHeader(bytes: Uint8Array, offset: number, byteLength = bytes.length): PageHeader {
  const reader = new CompactReader(bytes, offset);
  let kind = -1;
  let compressedLength = -1;
  let uncompressedLength = -1;
  let crc32: number | undefined;
  let valueCount = 0;
  let encoding: number = Encoding.plain;
  let definitionEncoding: number = Encoding.rle;
  let definitionByteLength = 0;
  let repetitionByteLength = 0;
  let compressed = true;
  reader.struct((id) => {
    if (id === 1) kind = reader.integer();
    else if (id === 2) uncompressedLength = reader.size('the uncompressed length of a page');
    else if (id === 3) compressedLength = reader.size('the length of a page');
    else if (id === 4) crc32 = reader.integer() >>> 0;
    else if (id === 5 || id === 7) {
      reader.struct((field) => {
        if (field === 1) valueCount = reader.size('the number of values of a page');
        else if (field === 2) encoding = reader.integer();
        else if (field === 3 && id === 5) definitionEncoding = reader.integer();
        else return false;
        return true;
      });
    } else if (id === 8) {
      reader.struct((field, wire) => {
        if (field === 1) valueCount = reader.size('the number of values of a page');
        else if (field === 4) encoding = reader.integer();
        else if (field === 5) definitionByteLength = reader.size('the length of definition levels');
        else if (field === 6) repetitionByteLength = reader.size('the length of repetition levels');
        else if (field === 7) compressed = wire === 1;
        else return false;
        return true;
      });
    } else return false;
    return true;
  });
  if (kind < 0 || compressedLength < 0 || uncompressedLength < 0)
    throw new ParquetFault(`the page header at byte ${offset} is incomplete`);
  if (kind > PageKind.dataV2) throw new ParquetFault(`a page has the unknown kind ${kind}`);
  const headerLength = reader.at - offset;
  if (compressedLength > byteLength - reader.at) {
    throw new ParquetFault(`a page claims ${compressedLength} bytes, ${byteLength - reader.at} are left of the column`);
  }
  return {
    kind,
    compressedLength,
    uncompressedLength,
    crc32,
    valueCount,
    encoding,
    definitionEncoding,
    definitionByteLength,
    repetitionByteLength,
    compressed,
    headerLength,
  };
}
