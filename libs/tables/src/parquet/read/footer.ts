import { ParquetFault, unsupported } from '../format/fault.js';
import { type FileMetadata, readMetadata } from '../format/metadata.js';
import type { ByteSource } from '../source.js';

const MAGIC = 0x31524150; // "PAR1", little-endian
const ENCRYPTED_MAGIC = 0x45524150; // "PARE"
const MAX_FOOTER_BYTES = 256 << 20;

/** The metadata at the end of a file, and the offset where it begins. */
export async function readFooter(source: ByteSource): Promise<{ metadata: FileMetadata; offset: number }> {
  const { bytes, offset } = await readFooterBytes(source);
  return { metadata: readMetadata(bytes), offset };
}

/** The same as it stands there. */
export async function readFooterBytes(source: ByteSource): Promise<{ bytes: Uint8Array; offset: number }> {
  const { byteLength } = source;
  if (byteLength < 12) throw new ParquetFault(`it has ${byteLength} bytes, no Parquet file has fewer than 12`);
  const guess = Math.min(byteLength, 1 << 16);
  let tail = await source.read(byteLength - guess, guess);
  const end = new DataView(tail.buffer, tail.byteOffset + guess - 8, 8);
  const magic = end.getUint32(4, true);
  if (magic === ENCRYPTED_MAGIC) throw unsupported('the file is encrypted; decrypt it first');
  if (magic !== MAGIC) throw new ParquetFault("it does not end with 'PAR1': it is cut short or not a Parquet file");
  const length = end.getUint32(0, true);
  if (length > byteLength - 12)
    throw new ParquetFault(`it claims ${length} bytes of metadata and has ${byteLength} bytes`);
  if (length > MAX_FOOTER_BYTES)
    throw unsupported(`its metadata of ${length} bytes are over the limit of ${MAX_FOOTER_BYTES}`);
  const offset = byteLength - 8 - length;
  if (length + 8 > guess) tail = await source.read(offset, length + 8);
  return { bytes: tail.subarray(tail.length - 8 - length, tail.length - 8), offset };
}
