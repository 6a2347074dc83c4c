import { startCli } from './run-cli.js';

/** A server of the command line. */
export interface CliServer {
  readonly url: string;
  /** Ends it, and waits for that. */
  stop(): Promise<unknown>;
}

/** Starts a server on free ports of this machine. Rejects where it ends instead. */
export async function startCliServer(...args: string[]): Promise<CliServer> {
  const child = startCli(['serve', '--port', '0', '--grpc-address', '127.0.0.1:0', '--log-level', 'error', ...args]);
  const closed = new Promise((resolve) => child.once('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const found = /serving (http:\/\/[\d.:]+)/.exec(text);
      if (found) resolve(found[1]);
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}`)));
  });
  return {
    url,
    stop: () => {
      child.kill('SIGTERM');
      return closed;
    },
  };
}
