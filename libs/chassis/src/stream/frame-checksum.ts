import { crc32c } from './crc32c/index.js';
import { type Frame } from './frame.js';

/** CRC-32C of header, metadata and body, in that order. */
export function frameCrc32c(frame: Frame): number {
  let crc = crc32c(frame.header);
  if (frame.metadata) crc = crc32c(frame.metadata, crc);
  for (const part of frame.body) crc = crc32c(part, crc);
  return crc;
}
