/** Zeroed bytes of their own buffer, in shared memory where threads are to read them. */
export function allocate(byteLength: number, shared: boolean): Uint8Array {
  return shared ? new Uint8Array(new SharedArrayBuffer(byteLength)) : new Uint8Array(byteLength);
}
