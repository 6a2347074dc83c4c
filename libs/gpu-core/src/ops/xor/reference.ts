export function referenceXor(left: Uint8Array, right: Uint8Array, out: Uint8Array): void {
  for (let i = 0; i < out.length; i++) out[i] = left[i] ^ right[i];
}
