/** Copies `count` bits from bit `fromBit` of `from` to bit `toBit` of `to`, whose bits behind that are 0. */
export function copyBits(from: Uint8Array, fromBit: number, to: Uint8Array, toBit: number, count: number): void {
  if ((fromBit & 7) === 0 && (toBit & 7) === 0) {
    const whole = count >> 3;
    to.set(from.subarray(fromBit >> 3, (fromBit >> 3) + whole), toBit >> 3);
    const rest = count & 7;
    if (rest > 0) to[(toBit >> 3) + whole] |= from[(fromBit >> 3) + whole] & ((1 << rest) - 1);
    return;
  }
  for (let i = 0; i < count; i++) {
    const f = fromBit + i;
    const t = toBit + i;
    to[t >> 3] |= ((from[f >> 3] >> (f & 7)) & 1) << (t & 7);
  }
}

/** Sets `count` bits from bit `first` on. */
export function setBits(to: Uint8Array, first: number, count: number): void {
  let bit = first;
  const end = first + count;
  for (; bit < end && (bit & 7) !== 0; bit++) to[bit >> 3] |= 1 << (bit & 7);
  const whole = (end - bit) >> 3;
  if (whole > 0) {
    to.fill(0xff, bit >> 3, (bit >> 3) + whole);
    bit += whole * 8;
  }
  for (; bit < end; bit++) to[bit >> 3] |= 1 << (bit & 7);
}
