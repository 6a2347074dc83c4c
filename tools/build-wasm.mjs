// Compiles every `*.as.ts` of a package to build/<path>.wasm, with AssemblyScript. A kernel imports one shared memory
// ("env.memory") and owns no runtime: no allocator, no garbage collector, no stack in data memory.
//   node tools/build-wasm.mjs libs/sky
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import asc from 'assemblyscript/asc';

const project = process.argv[2];
const source = join(project, 'src');
const kernels = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('kernel.as.ts'),
);

for (const path of kernels) {
  const output = join(project, 'build', path.replace(/\.as\.ts$/, '.wasm'));
  mkdirSync(dirname(output), { recursive: true });
  const { error, stderr } = await asc.main([
    relative('.', join(source, path)),
    '--outFile',
    output,
    '--optimizeLevel',
    '3',
    '--shrinkLevel',
    '0',
    '--noAssert',
    '--runtime',
    'stub',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
    '--enable',
    'simd',
    '--enable',
    'threads',
    '--memoryBase',
    '1024',
  ]);
  if (error) {
    process.stderr.write(`${stderr.toString()}\n${path}: ${error.message}\n`);
    process.exit(1);
  }
  process.stdout.write(`${path} -> ${output}\n`);
}
