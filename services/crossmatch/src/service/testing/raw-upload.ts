import { connect, type ClientHttp2Stream } from 'node:http2';
import { FlightData } from '@armilla/proto';
import type { FlightMessage } from '@armilla/chassis';

/** A DoPut by plain HTTP/2, whose bytes may end anywhere; `status` is the gRPC status and message, or how it was cut. */
export function rawPut(address: string): {
  readonly stream: ClientHttp2Stream;
  readonly status: Promise<{ code: string; message: string }>;
} {
  const session = connect(`http://${address}`);
  session.on('error', () => undefined);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/arrow.flight.protocol.FlightService/DoPut',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const status = new Promise<{ code: string; message: string }>((resolve) => {
    const done = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] === undefined) return;
      resolve({ code: String(headers['grpc-status']), message: decodeURI(String(headers['grpc-message'])) });
      session.close();
    };
    stream
      .on('response', done)
      .on('trailers', done)
      .on('error', () => undefined);
    stream.on('close', () => {
      resolve({ code: 'closed', message: '' });
      session.destroy();
    });
  });
  stream.resume();
  return { stream, status };
}

/** As gRPC sends it: a prefix of 5 bytes, then the message. */
export function grpcBytes(message: FlightMessage): Buffer {
  const encoded = FlightData.encode({
    flightDescriptor: message.descriptor,
    dataHeader: message.header,
    appMetadata: message.metadata ?? new Uint8Array(0),
    dataBody: Buffer.concat(message.body),
  }).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(encoded.byteLength, 1);
  return Buffer.concat([prefix, encoded]);
}
