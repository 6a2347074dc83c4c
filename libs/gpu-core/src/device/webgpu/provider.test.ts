import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onDawn } from '../../testing/on-dawn.js';
import { loadProvider } from './provider.js';
import { packStruct, structLayout } from './wgsl-layout.js';

const SCALE = `
struct Params { count: u32, offset: vec3<f32>, factor: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < params.count) { values[id.x] = values[id.x] * params.factor + params.offset.z; }
}`;

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'armilla-provider-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function standIn(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

test('a provider that is not there is a typed error that says why', () => {
  const unavailable = expect.objectContaining({ reason: 'DEVICE_UNAVAILABLE' });
  expect(() => loadProvider({ ARMILLA_DAWN_NODE: join(folder, 'none.node') })).toThrow(unavailable);
  expect(() => loadProvider({ ARMILLA_DAWN_NODE: standIn('old.cjs', 'module.exports = {}') })).toThrow('too old');
  const broken = standIn('broken.cjs', 'throw new Error("libstdc++.so.6: version `GLIBCXX_9\' not found\\nmore")');
  expect(() => loadProvider({ ARMILLA_DAWN_NODE: broken })).toThrow(/GLIBCXX_9' not found$/);
  expect(() => loadProvider({ ARMILLA_GPU_PROVIDER: 'cuda' })).toThrow(
    expect.objectContaining({ reason: 'OPTION_INVALID' }),
  );
});

test('a stand-in with the interface of @kmamal/gpu is created with its flags and released', () => {
  const file = standIn(
    'kmamal.cjs',
    'const log = []; module.exports = { log, create: (flags) => { const gpu = { flags }; log.push("create"); return gpu; }, destroy: (gpu) => log.push("destroy " + gpu.flags), globals: {} };',
  );
  const provider = loadProvider({ ARMILLA_GPU_PROVIDER: 'kmamal', ARMILLA_DAWN_NODE: file });
  const gpu = provider.create(['backend=null']);
  expect(provider).toMatchObject({ name: 'kmamal', file });
  expect(gpu).toEqual({ flags: ['backend=null'] });
  expect(() => provider.release(gpu)).not.toThrow();
});

onDawn('a kernel is compiled on the null backend, and a fault in it is found', async () => {
  const provider = loadProvider({});
  const gpu = provider.create(['backend=null']);
  const device = await (await gpu.requestAdapter())!.requestDevice();
  const messages = async (code: string): Promise<number[]> => {
    device.pushErrorScope('validation');
    const info = await device.createShaderModule({ code }).getCompilationInfo();
    await device.popErrorScope();
    return info.messages.filter(({ type }) => type === 'error').map(({ lineNum }) => lineNum);
  };
  expect(await messages(SCALE)).toEqual([]);
  expect(await messages(`${SCALE}\nfn wrong() { let x: i32 = 1.5; }`)).toEqual([9]);
  device.destroy();
  provider.release(gpu);
});

onDawn('a kernel runs on SwiftShader with the layout that its text gives', async () => {
  const provider = loadProvider({});
  const gpu = provider.create([]);
  const adapter = await gpu.requestAdapter();
  expect(adapter?.info.isFallbackAdapter).toBe(true);
  const device = await adapter!.requestDevice();
  const values = device.createBuffer({
    size: 400,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    mappedAtCreation: true,
  });
  new Float32Array(values.getMappedRange()).set(Array.from({ length: 100 }, (_, i) => i));
  values.unmap();
  const packed = packStruct(structLayout(SCALE, 'Params', 'scale.wgsl'), {
    count: 99,
    offset: [7, 8, 0.5],
    factor: 2,
  });
  const params = device.createBuffer({
    size: packed.byteLength,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  new Uint8Array(params.getMappedRange()).set(new Uint8Array(packed));
  params.unmap();
  const readback = device.createBuffer({ size: 400, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: SCALE }) },
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: params } },
        { binding: 1, resource: { buffer: values } },
      ],
    }),
  );
  pass.dispatchWorkgroups(2);
  pass.end();
  encoder.copyBufferToBuffer(values, 0, readback, 0, 400);
  device.queue.submit([encoder.finish()]);
  await readback.mapAsync(GPUMapMode.READ);
  const result = [...new Float32Array(readback.getMappedRange())];
  readback.unmap();
  device.destroy();
  provider.release(gpu);
  expect(result).toEqual(Array.from({ length: 100 }, (_, i) => (i < 99 ? 2 * i + 0.5 : 99)));
});
