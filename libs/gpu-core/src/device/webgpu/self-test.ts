import { Random } from '@armilla/base';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { DeviceInfo } from '../device.js';
import { type JobMessage, nowMs, type SharedBytes } from './messages.js';
import { packStruct, structLayout } from './wgsl-layout.js';

const CASE_COUNT = 4096;
const FILE = 'device/webgpu/df64.wgsl';

/** A job of 4096 seeded pairs of many magnitudes, and what its result says: "exact" where sums and products come with their exact errors. */
export interface SelfTest {
  readonly job: JobMessage;
  verdict(outputs: Readonly<Record<string, ArrayBuffer>>): DeviceInfo['df64'];
}

export function df64SelfTest(): SelfTest {
  const wgsl = readFileSync(createRequire(import.meta.url).resolve('@armilla/gpu-core/df64.wgsl'), 'utf8');
  const cases = new Float32Array(new SharedArrayBuffer(CASE_COUNT * 8));
  const random = new Random(20260801);
  for (let i = 0; i < cases.length; i++) {
    cases[i] = (random.below(2) === 0 ? -1 : 1) * (1 + random.uniform()) * 2 ** (random.below(21) - 10);
  }
  const params = packStruct(structLayout(wgsl, 'Params', FILE), { count: CASE_COUNT, zero: 0 });
  const shared = new SharedArrayBuffer(params.byteLength);
  new Uint8Array(shared).set(new Uint8Array(params));
  const job: JobMessage = {
    kind: 'job',
    id: 0,
    place: 0,
    label: 'self-test.df64',
    tenant: 'default',
    maxWaitMs: undefined,
    askedMs: nowMs(),
    buffers: {
      params: { kind: 'uniform', bytes: whole(shared) },
      cases: { kind: 'input', bytes: whole(cases.buffer as unknown as SharedArrayBuffer) },
      results: { kind: 'output', byteLength: CASE_COUNT * 16 },
    },
    passes: [
      {
        program: { wgsl, file: FILE, entryPoint: 'main' },
        bindings: ['params', 'cases', 'results'],
        workgroups: [CASE_COUNT / 64, 1, 1],
      },
    ],
  };
  return { job, verdict: ({ results }) => verdictOf(cases, new Float32Array(results)) };
}

function verdictOf(cases: Float32Array, results: Float32Array): DeviceInfo['df64'] {
  for (let i = 0; i < CASE_COUNT; i++) {
    const a = cases[2 * i];
    const b = cases[2 * i + 1];
    const [sum, sumError, product, productError] = results.subarray(4 * i, 4 * i + 4);
    // Sums and products of these cases are exact in f64: 45 and 48 bits.
    const sumExact = sum === Math.fround(a + b) && sum + sumError === a + b;
    const productExact = product === Math.fround(a * b) && product + productError === a * b;
    if (!sumExact || !productExact) return 'inexact';
  }
  return 'exact';
}

function whole(buffer: SharedArrayBuffer): SharedBytes {
  return { buffer, byteOffset: 0, byteLength: buffer.byteLength };
}
