/** One armilla.type.v1.ArrowFrame: part of an Arrow IPC message, call options or an event. */
export interface Frame {
  /** Flatbuffer Message; in the first frame of a message only. */
  header: Uint8Array;
  metadata: Uint8Array | undefined;
  /** 0 left or only, 1 right; of several tables 0 to 9. */
  table: number;
  endOfTable: boolean;
  /** The message goes on in the next frame of this table. */
  more: boolean;
  /** The body in parts, padding included; sent as one field, kept in parts so that encoding copies once. */
  body: readonly Uint8Array[];
  bodyLength: number;
  /** CRC-32C of header, metadata and body as they stand in this frame; `sealFrame` sets it. */
  crc32c: number | undefined;
}

/** Number of the last table that a call may have. */
export const LAST_TABLE = 9;

const NONE = new Uint8Array(0);

/** A frame of defaults with `fields` set. */
export function makeFrame(fields: Partial<Frame> = {}): Frame {
  const body = fields.body ?? [];
  return {
    header: fields.header ?? NONE,
    metadata: fields.metadata,
    table: fields.table ?? 0,
    endOfTable: fields.endOfTable ?? false,
    more: fields.more ?? false,
    body,
    bodyLength: fields.bodyLength ?? body.reduce((sum, part) => sum + part.byteLength, 0),
    crc32c: fields.crc32c,
  };
}

/** Memory that a frame stands for, in bytes; what back-pressure counts. */
export function frameByteLength(frame: Frame): number {
  return frame.header.byteLength + (frame.metadata?.byteLength ?? 0) + frame.bodyLength;
}

/** The same for any message of a stream; what is no frame is small and counts nothing. */
export function messageByteLength(message: unknown): number {
  return typeof message === 'object' && message !== null && 'bodyLength' in message
    ? frameByteLength(message as Frame)
    : 0;
}
