import { Random } from '@armilla/base';
import type { CalibrationCase } from './calibration.js';
import type { RouterDevice } from './device.js';
import { bytesToMove, type RouteRequest, type SizeOf } from './size.js';

/** A device of a simulated machine: true costs, which a router is to find out. */
export interface SimulatedDevice extends RouterDevice {
  readonly launchMs: number;
  /** Elementary steps a millisecond, by operation. */
  readonly rates: Readonly<Record<string, number>>;
  /** Bytes a millisecond between the host and this device. */
  readonly bandwidth: number;
  /** Element-wise operations on more bytes than this run at half the rate. */
  readonly cacheBytes: number;
}

export type SimulatedMachineName = 'fast-gpu' | 'slow-stack' | 'weak-gpu';

const CPU: readonly SimulatedDevice[] = [
  {
    id: 'typescript',
    launchMs: 0.001,
    rates: { 'gpu.matmul': 6e6, 'gpu.xor': 2.8e6, 'gpu.add': 1e6 },
    bandwidth: 1e7,
    cacheBytes: 2 ** 20,
  },
  {
    id: 'wasm:1',
    launchMs: 0.004,
    rates: { 'gpu.matmul': 6.3e7, 'gpu.xor': 4e7, 'gpu.add': 5e6 },
    bandwidth: 1e7,
    cacheBytes: 2 ** 20,
  },
  {
    id: 'wasm:2',
    launchMs: 0.06,
    rates: { 'gpu.matmul': 1.2e8, 'gpu.xor': 7e7, 'gpu.add': 9e6 },
    bandwidth: 1e7,
    cacheBytes: 2 ** 21,
  },
];

const gpu = (launchMs: number, share: number, bandwidth: number): SimulatedDevice => ({
  id: 'webgpu:0',
  memory: 'webgpu:0',
  launchMs,
  rates: { 'gpu.matmul': 1e10 * share, 'gpu.xor': 4e8 * share, 'gpu.add': 5e7 * share },
  bandwidth,
  cacheBytes: Infinity,
});

/** Not machines that were measured: three kinds that a router must tell apart. */
const MACHINES: Readonly<Record<SimulatedMachineName, readonly SimulatedDevice[]>> = {
  'fast-gpu': [...CPU, gpu(0.1, 1, 1e7)],
  'slow-stack': [...CPU, gpu(8, 0.5, 5e5)],
  'weak-gpu': [...CPU, gpu(0.25, 0.03, 4e6)],
};

/** Operations of the simulated workload, sized by n. */
export const SIMULATED_SIZES: Readonly<Record<string, { sizeOf: SizeOf; smallest: number; largest: number }>> = {
  'gpu.matmul': {
    sizeOf: (n) => ({ work: 2 * n ** 3, bytesIn: 8 * n * n, bytesOut: 4 * n * n }),
    smallest: 8,
    largest: 1024,
  },
  'gpu.xor': { sizeOf: (n) => ({ work: n, bytesIn: 2 * n, bytesOut: n }), smallest: 64, largest: 2 ** 26 },
  'gpu.add': { sizeOf: (n) => ({ work: n, bytesIn: 8 * n, bytesOut: 4 * n }), smallest: 64, largest: 2 ** 24 },
};

/** Devices whose times are drawn: true cost times log-normal noise. Its clock runs only by its calls. */
export class SimulatedMachine {
  readonly devices: readonly SimulatedDevice[];
  readonly #random: Random;
  readonly #slower = new Map<string, number>();
  nowMs = 0;

  constructor(
    name: SimulatedMachineName,
    seed: number,
    readonly noise = 0.12,
  ) {
    this.devices = MACHINES[name];
    this.#random = new Random(seed);
  }

  /** The device takes `factor` times as long from now on. */
  slowDown(device: string, factor: number): void {
    this.#slower.set(device, factor);
  }

  /** Time without noise, ms. */
  trueMs(device: string, operation: string, work: number, bytesMoved: number): number {
    const one = this.devices.find(({ id }) => id === device) as SimulatedDevice;
    const elementwise = operation !== 'gpu.matmul';
    const rate = one.rates[operation] / (elementwise && 3 * work > one.cacheBytes ? 2 : 1);
    return (one.launchMs + work / rate + bytesMoved / one.bandwidth) * (this.#slower.get(device) ?? 1);
  }

  /** Lets a call take place: its measured time, ms. */
  run(device: string, operation: string, work: number, bytesMoved: number): number {
    const ms = this.trueMs(device, operation, work, bytesMoved) * Math.exp(this.noise * this.#random.normal());
    this.nowMs += ms;
    return ms;
  }

  /** True time of a request on a device. */
  requestMs(device: string, request: RouteRequest): number {
    const { memory = 'host' } = this.devices.find(({ id }) => id === device) as SimulatedDevice;
    return this.trueMs(device, request.operation, request.work, bytesToMove(request, memory));
  }

  calibrationCases(): CalibrationCase[] {
    return Object.entries(SIMULATED_SIZES).map(([operation, sizes]) => ({
      operation,
      dtype: 'f32',
      ...sizes,
      measure: Object.fromEntries(
        this.devices.map(({ id, memory = 'host' }) => [
          id,
          ({ work, bytesIn, bytesOut, resident }) =>
            Promise.resolve(this.run(id, operation, work, resident || memory === 'host' ? 0 : bytesIn + bytesOut)),
        ]),
      ),
    }));
  }

  /** A call of random operation and size, evenly in the logarithm of n; operands lie on the GPU too in `residentShare`. */
  randomRequest(random: Random, residentShare = 0.4): RouteRequest {
    const operations = Object.keys(SIMULATED_SIZES);
    const operation = operations[random.below(operations.length)];
    const { sizeOf, smallest, largest } = SIMULATED_SIZES[operation];
    const n = Math.round(Math.exp(random.between(Math.log(smallest), Math.log(largest))));
    const { work, bytesIn, bytesOut } = sizeOf(n);
    const at = (): string[] => (random.uniform() < residentShare ? ['host', 'webgpu:0'] : ['host']);
    const operands = [
      { bytes: bytesIn / 2, at: at() },
      { bytes: bytesIn / 2, at: at() },
    ];
    return { operation, dtype: 'f32', work, operands, bytesOut };
  }
}
