/**
 * Copies `bytes` to `target` from `at` on. Between shared memory `set` moves single bytes where the two are not aligned
 * alike; this is one move of memory in any case.
 */
export function copyBytes(bytes: Uint8Array, target: Uint8Array, at: number): void {
  if (bytes.length === 0) return;
  Buffer.from(target.buffer, target.byteOffset + at, bytes.length).fill(bytes);
}
