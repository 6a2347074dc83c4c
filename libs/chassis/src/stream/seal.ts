import { type Frame } from './frame.js';
import { frameCrc32c } from './frame-checksum.js';
import { headerPadding } from './frame-codec.js';

/** The frame with its checksum. The padding of the header is part of what is summed, so it is applied here. */
export function sealFrame(frame: Frame): Frame {
  const sealed: Frame = { ...frame, crc32c: 0 };
  const pad = headerPadding(sealed);
  if (pad > 0) {
    const header = new Uint8Array(frame.header.byteLength + pad);
    header.set(frame.header);
    sealed.header = header;
  }
  sealed.crc32c = frameCrc32c(sealed);
  return sealed;
}
