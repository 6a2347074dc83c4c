import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { CrossmatchServiceService, ExplainRequest, type ExplainResponse } from '@armilla/proto';
import { callOnce, connect, stopOnSignals } from '../index.js';
import { createLogger } from '../log/logger.js';
import { problemOf } from '../testing/loopback.js';

test('the first signal stops, once', async () => {
  let stops = 0;
  const log = createLogger({ logLevel: 'silent' });
  const before = process.listeners('SIGTERM');
  const stopped = stopOnSignals(async () => void stops++, log);
  process.emit('SIGTERM', 'SIGTERM');
  await stopped;
  expect(stops).toBe(1);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    for (const listener of process.listeners(signal)) if (!before.includes(listener)) process.off(signal, listener);
  }
});

const urlOf = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href;

/** A server process whose Explain takes a second. */
const PROGRAM = `
  const { createLogger, loadConfig, serve, stopOnSignals, unary } = await import('${urlOf('@armilla/chassis')}');
  const { CrossmatchServiceService, ExplainResponse } = await import('${urlOf('@armilla/proto')}');
  const explain = unary(async () => {
    console.log('running');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return ExplainResponse.fromPartial({ cellCount: 7n });
  });
  const config = loadConfig({ flags: { grpc_address: '127.0.0.1:0', reflection: false } });
  const log = createLogger(config);
  const service = { name: 'armilla.crossmatch.v1.CrossmatchService', definition: CrossmatchServiceService, handlers: () => ({ explain }) };
  const server = await serve({ services: [service], config, log });
  console.log(server.address);
  await stopOnSignals(() => server.stop(), log);
`;

test('after SIGTERM a process finishes the call that runs, takes no other and exits with 0', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { stdio: ['ignore', 'pipe', 'pipe'] });
  const events = createInterface(child.stderr)[Symbol.asyncIterator]();
  const event = async (name: string): Promise<void> => {
    for (;;) {
      const { value, done } = await events.next();
      if (done) throw new Error(`the server ended without "${name}"`);
      if (String(value).includes(`"event":"${name}"`)) return;
    }
  };
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { value: address } = (await lines.next()) as { value: string };
  const explain = (client: ReturnType<typeof open>) =>
    callOnce<ExplainResponse>((...rest) => client.explain(ExplainRequest.fromPartial({}), ...rest));
  const open = () => connect(CrossmatchServiceService, address);
  const [running, late] = [open(), open()];
  const call = explain(running);
  await lines.next();
  child.kill('SIGTERM');
  await event('stopping');
  expect(['SERVER_UNAVAILABLE', 'DRAINING']).toContain((await problemOf(explain(late))).reason);
  expect((await call).cellCount).toBe(7n);
  await event('stopped');
  expect(await exited).toBe(0);
  running.close();
  late.close();
});
