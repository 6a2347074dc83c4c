import { Random } from '@armilla/base';
import { copyBytes } from './copyBytes.js';

test('copies between memory of either kind, however it is aligned', () => {
  const random = new Random(1);
  const memory = [(length: number) => new Uint8Array(length), (length: number) => sharedBytes(length)];
  for (const from of memory) {
    for (const to of memory) {
      for (const [length, at] of [
        [0, 0],
        [1, 3],
        [1000, 5],
        [4096, 8],
      ]) {
        const bytes = from(length + 3).subarray(3);
        bytes.forEach((_, i) => (bytes[i] = random.below(256)));
        const target = to(length + 20).fill(7);
        copyBytes(bytes, target.subarray(1), at);
        const wanted = new Uint8Array(length + 20).fill(7);
        wanted.set(bytes, at + 1);
        expect(Buffer.compare(target, wanted)).toBe(0);
      }
    }
  }
});

function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}
