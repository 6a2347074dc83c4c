import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repositoryRoot } from './repository/root.js';

export interface ServerProcess {
  readonly url: string;
  /** host:port */
  readonly grpc: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** `armilla serve` in a process of its own, on free ports. */
export async function startServer(...flags: string[]): Promise<ServerProcess> {
  const bin = join(repositoryRoot, 'cli', 'bin', 'armilla.mjs');
  const child = spawn(
    process.execPath,
    [bin, 'serve', '--port', '0', '--grpc-address', '127.0.0.1:0', '--log-level', 'error', ...flags],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /serving (http\S+) \(gRPC at ([^)]+)\)/.exec(line);
    if (!found) continue;
    return {
      url: found[1],
      grpc: found[2],
      kill: async (signal) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill(signal);
        await once(child, 'exit');
      },
    };
  }
  throw new Error('the server ended before it was ready');
}
