import type { Job } from '../device/device.js';
import { packStruct, structLayout } from '../device/webgpu/wgsl-layout.js';

const SQUARE = `
struct Params { count: u32, addend: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> squares: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < params.count) { squares[id.x] = values[id.x] * values[id.x] + params.addend; }
}`;
export const program = { wgsl: SQUARE, file: 'square.wgsl', entryPoint: 'main' };
const layout = structLayout(SQUARE, 'Params', 'square.wgsl');

/** A job that squares values and adds one. */
export function square(values: Job['buffers'][string], count: number): Job {
  return {
    label: 'test.square',
    buffers: {
      params: { kind: 'uniform', data: packStruct(layout, { count, addend: 1 }) },
      values,
      squares: { kind: 'output', byteLength: count * 4 },
    },
    passes: [
      { program, bindings: ['params', 'values', 'squares'], workgroups: [Math.max(1, Math.ceil(count / 64)), 1, 1] },
    ],
  };
}

/** 0, 0.25, 0.5, … */
export function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i / 4);
}

export function expectSquares(result: { outputs: Readonly<Record<string, ArrayBuffer>> }, values: Float32Array): void {
  expect([...new Float32Array(result.outputs.squares)]).toEqual([...values.map((value) => value * value + 1)]);
}
