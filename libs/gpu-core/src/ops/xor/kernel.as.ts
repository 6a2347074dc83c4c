// Exclusive or of bytes. Parameters, words of 4 bytes: addresses of left, right and result, bytes, bytes of an item. The
// arrays start at multiples of 64 bytes and own their bytes up to the next one.
export function xor(params: usize, item: u32, _control: usize, _slot: u32): void {
  const left = <usize>load<u32>(params);
  const right = <usize>load<u32>(params, 4);
  const out = <usize>load<u32>(params, 8);
  const itemBytes = <usize>load<u32>(params, 16);
  const from = <usize>item * itemBytes;
  const end = min(from + itemBytes, <usize>load<u32>(params, 12));
  for (let at = from; at < end; at += 64) {
    v128.store(out + at, v128.xor(v128.load(left + at), v128.load(right + at)));
    v128.store(out + at, v128.xor(v128.load(left + at, 16), v128.load(right + at, 16)), 16);
    v128.store(out + at, v128.xor(v128.load(left + at, 32), v128.load(right + at, 32)), 32);
    v128.store(out + at, v128.xor(v128.load(left + at, 48), v128.load(right + at, 48)), 48);
  }
}
