import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '@armilla/base';
import { loadConfig } from './config.js';
import { CONFIG_KEYS, type ConfigKey } from './keys.js';

function withFile<T>(content: string, run: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'armilla-config-'));
  const path = join(folder, 'armilla.json');
  writeFileSync(path, content);
  try {
    return run(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function refusal(sources: Parameters<typeof loadConfig>[0]): string {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof Problem && error.reason === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('the defaults are loopback, with limits on', () => {
  const config = loadConfig();
  expect(config.grpcAddress).toMatch(/^127\.0\.0\.1:/);
  expect(config.httpAddress).toMatch(/^127\.0\.0\.1:/);
  expect(config.maxMessageBytes).toBe(4 * 2 ** 20);
  expect(config.logLevel).toBe('info');
});

test('flags win over the environment, that over the file, that over the defaults', () => {
  withFile('{"drain_seconds": 1, "max_connections": 10, "frame_crc": true}', (file) => {
    const config = loadConfig({
      file,
      env: { ARMILLA_DRAIN_SECONDS: '2', ARMILLA_MAX_CONNECTIONS: '20', PATH: '/bin' },
      flags: { 'drain-seconds': '3' },
    });
    expect([config.drainSeconds, config.maxConnections, config.frameCrc]).toEqual([3, 20, true]);
    expect(loadConfig({ env: { ARMILLA_CONFIG: file } }).maxConnections).toBe(10);
  });
});

test('bytes and seconds take units', () => {
  const config = loadConfig({
    flags: {
      memory_limit_bytes: '2GiB',
      drain_seconds: '500ms',
      default_deadline_seconds: '2min',
      max_connections: '7',
    },
  });
  expect([config.memoryLimitBytes, config.drainSeconds, config.defaultDeadlineSeconds, config.maxConnections]).toEqual([
    2 ** 31,
    0.5,
    120,
    7,
  ]);
});

test('a share is part of a whole', () => {
  expect(loadConfig({ env: { ARMILLA_GPU_SHARE: '0.25' } }).gpuShare).toBe(0.25);
  for (const gpu_share of ['0', '1.5', 'half', -0.1, Infinity])
    expect(refusal({ flags: { gpu_share } })).toContain('--gpu-share: must be a number in [0.01, 1]');
});

test('all bad values and unknown keys are listed at once, each with its place', () => {
  const message = withFile('{"drain_second": 3, "log_level": "loud", "reflection": "maybe"}', (file) =>
    refusal({
      file,
      env: { ARMILLA_MAX_CONNECTIONS: '-1', ARMILLA_WORKER_COUNT: '2.5', ARMILLA_MEMORY_LIMIT_BYTES: 'lots' },
      flags: { grpc_address: 7, keepaliveSeconds: 'NaN' },
    }),
  );
  for (const part of [
    'drain_second: no such key, did you mean drain_seconds?',
    'log_level: must be debug',
    'reflection: must be true or false',
    'ARMILLA_MAX_CONNECTIONS: must be',
    'ARMILLA_WORKER_COUNT: must be',
    'ARMILLA_MEMORY_LIMIT_BYTES',
    '--grpc-address',
    '--keepalive-seconds',
  ]) {
    expect(message).toContain(part);
  }
});

test('values that do not go together are refused', () => {
  expect(refusal({ flags: { tls_cert: 'a.pem' } })).toContain('give both or neither');
  expect(refusal({ flags: { max_deadline_seconds: 10 } })).toContain('default_deadline_seconds');
});

test('a file that is missing or no object is refused', () => {
  expect(refusal({ file: '/nowhere/armilla.json' })).toContain('cannot be read');
  expect(withFile('[1]', (file) => refusal({ file }))).toContain('JSON object');
  expect(withFile('{', (file) => refusal({ file }))).toContain('cannot be read');
});

test('every key has a sentence, a default within its range, and its place in the alphabet', () => {
  const names = Object.keys(CONFIG_KEYS);
  expect(names).toEqual([...names].sort());
  for (const entry of Object.values(CONFIG_KEYS) as ConfigKey[]) {
    expect(entry.sentence).toMatch(/^[A-Z].*\.$/);
    if (typeof entry.default !== 'number') continue;
    expect(entry.default).toBeGreaterThanOrEqual(entry.minimum ?? 0);
    expect(entry.default).toBeLessThanOrEqual(entry.maximum ?? Number.MAX_SAFE_INTEGER);
  }
});
