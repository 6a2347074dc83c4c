import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { isProblem } from '@armilla/base';
import { CrossmatchServiceService, ExplainRequest, HealthService, ServingStatus } from '@armilla/proto';
import { callOnce, connect, loadConfig, serve } from '../index.js';
import { pause, problemOf, startLoopback } from '../testing/loopback.js';
import { makeSelfSigned } from '../testing/self-signed.js';
import { checkBind, isLoopback } from './bind.js';
import { hashToken, TokenFile } from './token-file.js';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'armilla-auth-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const line = (token: string, owner = ''): string => `${hashToken(token).toString('hex')} ${owner}\n`;

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isProblem(error) ? error.reason : String(error);
  }
  return 'none';
}

test('tokens are accepted by hash and name their owner', () => {
  const tokens = new TokenFile(write('tokens', `# people\n\n${line('alpha', 'Ada Lovelace')}${line('beta')}`));
  expect(tokens.check('Bearer alpha')).toBe('Ada Lovelace');
  expect(tokens.check('bearer  beta ')).toBe('token 4');
  for (const bad of [
    undefined,
    '',
    'alpha',
    'Basic alpha',
    'Bearer',
    'Bearer ',
    'Bearer gamma',
    'Bearer alpha beta',
    `Bearer ${hashToken('alpha').toString('hex')}`,
  ]) {
    expect(reasonOf(() => tokens.check(bad))).toBe('UNAUTHENTICATED');
  }
});

test('a token file that is missing, empty or holds tokens in clear is refused, without showing them', () => {
  expect(reasonOf(() => new TokenFile(join(folder, 'nowhere')))).toBe('CONFIG_INVALID');
  expect(reasonOf(() => new TokenFile(write('empty', '# none\n')))).toBe('CONFIG_INVALID');
  const path = write('clear', 'my-secret-token\n');
  expect(() => new TokenFile(path)).toThrow(/line 1/);
  expect(() => new TokenFile(path)).not.toThrow(/my-secret/);
});

test('a changed file is read again; a broken one leaves the last good list', async () => {
  const path = write('changing', line('old'));
  const tokens = new TokenFile(path);
  writeFileSync(path, line('new', 'x'));
  await pause(1100);
  expect(reasonOf(() => tokens.check('Bearer old'))).toBe('UNAUTHENTICATED');
  expect(tokens.check('Bearer new')).toBe('x');
  writeFileSync(path, 'broken');
  utimesSync(path, 1, 1);
  await pause(1100);
  expect(tokens.check('Bearer new')).toBe('x');
});

test('only loopback addresses may be open', () => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', 'localhost'])
    expect(isLoopback(host)).toBe(true);
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '::ffff:127.0.0.1',
    'example.org',
    '127.0.0.1.example.org',
    '1::1',
    'fe80::1',
  ])
    expect(isLoopback(host)).toBe(false);
  const open = { tlsCert: '', tlsKey: '', authTokens: '' };
  expect(reasonOf(() => checkBind('0.0.0.0:1', 'grpc_address', open))).toBe('ADDRESS_NOT_LOOPBACK');
  expect(reasonOf(() => checkBind('0.0.0.0:1', 'grpc_address', { ...open, authTokens: 't' }))).toBe(
    'ADDRESS_NOT_LOOPBACK',
  );
  expect(checkBind('0.0.0.0:1', 'grpc_address', { tlsCert: 'c', tlsKey: 'k', authTokens: 't' })).toEqual({
    host: '0.0.0.0',
    port: 1,
  });
  expect(checkBind('[::1]:80', 'grpc_address', open)).toEqual({ host: '::1', port: 80 });
  for (const bad of ['127.0.0.1', '127.0.0.1:', ':80', '127.0.0.1:70000', '[127.0.0.1]:80', '::1:80', 'a:b']) {
    expect(reasonOf(() => checkBind(bad, 'grpc_address', open))).toBe('CONFIG_INVALID');
  }
});

test('an open bind, a taken port and bad TLS files stop the start', async () => {
  const start = (flags: Record<string, string>) =>
    serve({ services: [], config: loadConfig({ flags: { log_level: 'silent', ...flags } }) });
  expect((await problemOf(start({ grpc_address: '0.0.0.0:0' }))).reason).toBe('ADDRESS_NOT_LOOPBACK');
  const first = await start({ grpc_address: '127.0.0.1:0' });
  expect((await problemOf(start({ grpc_address: first.address }))).reason).toBe('ADDRESS_IN_USE');
  await first.stop();
  const broken = write('broken.pem', 'no certificate');
  expect((await problemOf(start({ grpc_address: '127.0.0.1:0', tls_cert: broken, tls_key: broken }))).reason).toBe(
    'CONFIG_INVALID',
  );
});

test('calls without a token are refused, health is open', async () => {
  const { explain, server, stop } = await startLoopback({}, { authTokens: write('served', line('alpha', 'ada')) });
  expect((await problemOf(explain())).reason).toBe('UNAUTHENTICATED');
  expect((await problemOf(explain({ token: 'wrong' }))).fields.request_id).toBeDefined();
  expect(await explain({ token: 'alpha' })).toBeDefined();
  const health = connect(HealthService, server.address);
  expect(await callOnce((...rest) => health.check({ service: '' }, ...rest))).toEqual({
    status: ServingStatus.SERVING,
  });
  health.close();
  await stop();
});

test('with a certificate the server speaks TLS, and a client that does not know it is refused', async () => {
  const { cert, key } = makeSelfSigned();
  const { server, client, explain, stop } = await startLoopback(
    {},
    { tlsCert: write('cert.pem', cert), tlsKey: write('key.pem', key) },
  );
  const trusting = connect(
    CrossmatchServiceService,
    `localhost:${server.port}`,
    credentials.createSsl(Buffer.from(cert)),
  );
  expect(await callOnce((...rest) => trusting.explain(ExplainRequest.fromPartial({}), ...rest))).toBeDefined();
  const strange = connect(CrossmatchServiceService, `localhost:${server.port}`, credentials.createSsl());
  expect(
    (await problemOf(callOnce((...rest) => strange.explain(ExplainRequest.fromPartial({}), ...rest)))).reason,
  ).toBe('SERVER_UNAVAILABLE');
  expect((await problemOf(explain({ deadlineMs: Date.now() + 5000 }))).reason).toBe('SERVER_UNAVAILABLE');
  for (const each of [client, trusting, strange]) each.close();
  await stop();
});
