import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ServerReflectionRequest, type ServerReflectionResponse, ServerReflectionService } from '@armilla/proto';
import { connect } from '../client/connect.js';
import { NAME, startLoopback } from '../testing/loopback.js';
import { DescriptorImage } from './descriptor-image.js';

const image = new DescriptorImage(
  readFileSync(createRequire(import.meta.url).resolve('@armilla/proto/descriptor.binpb')),
);

test.each([
  NAME,
  `${NAME}.Match`,
  'armilla.type.v1.ArrowFrame',
  'armilla.type.v1.ArrowFrame.data_body',
  'grpc.health.v1.HealthCheckResponse.ServingStatus',
])('the image knows which file defines %s', (symbol) => {
  expect(image.fileOf(symbol)?.name).toMatch(/\.proto$/);
  expect(image.fileOf(`${symbol}x`)).toBeUndefined();
});

describe('server reflection', () => {
  let loopback: Awaited<ReturnType<typeof startLoopback>>;
  beforeAll(async () => (loopback = await startLoopback({}, { reflection: true })));
  afterAll(() => loopback.stop());

  async function ask(
    ...requests: NonNullable<ServerReflectionRequest['messageRequest']>[]
  ): Promise<ServerReflectionResponse[]> {
    const client = connect(ServerReflectionService, loopback.server.address);
    const call = client.serverReflectionInfo();
    for (const messageRequest of requests) call.write({ host: 'h', messageRequest });
    call.end();
    const answers: ServerReflectionResponse[] = [];
    for await (const one of call) answers.push(one as ServerReflectionResponse);
    client.close();
    return answers;
  }

  test('lists what is served', async () => {
    const [{ messageResponse }] = await ask({ $case: 'listServices', value: '*' });
    if (messageResponse?.$case !== 'listServicesResponse') throw new TypeError('another answer');
    expect(messageResponse.value.service.map(({ name }) => name).sort()).toEqual(
      [NAME, 'grpc.health.v1.Health'].sort(),
    );
  });

  test('hands out a file with all that it imports, so that a client can link it', async () => {
    const [{ messageResponse, originalRequest }] = await ask({ $case: 'fileContainingSymbol', value: NAME });
    if (messageResponse?.$case !== 'fileDescriptorResponse') throw new TypeError('another answer');
    expect(originalRequest?.messageRequest?.value).toBe(NAME);
    const [first, ...others] = messageResponse.value.fileDescriptorProto;
    const set = (bytes: Uint8Array): DescriptorImage =>
      new DescriptorImage(
        Buffer.concat([
          Buffer.from([
            10,
            (bytes.length & 127) | 128,
            ((bytes.length >> 7) & 127) | (bytes.length >> 14 ? 128 : 0),
            ...(bytes.length >> 14 ? [bytes.length >> 14] : []),
          ]),
          bytes,
        ]),
      );
    const file = set(first).fileOf(NAME);
    expect(file?.imports).toEqual(
      expect.arrayContaining(['armilla/type/v1/frame.proto', 'armilla/type/v1/stream.proto']),
    );
    expect(others.some((bytes) => set(bytes).fileOf('armilla.type.v1.ArrowFrame'))).toBe(true);
  });

  test('answers by file name, and says what it does not know', async () => {
    const answers = await ask(
      { $case: 'fileByFilename', value: 'armilla/type/v1/frame.proto' },
      { $case: 'fileByFilename', value: 'none.proto' },
      { $case: 'fileContainingSymbol', value: 'no.such.Thing' },
      { $case: 'allExtensionNumbersOfType', value: 'armilla.type.v1.ArrowFrame' },
      { $case: 'fileContainingExtension', value: { containingType: 'armilla.type.v1.ArrowFrame', extensionNumber: 1 } },
    );
    expect(answers.map(({ messageResponse }) => messageResponse?.$case)).toEqual([
      'fileDescriptorResponse',
      'errorResponse',
      'errorResponse',
      'allExtensionNumbersResponse',
      'errorResponse',
    ]);
  });
});
