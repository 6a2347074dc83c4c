import { fail } from '@armilla/base';
import type { Spend } from './take.js';

type Values = Exclude<ArrayBufferView & ArrayLike<number | bigint>, DataView>;

interface ValuesConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): Values;
}

/**
 * values[rows[i]] for fixed-width values of `stride` elements; 0 for a row of -1.
 * @returns an array of the same kind in ordinary memory
 */
export function takeFixed(values: Values, stride: number, rows: Int32Array, missing: boolean, spend: Spend): Values {
  const kind = values.constructor as unknown as ValuesConstructor;
  const byteWidth = kind.BYTES_PER_ELEMENT * stride;
  const bytes = byteWidth * rows.length;
  if (bytes > 2 ** 32)
    throw fail('ARROW_LIMIT', {
      where: 'take',
      detail: `${bytes} bytes in one column of a batch, over 4 GiB; use smaller batches`,
    });
  spend(bytes);
  const out = new ArrayBuffer(bytes);
  const from = <T extends Values>(
    view: new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T,
    width: number,
  ): T => new view(values.buffer, values.byteOffset, Math.floor(values.byteLength / width));
  if (values instanceof Float64Array && stride === 1) {
    if (missing) take8OrZero(values, rows, new Float64Array(out));
    else take8(values, rows, new Float64Array(out));
  } else if (byteWidth === 4) {
    take4(from(Int32Array, 4), rows, new Int32Array(out));
  } else if (byteWidth === 2) {
    take2(from(Int16Array, 2), rows, new Int16Array(out));
  } else if (byteWidth === 1) {
    take1(from(Uint8Array, 1), rows, new Uint8Array(out));
  } else if (byteWidth === 8) {
    // Two words, since an integer read as a double may come back changed.
    takePairs(from(Int32Array, 4), rows, new Int32Array(out));
  } else if (byteWidth % 4 === 0 && values.byteOffset % 4 === 0) {
    takeRuns(from(Int32Array, 4), byteWidth / 4, rows, new Int32Array(out));
  } else {
    takeRuns(from(Uint8Array, 1), byteWidth, rows, new Uint8Array(out));
  }
  return new kind(out, 0, bytes / kind.BYTES_PER_ELEMENT);
}

function take8(from: Float64Array, rows: Int32Array, out: Float64Array): void {
  for (let i = 0; i < rows.length; i++) out[i] = from[rows[i]];
}

function take8OrZero(from: Float64Array, rows: Int32Array, out: Float64Array): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row >= 0) out[i] = from[row];
  }
}

function take4(from: Int32Array, rows: Int32Array, out: Int32Array): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row >= 0) out[i] = from[row];
  }
}

function take2(from: Int16Array, rows: Int32Array, out: Int16Array): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row >= 0) out[i] = from[row];
  }
}

function take1(from: Uint8Array, rows: Int32Array, out: Uint8Array): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row >= 0) out[i] = from[row];
  }
}

function takePairs(from: Int32Array, rows: Int32Array, out: Int32Array): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row < 0) continue;
    out[2 * i] = from[2 * row];
    out[2 * i + 1] = from[2 * row + 1];
  }
}

function takeRuns(from: Int32Array | Uint8Array, width: number, rows: Int32Array, out: Int32Array | Uint8Array): void {
  for (let i = 0, to = 0; i < rows.length; i++, to += width) {
    const start = rows[i] * width;
    if (start < 0) continue;
    for (let j = 0; j < width; j++) out[to + j] = from[start + j];
  }
}
