import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type GetProfileResponse,
  type GetStatusResponse,
  ListDecisionsRequest,
  type ListDecisionsResponse,
  ProfileFormat,
  type RoutedDecision,
  type RuntimeExplainRequest,
  type RuntimeExplainResponse,
  RuntimeServiceService,
} from '@armilla/proto';
import { hashToken } from '../auth/token-file.js';
import {
  callMetadata,
  callOnce,
  type CallSettings,
  type ConfigSources,
  connect,
  type ConnectedClient,
  createLogger,
  loadConfig,
  readFrames,
  type RunningServer,
  runtimeService,
  serve,
} from '../index.js';
import { fakeRuntimeSource } from '../testing/fake-runtime-source.js';
import { collect, problemOf } from '../testing/loopback.js';

const folder = mkdtempSync(join(tmpdir(), 'armilla-runtime-'));
let server: RunningServer;
let client: ConnectedClient<typeof RuntimeServiceService>;

async function start(profileByteCount: number, flags: ConfigSources['flags'] = {}): Promise<void> {
  const config = loadConfig({ flags: { grpcAddress: '127.0.0.1:0', logLevel: 'silent', ...flags } });
  const services = [runtimeService(fakeRuntimeSource(profileByteCount))];
  server = await serve({ services, config, log: createLogger(config) });
  client = connect(RuntimeServiceService, server.address);
}

async function stop(): Promise<void> {
  client.close();
  await server.stop(0);
}

afterAll(() => rmSync(folder, { recursive: true }));

const list = (request: Partial<ListDecisionsRequest> = {}): Promise<ListDecisionsResponse> =>
  callOnce((...rest) => client.listDecisions(ListDecisionsRequest.fromPartial(request), ...rest));
const explain = (request: Partial<RuntimeExplainRequest>): Promise<RuntimeExplainResponse> =>
  callOnce((...rest) => client.explain({ operation: '', dtype: '', size: undefined, ...request }, ...rest));
const status = (settings: CallSettings = {}): Promise<GetStatusResponse> =>
  callOnce((...rest) => client.getStatus({}, ...rest), settings);
const profile = (format: ProfileFormat, settings: CallSettings = {}): Promise<GetProfileResponse[]> =>
  collect(readFrames(client.getProfile({ format }, callMetadata(settings)), new AbortController().signal));

