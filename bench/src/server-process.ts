import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'armilla.mjs');

/** What the bench reads itself is no key of the server's configuration, which would refuse it. */
const { ARMILLA_BENCH_CACHE: _, ...environment } = process.env;

/** What `./armilla serve` sets before the server starts: glibc then gives back what a job leaves behind. */
export const SERVER_ENVIRONMENT = { ...environment, MALLOC_TRIM_THRESHOLD_: '16777216' };

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly grpc: string;
  readonly pid: number;
}

/** `armilla serve` in a process of its own, on free ports. */
export async function startServerProcess(flags: readonly string[] = []): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [bin, 'serve', '--port', '0', '--grpc-address', '127.0.0.1:0', '--log-level', 'error', ...flags],
    { stdio: ['ignore', 'pipe', 'inherit'], env: SERVER_ENVIRONMENT },
  );
  const line = await firstLine(child, /serving (http\S+) \(gRPC at ([^)]+)\)/);
  return {
    url: line[1],
    grpc: line[2],
    pid: child.pid as number,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/** The first line of standard output that matches; an error when the process ends before. */
export async function firstLine(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  if (!child.stdout) throw new TypeError('standard output is not a pipe');
  for await (const line of createInterface({ input: child.stdout })) {
    const found = pattern.exec(line);
    if (found) {
      child.stdout.resume();
      return found;
    }
  }
  throw new Error('the process ended before it was ready');
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
