import { Problem, Random } from '@armilla/base';
import { FlightData, FlightDescriptor, FlightDescriptorType } from '@armilla/proto';
import { receiveFlightMessage, sendFlightMessage } from './flight-codec.js';
import { type FlightMessage, makeFlightMessage } from './flight-message.js';
import { Undecodable } from './undecodable.js';

const randomBytes = (random: Random, limit: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: random.below(limit) }, () => random.below(256)));

function randomMessage(random: Random): FlightMessage {
  const descriptor = FlightDescriptor.fromPartial(
    random.below(2)
      ? { type: FlightDescriptorType.CMD, cmd: randomBytes(random, 40) }
      : { type: FlightDescriptorType.PATH, path: ['a', 'table'] },
  );
  return makeFlightMessage({
    descriptor: random.below(3) ? undefined : descriptor,
    header: randomBytes(random, 300),
    metadata: random.below(2) ? randomBytes(random, 200) : undefined,
    body: Array.from({ length: random.below(4) }, () => randomBytes(random, 400)),
  });
}

/** As grpc-js does it: behind a prefix of 5 bytes. */
function encode(message: FlightMessage): Buffer {
  const encoding = sendFlightMessage(message);
  const out = Buffer.alloc(5 + encoding.length);
  expect(encoding.copy(out, 5)).toBe(encoding.length);
  return out.subarray(5);
}

const bytesOf = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('hex');

test('the hand codec and the generated one agree on every field', () => {
  const random = new Random(3);
  for (let n = 0; n < 500; n++) {
    const message = randomMessage(random);
    const wire = encode(message);
    const generated = FlightData.decode(wire);
    const header = generated.dataHeader.subarray(0, message.header.length);
    expect(bytesOf(header)).toBe(bytesOf(message.header));
    expect(generated.dataHeader.subarray(message.header.length).every((byte) => byte === 0)).toBe(true);
    expect(bytesOf(generated.appMetadata)).toBe(bytesOf(message.metadata));
    expect(bytesOf(generated.dataBody)).toBe(bytesOf(Buffer.concat(message.body)));
    const again = receiveFlightMessage(Buffer.from(FlightData.encode(generated).finish())) as FlightMessage;
    expect(again.descriptor && FlightDescriptor.toJSON(again.descriptor)).toEqual(
      message.descriptor && FlightDescriptor.toJSON(message.descriptor),
    );
    expect(bytesOf(again.header)).toBe(bytesOf(generated.dataHeader));
    expect(bytesOf(again.metadata)).toBe(bytesOf(message.metadata));
    expect(again.bodyLength).toBe(message.bodyLength);
    if (message.bodyLength > 0 && message.header.length > 0) {
      const body = (receiveFlightMessage(wire) as FlightMessage).body[0];
      expect((body.byteOffset - wire.byteOffset + 5) % 8).toBe(0);
    }
  }
});

test('damaged bytes become a typed problem, never another error', () => {
  const random = new Random(4);
  for (let n = 0; n < 2000; n++) {
    const wire = Buffer.from(encode(randomMessage(random)));
    for (let hits = 0; hits < 3 && wire.length > 0; hits++) wire[random.below(wire.length)] = random.below(256);
    const read = receiveFlightMessage(wire.subarray(0, random.below(wire.length + 1)));
    if (!(read instanceof Undecodable)) continue;
    expect(read.problem).toBeInstanceOf(Problem);
    expect(read.problem.reason).toBe('REQUEST_INVALID');
  }
});

test('a body whose parts are not as long as declared is a fault of the sender', () => {
  expect(() => sendFlightMessage(makeFlightMessage({ body: [Buffer.alloc(3)], bodyLength: 4 }))).toThrow(RangeError);
});
