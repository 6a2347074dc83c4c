import { DataType, type Vector } from 'apache-arrow';

/** The values of a numeric column as doubles; Float64 columns are viewed. Nulls have any value: see `markNulls`. */
export function numbersOf(vector: Vector, rowCount: number): Float64Array {
  const { type } = vector;
  // A column known to hold nothing: its nulls are marked already.
  if (DataType.isNull(type) || (DataType.isUtf8(type) && vector.nullCount === rowCount))
    return new Float64Array(rowCount);
  if (DataType.isFloat(type) && type.precision === 2 && vector.data.length === 1)
    return vector.data[0].values.subarray(0, rowCount) as Float64Array;
  const out = new Float64Array(rowCount);
  let at = 0;
  for (const data of vector.data) {
    if (DataType.isDecimal(type)) {
      decimals(data.values as Uint32Array, type.bitWidth / 32, type.scale, out.subarray(at, at + data.length));
    } else if (DataType.isFloat(type) && type.precision === 0) {
      for (let i = 0; i < data.length; i++) out[at + i] = halfFloat((data.values as Uint16Array)[i]);
    } else if (DataType.isInt(type) && type.bitWidth === 64) {
      const values = data.values as BigInt64Array | BigUint64Array;
      for (let i = 0; i < data.length; i++) out[at + i] = Number(values[i]);
    } else {
      out.set((data.values as Float64Array | Float32Array | Int32Array).subarray(0, data.length), at);
    }
    at += data.length;
  }
  return out;
}

/** Sets `out` to 1 where the column is null. */
export function markNulls(vector: Vector, out: Uint8Array): void {
  if (DataType.isNull(vector.type)) {
    out.fill(1);
    return;
  }
  let at = 0;
  for (const data of vector.data) {
    if (data.nullCount > 0) {
      for (let i = 0; i < data.length; i++) {
        const bit = data.offset + i;
        if ((data.nullBitmap[bit >> 3] & (1 << (bit & 7))) === 0) out[at + i] = 1;
      }
    }
    at += data.length;
  }
}

/** Two's complement little-endian words to doubles. */
function decimals(words: Uint32Array, wordCount: number, scale: number, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let value = 0n;
    for (let w = wordCount - 1; w >= 0; w--) value = (value << 32n) | BigInt(words[i * wordCount + w]);
    value = BigInt.asIntN(wordCount * 32, value);
    // By text, so that 12.345 becomes the double nearest to 12.345.
    const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
    const text = scale > 0 ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : `${digits}e${-scale}`;
    out[i] = value < 0n ? -Number(text) : Number(text);
  }
}

/** IEEE 754 binary16. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
