import { readFileSync } from 'node:fs';
import { referenceCrc32c } from './reference.js';

/** TypeScript declares WebAssembly with the browser's globals only; undefined under `node --jitless`. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly?: {
    readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => {
      readonly buffer: SharedArrayBuffer;
    };
    readonly Module: new (code: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
  };
};

interface Kernel {
  /** The window that bytes are copied to. */
  readonly window: Uint8Array;
  update(start: number, length: number, previous: number): number;
}

const WINDOW_START = 65_536;
/** Small enough to stay in the cache between the copy and the sum. */
const WINDOW_BYTES = 2 ** 16;
/** Below this the copy and the call cost more than they save. */
const KERNEL_BYTES = 1024;

let kernel: Kernel | 'none' | undefined;

/**
 * CRC-32C (Castagnoli), unsigned 32 bits; `crc32c(b, crc32c(a))` is the checksum of a followed by b. By WebAssembly for
 * all but short inputs: three times as fast as tables in JavaScript, copy included.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  if (bytes.byteLength < KERNEL_BYTES) return referenceCrc32c(bytes, previous);
  kernel ??= loadKernel();
  if (kernel === 'none') return referenceCrc32c(bytes, previous);
  let crc = ~previous;
  for (let at = 0; at < bytes.byteLength; at += WINDOW_BYTES) {
    const part = bytes.subarray(at, at + WINDOW_BYTES);
    kernel.window.set(part);
    crc = kernel.update(WINDOW_START, part.byteLength, crc);
  }
  return ~crc >>> 0;
}

function loadKernel(): Kernel | 'none' {
  if (!WebAssembly) return 'none';
  const pages = (WINDOW_START + WINDOW_BYTES) / 65_536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const code = readFileSync(new URL('../../../build/stream/crc32c/kernel.wasm', import.meta.url));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
  (exports.init as () => void)();
  return {
    window: new Uint8Array(memory.buffer, WINDOW_START, WINDOW_BYTES),
    update: exports.update as Kernel['update'],
  };
}
