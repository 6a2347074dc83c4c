import { enterBackground, problemToJson, toProblem } from '@armilla/base';
import { parentPort } from 'node:worker_threads';
import { collectGarbage } from '../memory/reclaim.js';
import '../memory/webassembly.js';
import { type CallMessage, CONTROL, type KernelMessage, type Reply, type WorkerMessage } from './messages.js';

// A worker goes back to the pool after this time, so that calls share the cores.
const SLICE_MS = 20;

type KernelFunction = (params: number, item: number, control: number, slot: number) => void;

const port = parentPort;
if (port === null) throw new Error('the worker entry runs in a worker thread only');

enterBackground();

const modules = new Map<number, WebAssembly.Module>();
const heaps = new Map<number, { memory: WebAssembly.Memory; instances: Map<number, WebAssembly.Instance> }>();

port.on('message', (message: WorkerMessage) => {
  if (message.kind === 'kernel') runSlice(message);
  else if (message.kind === 'call') void runCall(message);
  else {
    for (const id of message.heapIds) heaps.delete(id);
    // Not before the turn ends: the stack may still hold what was dropped.
    if (message.collect) setImmediate(collectGarbage);
  }
});

function runSlice(message: KernelMessage): void {
  let itemCount = 0;
  try {
    const kernel = bind(message);
    const control = new Int32Array(memoryOf(message).buffer, message.control, CONTROL.byteLength / 4);
    const end = performance.now() + SLICE_MS;
    for (let item = take(control); item >= 0; item = take(control)) {
      kernel(message.params, item, message.control, message.slot);
      itemCount++;
      if (performance.now() >= end) break;
    }
    answer({ work: message.work, itemCount });
  } catch (error) {
    answer({ work: message.work, itemCount, problem: problemToJson(toProblem(error)) });
  }
}

/** The next free item, or -1 when there is none now. */
function take(control: Int32Array): number {
  for (;;) {
    const item = Atomics.load(control, CONTROL.next);
    if (item >= Atomics.load(control, CONTROL.released) || Atomics.load(control, CONTROL.cancel) !== 0) return -1;
    if (Atomics.compareExchange(control, CONTROL.next, item, item + 1) === item) return item;
  }
}

function memoryOf(message: KernelMessage): WebAssembly.Memory {
  let heap = heaps.get(message.heapId);
  if (heap === undefined) {
    heap = { memory: message.memory as WebAssembly.Memory, instances: new Map() };
    heaps.set(message.heapId, heap);
  }
  return heap.memory;
}

function bind(message: KernelMessage): KernelFunction {
  if (message.module !== undefined) modules.set(message.kernelId, message.module);
  const memory = memoryOf(message);
  const instances = (heaps.get(message.heapId) as { instances: Map<number, WebAssembly.Instance> }).instances;
  let instance = instances.get(message.kernelId);
  if (instance === undefined) {
    instance = new WebAssembly.Instance(modules.get(message.kernelId) as WebAssembly.Module, { env: { memory } });
    instances.set(message.kernelId, instance);
  }
  return instance.exports[message.name] as KernelFunction;
}

async function runCall({ work, url, name, args }: CallMessage): Promise<void> {
  try {
    const module = (await import(url)) as Record<string, unknown>;
    const target = module[name];
    if (typeof target !== 'function') throw new TypeError(`${url} exports no function '${name}'`);
    const transfer: ArrayBuffer[] = [];
    const value: unknown = await target(...args);
    collectTransfers(value, transfer);
    answer({ work, value }, transfer);
  } catch (error) {
    answer({ work, problem: problemToJson(toProblem(error)) });
  }
}

/** Whole ArrayBuffers of a result (itself, its typed arrays, one level of an object or array) move instead of being copied. */
function collectTransfers(value: unknown, into: ArrayBuffer[]): void {
  const add = (part: unknown): void => {
    const buffer = ArrayBuffer.isView(part) ? part.buffer : part;
    if (!(buffer instanceof ArrayBuffer) || into.includes(buffer)) return;
    // A small view on Node's shared buffer pool must be copied: the pool has other users.
    if (ArrayBuffer.isView(part) && part.byteLength !== buffer.byteLength) return;
    into.push(buffer);
  };
  add(value);
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const part of Object.values(value)) {
      add(part);
      if (Array.isArray(part)) part.forEach(add);
    }
  }
}

function answer(reply: Reply, transfer: ArrayBuffer[] = []): void {
  (port as NonNullable<typeof port>).postMessage(reply, transfer);
}
