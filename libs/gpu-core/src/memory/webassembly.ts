import { setFlagsFromString } from 'node:v8';

// TypeScript declares WebAssembly only with the browser's globals, which do not belong into a server. This is the part in use.
declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the global is one
  namespace WebAssembly {
    function validate(bytes: Uint8Array): boolean;
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Instance {
      constructor(module: Module, imports: Record<string, Record<string, unknown>>);
      readonly exports: Readonly<Record<string, unknown>>;
    }
    class Memory {
      constructor(descriptor: { initial: number; maximum: number; shared: boolean });
      readonly buffer: SharedArrayBuffer;
      grow(pages: number): number;
    }
  }
}

/** False where WebAssembly is switched off (`node --jitless`): operations then run in plain TypeScript. */
export function hasWebAssembly(): boolean {
  return (globalThis as { WebAssembly?: object }).WebAssembly !== undefined;
}

let relaxedSimd: boolean | undefined;

/**
 * Whether WebAssembly has relaxed SIMD, whose multiply-add may round once. Node.js 20 has it behind a flag, which is set here:
 * V8 reads it when it compiles a module.
 */
export function hasRelaxedSimd(): boolean {
  if (relaxedSimd === undefined) {
    if (hasWebAssembly() && !WebAssembly.validate(PROBE)) setFlagsFromString('--experimental-wasm-relaxed-simd');
    relaxedSimd = hasWebAssembly() && WebAssembly.validate(PROBE);
  }
  return relaxedSimd;
}

/** (module (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))) */
const PROBE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x85, 0x02, 0x0b],
]);
