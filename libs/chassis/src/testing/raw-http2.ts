import { connect, type Socket } from 'node:net';

/** An HTTP/2 frame: type, flags, stream, payload. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header without indexing, as HPACK has it. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/**
 * A gRPC request in frames of our own making, which ends as it is told to: Node's client half-closes a stream before it
 * resets it, which others do not.
 */
export function rawRequest(
  address: string,
  path: string,
): { send(bytes: Uint8Array): void; reset(code: number): void; socket: Socket } {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => undefined).resume();
  const headers = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': host,
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(4, 0, 0, new Uint8Array(0)));
  socket.write(frame(1, 4, 1, Buffer.concat(Object.entries(headers).map(([name, value]) => literal(name, value)))));
  return {
    send: (bytes) => void socket.write(frame(0, 0, 1, bytes)),
    reset: (code) => void socket.write(frame(3, 0, 1, Buffer.from([0, 0, 0, code]))),
    socket,
  };
}
