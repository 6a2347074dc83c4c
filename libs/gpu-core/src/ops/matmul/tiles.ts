import type { Device } from '../../device/device.js';
import { paramsOf, programOf } from '../host/on-device.js';

/** How kernel.wgsl cuts a product; changes the speed alone. */
export interface MatmulTile {
  /** Invocations along an edge of a workgroup, each with 4 x 4 values of the result. */
  readonly threads: number;
  /** Inner length that passes through workgroup memory at once. */
  readonly depth: number;
}

/** Rows and columns of the result that an invocation computes, as EACH in kernel.wgsl. */
const EACH = 4;

export const DEFAULT_TILE: MatmulTile = { threads: 16, depth: 16 };

/** What a calibration tries; the first of equals is kept. */
export const TILES: readonly MatmulTile[] = [
  DEFAULT_TILE,
  { threads: 16, depth: 8 },
  { threads: 16, depth: 32 },
  { threads: 8, depth: 16 },
  { threads: 8, depth: 32 },
];

/** Edge of the matrices that are multiplied to choose: enough workgroups to fill a large card. */
const TUNING_EDGE = 1024;
const TUNING_REPEATS = 3;
/** A tile must be faster than one before it by this share: kernel times of one tile spread about as much. */
const GAIN = 0.03;

/** Values of the `override` declarations of kernel.wgsl. */
export function tileConstants({ threads, depth }: MatmulTile): Readonly<Record<string, number>> {
  return { THREADS: threads, DEPTH: depth };
}

/** Edge of the part of the result that a workgroup computes. */
export function tileEdge({ threads }: MatmulTile): number {
  return threads * EACH;
}

/** One of `TILES`: what a file says of a tile is believed only as far as that. */
export function isTile(value: unknown): value is MatmulTile {
  const { threads, depth } = (value ?? {}) as Partial<MatmulTile>;
  return TILES.some((tile) => tile.threads === threads && tile.depth === depth);
}

/**
 * The fastest tile by the device's own kernel times, least of three each, first calls (which compile) apart. Tiles beyond
 * the limits of the device, or that it refuses, are left out; without any it is the default.
 */
export async function fastestTile(device: Device, signal?: AbortSignal): Promise<MatmulTile> {
  const n = TUNING_EDGE;
  const values = new Float32Array(n * n);
  for (let i = 0; i < values.length; i++) values[i] = (i % 251) / 251;
  using operand = device.keep(values, 'gpu.matmul.tuning');
  const kernelMs = async (tile: MatmulTile): Promise<number> => {
    const program = programOf('matmul', 'multiply', tileConstants(tile));
    const groups = Math.ceil(n / tileEdge(tile));
    const { timing } = await device.run(
      {
        label: 'gpu.matmul.tuning',
        buffers: {
          params: paramsOf(program, { rowCount: n, innerCount: n, columnCount: n }),
          operand: { kind: 'resident', resident: operand },
          out: { kind: 'scratch', byteLength: 4 * n * n },
        },
        passes: [{ program, bindings: ['params', 'operand', 'operand', 'out'], workgroups: [groups, groups, 1] }],
      },
      { signal },
    );
    return timing.kernelMs;
  };
  let best: { tile: MatmulTile; ms: number } | undefined;
  for (const tile of TILES.filter((one) => fits(one, device))) {
    try {
      await kernelMs(tile);
      let ms = Infinity;
      for (let i = 0; i < TUNING_REPEATS; i++) ms = Math.min(ms, await kernelMs(tile));
      if (best === undefined || ms < best.ms * (1 - GAIN)) best = { tile, ms };
    } catch (error) {
      if (signal?.aborted) throw error;
    }
  }
  return best?.tile ?? DEFAULT_TILE;
}

function fits({ threads, depth }: MatmulTile, { info: { limits } }: Device): boolean {
  const storageBytes = 2 * 4 * threads * EACH * depth;
  return threads * threads <= limits.maxInvocationsPerWorkgroup && storageBytes <= limits.maxWorkgroupStorageBytes;
}
