import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onDawn } from '../../testing/on-dawn.js';
import { loadProvider } from './provider.js';

const root = join(import.meta.dirname, '../../../../..');
const files = ['libs', 'services'].flatMap((group) =>
  readdirSync(join(root, group)).flatMap((name) => {
    const source = join(group, name, 'src');
    if (!existsSync(join(root, source))) return [];
    const paths = readdirSync(join(root, source), { recursive: true, encoding: 'utf8' });
    return paths.filter((path) => path.endsWith('.wgsl')).map((path) => join(source, path));
  }),
);

onDawn('every entry point of every kernel of the repository compiles on the null backend', async () => {
  const provider = loadProvider({});
  const gpu = provider.create(['backend=null']);
  const adapter = await gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  let count = 0;
  try {
    for (const file of files) {
      const code = readFileSync(join(root, file), 'utf8');
      device.pushErrorScope('validation');
      const module = device.createShaderModule({ label: file, code });
      const { messages } = await module.getCompilationInfo();
      expect({ file, messages: messages.map(({ lineNum, message }) => `${lineNum}: ${message}`) }).toEqual({
        file,
        messages: [],
      });
      for (const [, entryPoint] of code.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)) {
        await device.createComputePipelineAsync({ label: file, layout: 'auto', compute: { module, entryPoint } });
        count++;
      }
      expect({ file, fault: (await device.popErrorScope())?.message }).toEqual({ file, fault: undefined });
    }
  } finally {
    device.destroy();
    provider.release(gpu);
  }
  expect(files).toEqual(
    expect.arrayContaining(['libs/gpu-core/src/ops/matmul/kernel.wgsl', 'libs/sky/src/join/gpu/kernel.wgsl']),
  );
  expect(count).toBeGreaterThanOrEqual(14);
});
