/** Offsets of bindings must be multiples of this (WebGPU: minStorageBufferOffsetAlignment, at most 256). */
export const ALIGNMENT_BYTES = 256;
/** The classes below 2^33 bytes and that one itself. */
export const CLASS_COUNT = 96;

/**
 * Number of the smallest class that holds `byteLength` bytes. Class sizes are 2^k·{1, 1.25, 1.5, 1.75} from 1 KiB on,
 * so that at most a quarter more than asked for is taken, and the multiples of 256 bytes below.
 */
export function classOf(byteLength: number): number {
  const units = Math.max(1, Math.ceil(byteLength / ALIGNMENT_BYTES));
  if (units < 4) return units - 1;
  const octave = 31 - Math.clz32(units);
  return 4 * octave - 9 + Math.ceil(units / 2 ** (octave - 2));
}

/** Number of the largest class that fits into `byteLength` bytes, a multiple of 256 and at least 256. */
export function binOf(byteLength: number): number {
  const units = byteLength / ALIGNMENT_BYTES;
  if (units < 4) return units - 1;
  const octave = 31 - Math.clz32(units);
  return 4 * octave - 9 + Math.floor(units / 2 ** (octave - 2));
}

/** Size of a class in bytes. */
export function classBytes(index: number): number {
  if (index < 3) return (index + 1) * ALIGNMENT_BYTES;
  const octave = ((index + 1) >> 2) + 1;
  return (((index + 1) & 3) + 4) * 2 ** (octave - 2) * ALIGNMENT_BYTES;
}
