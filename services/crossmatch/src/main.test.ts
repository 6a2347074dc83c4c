import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const main = join(
  dirname(createRequire(import.meta.url).resolve('@armilla/crossmatch/package.json')),
  'dist',
  'main.js',
);

/** Runs the built server; `onLine` sees its log. */
async function run(
  args: readonly string[],
  env: Record<string, string> = {},
  onLine: (line: string, stop: () => void) => void = () => undefined,
): Promise<{ code: number | null; log: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    for (const line of text.split('\n')) onLine(line, () => child.kill('SIGTERM'));
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, log };
}

test('serves until SIGTERM', async () => {
  const { code, log } = await run(['--grpc-address', '127.0.0.1:0'], {}, (line, stop) => {
    if (line.includes('"event":"serving"')) stop();
  });
  expect(log).toContain('"event":"stopped"');
  expect(code).toBe(0);
});

test.each<[string, string[], Record<string, string>, string, number]>([
  ['an unknown flag', ['--nonsense', '1'], {}, 'CONFIG_INVALID', 2],
  ['a bad value', [], { ARMILLA_WORKER_COUNT: 'many' }, 'CONFIG_INVALID', 2],
  ['an address beyond loopback', ['--grpc-address', '0.0.0.0:0'], {}, 'ADDRESS_NOT_LOOPBACK', 2],
])('%s stops the start', async (_name, args, env, reason, exit) => {
  const { code, log } = await run(args, env);
  expect(log).toContain(reason);
  expect(code).toBe(exit);
});
