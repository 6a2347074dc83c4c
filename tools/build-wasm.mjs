// Compiles every `kernel.as.ts` of a package to build/<path>.wasm, with AssemblyScript. A kernel imports one shared memory
// ("env.memory") and owns no runtime: no allocator, no garbage collector, no stack in data memory. Copies every `*.wgsl`
// to build/<path>.wgsl: the device compiles it when it is there. Where a file beside a kernel, or in its folder `kernel`, asks
// for ASC_FEATURE_RELAXED_SIMD, there is also build/<path>.relaxed.wasm, with that feature.
//   node tools/build-wasm.mjs libs/sky
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import asc from 'assemblyscript/asc';

const project = process.argv[2];
const source = join(project, 'src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
const kernels = files.filter((path) => path.endsWith('kernel.as.ts'));

for (const path of files.filter((path) => path.endsWith('.wgsl'))) {
  const output = join(project, 'build', path);
  mkdirSync(dirname(output), { recursive: true });
  copyFileSync(join(source, path), output);
}

for (const path of kernels) {
  await compile(path, join(project, 'build', path.replace(/\.as\.ts$/, '.wasm')), []);
  const asks = (file) =>
    file.startsWith(`${dirname(path)}/`) &&
    file.endsWith('.as.ts') &&
    readFileSync(join(source, file), 'utf8').includes('ASC_FEATURE_RELAXED_SIMD');
  if (files.some(asks)) {
    const output = join(project, 'build', path.replace(/\.as\.ts$/, '.relaxed.wasm'));
    await compile(path, output, ['--enable', 'relaxed-simd']);
  }
}

async function compile(path, output, more) {
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
    ...more,
  ]);
  if (error) {
    process.stderr.write(`${stderr.toString()}\n${path}: ${error.message}\n`);
    process.exit(1);
  }
  process.stdout.write(`${path} -> ${output}\n`);
}
