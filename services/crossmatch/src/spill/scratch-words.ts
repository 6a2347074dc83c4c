/** Memory above this size is not kept between calls. */
const KEEP_BYTES = 64 << 20;

const buffers = new Map<string, ArrayBuffer>();

/** Bytes for `label` that its next request uses again, not cleared: fresh pages cost more than what is done with them. */
export function scratchBuffer(label: string, byteLength: number): ArrayBuffer {
  const kept = buffers.get(label);
  if (kept !== undefined && kept.byteLength >= byteLength) return kept;
  const made = new ArrayBuffer(8 * Math.ceil((byteLength * 1.1) / 8));
  if (made.byteLength <= KEEP_BYTES) buffers.set(label, made);
  else buffers.delete(label);
  return made;
}

export function scratchInts(label: string, length: number): Int32Array<ArrayBuffer> {
  return new Int32Array(scratchBuffer(label, 4 * length), 0, length);
}
