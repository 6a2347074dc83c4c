/** CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), eight bytes a step by eight tables ("slicing by 8"). */
const POLYNOMIAL = 0x82f63b78;

const TABLES = makeTables();

/** `referenceCrc32c(b, referenceCrc32c(a))` is the checksum of a followed by b. Unsigned 32 bits. */
export function referenceCrc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  let at = 0;
  const end = bytes.length;
  const t = TABLES;
  for (const last = end - 7; at < last; at += 8) {
    const low = crc ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    crc =
      t[1792 + (low & 255)] ^
      t[1536 + ((low >>> 8) & 255)] ^
      t[1280 + ((low >>> 16) & 255)] ^
      t[1024 + (low >>> 24)] ^
      t[768 + bytes[at + 4]] ^
      t[512 + bytes[at + 5]] ^
      t[256 + bytes[at + 6]] ^
      t[bytes[at + 7]];
  }
  for (; at < end; at++) crc = t[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** [8 * 256]: table k advances a byte by k further bytes. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    tables[byte] = crc;
  }
  for (let k = 1; k < 8; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const crc = tables[(k - 1) * 256 + byte];
      tables[k * 256 + byte] = tables[crc & 255] ^ (crc >>> 8);
    }
  }
  return tables;
}