describe('a service of plain data', () => {
  beforeAll(() => start(2.5 * 2 ** 20));
  afterAll(stop);

  test('the status says what is there, what is not, and leaves out what is not known', async () => {
    const { startTime, devices, workers, memory, router, profiler } = await status();
    expect(startTime).toBe('2026-01-02T03:04:05.006Z');
    expect(devices).toMatchObject([
      { id: 'wasm:2', kind: 'wasm', share: 1, limits: undefined },
      { id: 'webgpu:0', limits: { maxBufferBytes: 2n ** 31n }, features: ['shader-f16'], lossCount: 1n },
      { id: '', provider: 'kmamal', absentReason: 'not installed', share: 0 },
    ]);
    expect(workers).toEqual({ workerCount: 2, queuedTaskCount: 5n, finishedItemCount: 2n ** 40n });
    expect(memory).toMatchObject([
      { device: 'host', budgetBytes: 2n ** 35n, pressureLevel: 'low', leaks: [] },
      {
        device: 'webgpu:0',
        budgetBytes: undefined,
        budgetSource: 'unknown',
        pressureLevel: '',
        leaks: [
          {
            label: 'sky.join.places',
            kind: 'slope',
            liveBytes: 2n ** 34n,
            liveCount: 7n,
            overSeconds: 22.5,
            site: 'Error: at test.ts:1',
          },
        ],
      },
    ]);
    expect(router).toMatchObject({
      operations: [
        {
          models: [{ sampleCount: 0n, workPerSecond: 1e9, bytesPerSecond: undefined }],
          crossoverHost: [{ device: 'wasm:2', from: 1, to: 1024 }],
        },
      ],
      regret: [{ operation: 'gpu.matmul', callCount: 9n }],
      shadow: [{ operation: 'gpu.xor', runCount: 5n, differenceCount: 1n, otherFasterCount: 2n }],
      explorationMs: 1,
      totalMs: 300,
    });
    expect(profiler).toMatchObject({ spanCount: 4n, overwrittenCount: 5n, droppedCount: 6n, advice: ['rest'] });
    expect(profiler?.operations).toMatchObject([
      { totalMs: 6, p50Ms: 2, p95Ms: undefined, standardDeviationMs: 0, gbPerSecond: 1.5, gflopPerSecond: undefined },
    ]);
  });

  test.each([
    [ProfileFormat.UNSPECIFIED, 'json'],
    [ProfileFormat.JSON, 'json'],
    [ProfileFormat.CHROME_TRACE, 'chrome-trace'],
    [ProfileFormat.PPROF, 'pprof'],
    [ProfileFormat.SPEEDSCOPE, 'speedscope'],
    [ProfileFormat.HTML, 'html'],
  ])('a profile of format %s comes in pieces, the first of which names %s', async (format, name) => {
    const pieces = await profile(format);
    expect(pieces.map(({ mediaType }) => mediaType)).toEqual([`test/${name}`, '', '']);
    const bytes = Buffer.concat(pieces.map(({ content }) => content));
    expect(bytes).toHaveLength(2.5 * 2 ** 20);
    expect(bytes.every((byte, i) => byte === i % 251)).toBe(true);
  });

  test('decisions are listed page by page, newest first, each once', async () => {
    const seen: RoutedDecision[] = [];
    let pageToken = '';
    do {
      const page: ListDecisionsResponse = await list({ pageSize: 40, pageToken });
      seen.push(...page.decisions);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen.map(({ id }) => Number(id))).toEqual(Array.from({ length: 150 }, (_, i) => 150 - i));
    expect(seen[0]).toMatchObject({
      createTime: '2026-01-02T03:04:05.156Z',
      actualMs: undefined,
      crossoverWork: 1e6,
      chosen: 'webgpu:0',
      refused: [{ device: 'typescript', reason: 'memory', detail: '' }],
    });
    expect(seen[0].predictions[1]).toMatchObject({ totalMs: 10, queueMs: 4, sampleCount: 7n, movedBytes: 4096 });
    expect(seen[1]).toMatchObject({ actualMs: 149, crossoverWork: undefined });
    const xor = await list({ operation: 'gpu.xor' });
    expect(xor).toMatchObject({ nextPageToken: '' });
    expect(xor.decisions).toHaveLength(75);
    expect((await list()).decisions).toHaveLength(100);
  });

  test('an explanation is of the type that is asked for, or of the first', async () => {
    const byNumber = await explain({ operation: 'gpu.matmul', size: { $case: 'n', value: 1024n } });
    expect(byNumber).toMatchObject({ decision: { dtype: 'f32', work: 1024, createTime: '', id: 0n }, text: '1024' });
    const call = { work: 5, inputBytes: 6, outputBytes: 7 };
    const byHand = await explain({ operation: 'gpu.xor', size: { $case: 'call', value: call } });
    expect(byHand.decision).toMatchObject({ dtype: 'u8', work: 5 });
    expect(JSON.parse(byHand.text)).toEqual({ work: 5, bytesIn: 6, bytesOut: 7 });
  });

  test('what nobody knows, and what is out of range, is a typed error', async () => {
    const n = { $case: 'n', value: 8n } as const;
    const call = (work: number) => ({ $case: 'call', value: { work, inputBytes: 0, outputBytes: 0 } }) as const;
    expect(await problemOf(explain({ operation: 'gpu.none', size: n }))).toMatchObject({
      reason: 'OPERATION_UNKNOWN',
      message: expect.stringContaining('gpu.matmul, gpu.xor'),
    });
    expect(await problemOf(list({ operation: 'gpu.none' }))).toMatchObject({ reason: 'OPERATION_UNKNOWN' });
    for (const [field, promise] of [
      ['dtype', explain({ operation: 'gpu.xor', dtype: 'f64', size: n })],
      ['size', explain({ operation: 'gpu.xor' })],
      ['n', explain({ operation: 'gpu.xor', size: { $case: 'n', value: 0n } })],
      ['n', explain({ operation: 'gpu.xor', size: { $case: 'n', value: 2n ** 31n } })],
      ['work', explain({ operation: 'gpu.xor', size: call(NaN) })],
      ['work', explain({ operation: 'gpu.xor', size: call(-1) })],
      ['work', explain({ operation: 'gpu.xor', size: call(1e300) })],
      ['page_size', list({ pageSize: 1001 })],
      ['page_size', list({ pageSize: -1 })],
      ['page_token', list({ pageToken: 'x' })],
      ['format', profile(99 as ProfileFormat)],
    ] as const)
      expect(await problemOf(promise)).toMatchObject({ reason: 'OPTION_INVALID', fields: { field } });
  });
});

test('an empty profile has a media type still', async () => {
  await start(0);
  try {
    expect(await profile(ProfileFormat.JSON)).toMatchObject([{ mediaType: 'test/json', content: new Uint8Array(0) }]);
  } finally {
    await stop();
  }
});

test('where tokens are asked for, each method asks for one', async () => {
  const authTokens = join(folder, 'tokens');
  writeFileSync(authTokens, `${hashToken('sesame').toString('hex')} ada\n`);
  await start(10, { authTokens });
  try {
    for (const call of [
      () => status(),
      () => list(),
      () => explain({ operation: 'gpu.xor', size: { $case: 'n', value: 8n } }),
      () => profile(ProfileFormat.JSON),
    ])
      expect(await problemOf(call())).toMatchObject({ reason: 'UNAUTHENTICATED' });
    expect((await status({ token: 'sesame' })).devices).toHaveLength(3);
    expect(await profile(ProfileFormat.JSON, { token: 'sesame' })).toHaveLength(1);
  } finally {
    await stop();
  }
});
