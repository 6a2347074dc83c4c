import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The code of all kernels of this library: compiled WebAssembly and WGSL, in order of their names. */
export function* kernelSources(): Generator<Uint8Array> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@armilla/gpu-core/package.json')), 'build');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(wasm|wgsl)$/.test(path),
  );
  for (const path of files.sort()) yield readFileSync(join(folder, path));
}
