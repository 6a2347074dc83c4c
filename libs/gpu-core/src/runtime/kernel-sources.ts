import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { routedOperations } from '../ops/routing.js';

/** The code of all kernels: compiled WebAssembly and WGSL of this library, in order of their names, then of other operations. */
export function* kernelSources(): Generator<Uint8Array> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@armilla/gpu-core/package.json')), 'build');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(wasm|wgsl)$/.test(path),
  );
  for (const path of files.sort()) yield readFileSync(join(folder, path));
  for (const { kernelFiles = [] } of routedOperations()) for (const path of kernelFiles) yield readFileSync(path);
}
