// Flags of GPUBufferUsage (WebGPU, section 5.1), which are no globals before a provider is loaded.
const COPY = 0x4 | 0x8;
const STORAGE = 0x80;
/** Flags that kernels have no use for: they only keep buffers apart. */
const MARKS = [0x10, 0x20, 0x10 | 0x20, 0x100, 0x100 | 0x10, 0x100 | 0x20, 0x100 | 0x10 | 0x20];

export const UNIFORM_USAGE = 0x40 | COPY;
/** Of what kernels only read. */
export const READ_USAGE = STORAGE | COPY;

/**
 * Of the nth buffer of a job that kernels write. In one dispatch no buffer may be written and read, even at different
 * places: memory that is cut from one slab is either all read, or of one buffer of a job.
 */
export function writeUsage(n: number): number {
  return STORAGE | COPY | MARKS[n % MARKS.length];
}
