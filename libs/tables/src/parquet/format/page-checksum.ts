import { crc32 } from 'node:zlib';

/**
 * The checksum of a page as it is stored, without its header: CRC-32 with the polynomial of gzip (Apache Parquet format 2.11, README,
 * "Checksumming"), in [0, 2^32). `parts` are its bytes one behind the other.
 */
export function pageChecksum(parts: readonly Uint8Array[]): number {
  let checksum = 0;
  for (const part of parts) checksum = crc32(part, checksum);
  return checksum;
}
