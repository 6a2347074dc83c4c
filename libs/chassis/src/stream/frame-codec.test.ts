import { Problem, Random } from '@armilla/base';
import { ArrowFrame } from '@armilla/proto';
import { type Frame, makeFrame } from './frame.js';
import { deserializeFrame, headerPadding, receiveFrame, serializeFrame } from './frame-codec.js';
import { sealFrame } from './seal.js';
import { Undecodable } from './undecodable.js';

function randomBytes(random: Random, limit: number): Uint8Array {
  return Uint8Array.from({ length: random.below(limit) }, () => random.below(256));
}

function randomFrame(random: Random): Frame {
  const frame = makeFrame({
    header: randomBytes(random, 300),
    metadata: random.below(2) ? randomBytes(random, 200) : undefined,
    table: random.below(10),
    endOfTable: random.below(2) === 1,
    more: random.below(2) === 1,
    body: Array.from({ length: random.below(4) }, () => randomBytes(random, 400)),
  });
  return random.below(2) ? sealFrame(frame) : frame;
}

const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  Buffer.compare(a ?? Buffer.alloc(0), b ?? Buffer.alloc(0)) === 0;

test('the hand codec and the generated one agree on every field', () => {
  const random = new Random(1);
  for (let n = 0; n < 500; n++) {
    const frame = randomFrame(random);
    const wire = serializeFrame(frame);
    const generated = ArrowFrame.decode(wire);
    expect(equal(generated.appMetadata, frame.metadata)).toBe(true);
    expect(equal(generated.dataBody, Buffer.concat(frame.body))).toBe(true);
    expect(equal(generated.dataHeader.subarray(0, frame.header.length), frame.header)).toBe(true);
    expect(generated.dataHeader.subarray(frame.header.length).every((byte) => byte === 0)).toBe(true);
    expect(generated).toMatchObject({
      table: frame.table,
      endOfTable: frame.endOfTable,
      more: frame.more,
      crc32c: frame.crc32c,
    });
    expect(equal(ArrowFrame.encode(generated).finish(), wire)).toBe(true);

    const back = deserializeFrame(wire);
    expect(equal(back.header, generated.dataHeader)).toBe(true);
    expect(equal(back.metadata, generated.appMetadata)).toBe(true);
    expect(equal(Buffer.concat(back.body), generated.dataBody)).toBe(true);
    expect(back).toMatchObject({
      table: frame.table,
      endOfTable: frame.endOfTable,
      more: frame.more,
      crc32c: frame.crc32c,
      bodyLength: frame.bodyLength,
    });
  }
});

test('a body arrives 8-byte aligned behind the gRPC prefix, whatever the other fields are', () => {
  for (let header = 1; header < 300; header += 3) {
    for (const bodyLength of [1, 127, 128, 20_000]) {
      for (const table of [0, 1]) {
        const plain = makeFrame({
          header: Buffer.alloc(header, 1),
          table,
          more: header % 2 === 0,
          body: [Buffer.alloc(bodyLength)],
        });
        for (const frame of [plain, sealFrame(plain)]) {
          const wire = serializeFrame(frame);
          const message = Buffer.from(new Uint8Array(5 + wire.length).buffer, 5);
          wire.copy(message);
          expect(deserializeFrame(message).body[0].byteOffset % 8).toBe(0);
        }
      }
    }
  }
});

test('a received frame is forwarded byte for byte', () => {
  const random = new Random(2);
  for (let n = 0; n < 200; n++) {
    const wire = serializeFrame(randomFrame(random));
    const received = deserializeFrame(wire);
    expect(headerPadding(received)).toBe(0);
    expect(equal(serializeFrame(received), wire)).toBe(true);
  }
});

test('a changed byte under a checksum is found', () => {
  const random = new Random(3);
  const frame = sealFrame(
    makeFrame({ header: Buffer.from('a header'), metadata: Buffer.from('m'), body: [Buffer.alloc(500, 9)] }),
  );
  const wire = serializeFrame(frame);
  const start = wire.indexOf(Buffer.alloc(500, 9));
  for (let n = 0; n < 200; n++) {
    const damaged = Buffer.from(wire);
    damaged[start + random.below(500)] ^= 1 << random.below(8);
    expect(reasonOf(() => deserializeFrame(damaged))).toBe('CHECKSUM_MISMATCH');
  }
});

test('damaged frames are refused with a typed error, and never read as something else', () => {
  const random = new Random(4);
  let refused = 0;
  for (let n = 0; n < 3000; n++) {
    const wire = Buffer.from(serializeFrame(randomFrame(random)));
    const mutant = mutate(wire, random);
    try {
      const frame = deserializeFrame(mutant);
      expect(frame.bodyLength).toBe(frame.body.reduce((sum, part) => sum + part.byteLength, 0));
      expect(frame.bodyLength + frame.header.length + (frame.metadata?.length ?? 0)).toBeLessThanOrEqual(mutant.length);
      const generated = ArrowFrame.decode(mutant);
      expect(equal(generated.dataHeader, frame.header)).toBe(true);
      expect(equal(generated.dataBody, Buffer.concat(frame.body))).toBe(true);
      expect(generated).toMatchObject({ table: frame.table, more: frame.more, endOfTable: frame.endOfTable });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(600);
});

test('lying lengths, endless numbers and groups are refused', () => {
  const cases = [
    [0x12, 0x7f, 1],
    [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    Array.from({ length: 12 }, () => 0xff),
    [0x2d, 1, 2],
    [0x13, 0x14],
    [0x00],
    [0x20],
    [0x20, 10],
    [0x41, 1, 2, 3],
  ];
  for (const bytes of cases)
    expect(reasonOf(() => deserializeFrame(Buffer.from(bytes)))).toMatch(/REQUEST_INVALID|STREAM_ORDER/);
  const received = receiveFrame(Buffer.from([0x12, 0x7f]));
  expect(received).toBeInstanceOf(Undecodable);
});

test.each([-1, -(2 ** 31), 10, 2 ** 31 - 1])('table number %d is refused', (table) => {
  const wire = Buffer.from(ArrowFrame.encode({ ...ArrowFrame.decode(new Uint8Array(0)), table }).finish());
  expect(reasonOf(() => deserializeFrame(wire))).toBe('STREAM_ORDER');
});

test('unknown fields are skipped', () => {
  const wire = serializeFrame(makeFrame({ header: Buffer.from('h'), table: 1 }));
  const unknown = Buffer.from([0x78, 0x96, 0x01, 0x7a, 2, 1, 2, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8]);
  const frame = deserializeFrame(Buffer.concat([unknown, wire, unknown]));
  expect(frame.table).toBe(1);
  expect(Buffer.from(frame.header).toString()).toBe('h');
});

test('a frame that lies about its own body is not encoded', () => {
  expect(() => serializeFrame(makeFrame({ body: [Buffer.alloc(4)], bodyLength: 9 }))).toThrow(RangeError);
});

function mutate(wire: Buffer, random: Random): Buffer {
  switch (random.below(3)) {
    case 0:
      return wire.subarray(0, random.below(wire.length + 1));
    case 1: {
      const copy = Buffer.from(wire);
      for (let k = random.below(4); k >= 0 && copy.length > 0; k--) copy[random.below(copy.length)] = random.below(256);
      return copy;
    }
    default: {
      const at = random.below(wire.length + 1);
      return Buffer.concat([wire.subarray(0, at), randomBytes(random, 12), wire.subarray(at)]);
    }
  }
}

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Problem ? error.reason : String(error);
  }
  return 'none';
}
