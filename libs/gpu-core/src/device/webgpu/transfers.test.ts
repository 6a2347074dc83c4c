import { segmentBytesWithin } from './transfers.js';

const MIB = 2 ** 20;

test('the buffers of transfers take an eighth of the budget at most, and no more than is wanted', () => {
  for (let bytes = 4096; bytes < 2 ** 36; bytes = Math.floor(bytes * 1.3)) {
    const segmentBytes = segmentBytesWithin(bytes, 16 * MIB);
    expect(segmentBytes % 256).toBe(0);
    expect(segmentBytes).toBeLessThanOrEqual(16 * MIB);
    if (bytes >= 2 ** 14) expect(6 * segmentBytes).toBeLessThanOrEqual(bytes / 8);
    else expect(segmentBytes).toBe(256);
  }
  expect([segmentBytesWithin(MIB, MIB), segmentBytesWithin(2 ** 32, 16 * MIB)]).toEqual([16_384, 16 * MIB]);
  expect(segmentBytesWithin(undefined, MIB)).toBe(MIB);
});
