import { type FlightDescriptor } from '@armilla/proto';

/** One arrow.flight.protocol.FlightData: a whole Arrow IPC message, or metadata alone. */
export interface FlightMessage {
  /** In the first message of an upload. */
  descriptor: FlightDescriptor | undefined;
  /** Flatbuffer Message; empty in a message that brings metadata only. */
  header: Uint8Array;
  metadata: Uint8Array | undefined;
  /** The body in parts, padding included, so that encoding copies once. */
  body: readonly Uint8Array[];
  bodyLength: number;
}

const NONE = new Uint8Array(0);

/** A message of defaults with `fields` set. */
export function makeFlightMessage(fields: Partial<FlightMessage> = {}): FlightMessage {
  const body = fields.body ?? [];
  return {
    descriptor: fields.descriptor,
    header: fields.header ?? NONE,
    metadata: fields.metadata,
    body,
    bodyLength: fields.bodyLength ?? body.reduce((sum, part) => sum + part.byteLength, 0),
  };
}
