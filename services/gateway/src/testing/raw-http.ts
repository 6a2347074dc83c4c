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
