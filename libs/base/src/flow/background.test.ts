import { once } from 'node:events';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { computeInBackground } from '../index.js';

const entry = new URL('../../dist/flow/background.js', import.meta.url).href;
const code = `
const { parentPort } = require('node:worker_threads');
const { readlinkSync } = require('node:fs');
const { getPriority } = require('node:os');
import(${JSON.stringify(entry)}).then(({ enterBackground }) => {
  const entered = enterBackground();
  const nice = process.platform === 'linux' ? getPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1))) : undefined;
  parentPort.postMessage({ entered, nice });
});`;

async function startWorker(): Promise<{ entered: boolean; nice: number | undefined }> {
  const worker = new Worker(code, { eval: true });
  const [answer] = (await once(worker, 'message')) as [{ entered: boolean; nice: number | undefined }];
  await worker.terminate();
  return answer;
}

test('worker threads give way once the process computes in the background; the main thread does not', async () => {
  const own = getPriority(process.pid);
  expect(await startWorker()).toEqual({ entered: false, nice: process.platform === 'linux' ? own : undefined });
  computeInBackground();
  const linux = process.platform === 'linux';
  expect(await startWorker()).toEqual({ entered: linux, nice: linux ? Math.max(own, 10) : undefined });
  expect(getPriority(process.pid)).toBe(own);
});
