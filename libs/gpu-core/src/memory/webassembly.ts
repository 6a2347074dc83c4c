// TypeScript declares WebAssembly only with the browser's globals, which do not belong into a server. This is the part in use.
declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the global is one
  namespace WebAssembly {
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
