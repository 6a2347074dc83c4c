import { parentPort, workerData } from 'node:worker_threads';

// A thread of the child: decoding blocks the main one, and array buffers are no part of V8's heap limit.

const { memoryBytes } = workerData as { memoryBytes: number };
const INTERVAL_MS = 20;

function check(): void {
  if (process.memoryUsage.rss() > memoryBytes) process.kill(process.pid, 'SIGKILL');
}

check();
setInterval(check, INTERVAL_MS);
parentPort?.postMessage('watching');
