/** One Arrow IPC message: flatbuffer header and body, as in Arrow Flight's FlightData. */
export interface IpcMessage {
  /** The flatbuffer `Message`; zero padding behind it is allowed. */
  readonly header: Uint8Array;
  /** The body in order, padding included; kept in parts so that neither reading nor writing has to join them. */
  readonly body: readonly Uint8Array[];
  /** Sum of the parts' lengths in bytes. */
  readonly bodyLength: number;
}

/** Ends a stream: continuation mark and a metadata length of zero. */
export const IPC_END: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

const ZEROS = new Uint8Array(64);

/** The message as bytes of the stream format: parts to write in order, the body not copied. */
export function ipcBytes(message: IpcMessage): Uint8Array[] {
  const headerLength = message.header.byteLength;
  const padded = (headerLength + 7) & ~7;
  const prefix = new Uint8Array(8);
  const view = new DataView(prefix.buffer);
  view.setInt32(0, -1, true);
  view.setInt32(4, padded, true);
  const parts: Uint8Array[] = [prefix, message.header];
  if (padded > headerLength) parts.push(zeros(padded - headerLength));
  for (const part of message.body) parts.push(part);
  return parts;
}

/** `length` zero bytes (at most 64), shared: not to be written to. */
export function zeros(length: number): Uint8Array {
  return ZEROS.subarray(0, length);
}
