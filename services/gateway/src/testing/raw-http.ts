import { connect, type Socket } from 'node:net';

/** Everything a server sent on one connection, and how the connection ended. */
export interface RawAnswer {
  readonly head: string;
  readonly body: Buffer;
  /** 'end' for an orderly close, an error code such as ECONNRESET otherwise. */
  readonly ending: string;
}

/** Writes bytes to a fresh connection and gives what comes back until it closes. */
export function openRaw(url: string): { socket: Socket; answer: Promise<RawAnswer> } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  let ending = 'end';
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', (error: NodeJS.ErrnoException) => (ending = error.code ?? 'error'));
  const answer = new Promise<RawAnswer>((resolve) =>
    socket.on('close', () => {
      const all = Buffer.concat(chunks);
      const at = all.indexOf('\r\n\r\n');
      resolve({ head: all.subarray(0, at).toString('latin1'), body: all.subarray(at + 4), ending });
    }),
  );
  return { socket, answer };
}

/** A client that reads nothing before it has sent everything, as many do. */
export async function sendThenRead(url: string, body: Uint8Array): Promise<{ status: number; body: Buffer }> {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.write(
    `POST ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(body, (error) => (error ? reject(error) : resolve()));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  const at = all.indexOf('\r\n\r\n');
  const head = all.subarray(0, at).toString('latin1');
  const rest = all.subarray(at + 4);
  return { status: Number(head.slice(9, 12)), body: /transfer-encoding: chunked/i.test(head) ? unchunked(rest) : rest };
}

/** The content of a chunked body; throws when the terminal chunk is missing. */
export function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const end = body.indexOf('\r\n', at);
    if (end < 0) throw new Error('no terminal chunk');
    const size = Number.parseInt(body.subarray(at, end).toString('latin1'), 16);
    if (size === 0) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
