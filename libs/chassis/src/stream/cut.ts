import { fail } from '@armilla/base';
import { type Frame, makeFrame } from './frame.js';
import { sealFrame } from './seal.js';

/** Body bytes of one frame at most. */
export const FRAME_BODY_BYTES = 1024 * 1024;
/** Header bytes of a message at most: an encoded frame stays under gRPC's default limit of 4 MiB. */
export const FRAME_HEADER_BYTES = 3 * 1024 * 1024;

/** An Arrow IPC message: flatbuffer header and body parts. */
export interface FramedMessage {
  readonly header: Uint8Array;
  readonly body: readonly Uint8Array[];
  readonly bodyLength: number;
}

export interface CutOptions {
  /** Sum each frame with CRC-32C. */
  readonly crc?: boolean;
  /** Body bytes per frame; for tests. */
  readonly frameBodyBytes?: number;
}

/** The frames of one message: the header in the first, at most 1 MiB of body in each, `more` on all but the last. Nothing is copied. */
export function* cutMessage(message: FramedMessage, table: number, options: CutOptions = {}): IterableIterator<Frame> {
  const limit = options.frameBodyBytes ?? FRAME_BODY_BYTES;
  let header = message.header;
  if (header.byteLength > FRAME_HEADER_BYTES) {
    throw fail('MESSAGE_TOO_LARGE', {
      where: 'Arrow message header',
      got: header.byteLength,
      limit: FRAME_HEADER_BYTES,
    });
  }
  let left = message.bodyLength;
  let part = 0;
  let offset = 0;
  do {
    // A large header travels alone.
    const take = header.byteLength > limit ? 0 : Math.min(left, limit);
    const body: Uint8Array[] = [];
    for (let need = take; need > 0;) {
      const bytes = message.body[part];
      if (bytes === undefined) throw new RangeError(`message body ends ${need} bytes early`);
      const slice = bytes.subarray(offset, offset + need);
      if (slice.byteLength > 0) body.push(slice);
      need -= slice.byteLength;
      offset += slice.byteLength;
      if (offset === bytes.byteLength) {
        part++;
        offset = 0;
      }
    }
    left -= take;
    const frame = makeFrame({ header, table, more: left > 0, body, bodyLength: take });
    yield options.crc ? sealFrame(frame) : frame;
    header = header.subarray(0, 0);
  } while (left > 0);
}
