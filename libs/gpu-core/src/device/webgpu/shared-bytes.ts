import type { SharedBytes } from './messages.js';

/** A copy that the thread of a device reads in place. */
export function copyShared(view: ArrayBufferView): SharedBytes {
  const buffer = new SharedArrayBuffer(view.byteLength);
  new Uint8Array(buffer).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return { buffer, byteOffset: 0, byteLength: view.byteLength };
}
