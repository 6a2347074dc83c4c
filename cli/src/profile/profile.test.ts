import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Profiler, profileToJson } from '@armilla/gpu-core';
import { runCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string): string => join(folder.path, name);

/** A profile of 40 calls of gpu.matmul, of about `ms` each. */
function write(name: string, ms: number): string {
  let nowNs = 0;
  const profiler = new Profiler({ nowNs: () => nowNs, originEpochMs: 0 });
  for (let i = 0; i < 40; i++) {
    const span = profiler.begin('gpu.matmul', 'wasm:2');
    nowNs += ms * 1e6 * (1 + (i % 5) / 100);
    profiler.end(span);
  }
  writeFileSync(at(name), profileToJson(profiler.profile(name, 'a machine')));
  return at(name);
}

const [before, same, slower] = [write('before.json', 10), write('same.json', 10), write('slower.json', 15)];

test('a gate fails where an operation became slower, and only there', async () => {
  const compare = (...args: string[]) => runCli(['profile', 'compare', ...args]);
  const passed = await compare(before, same, '--gate');
  expect(passed).toMatchObject({ code: 0, stderr: '' });
  expect(passed.stdout).toMatch(/^gpu\.matmul +wasm:2 +same /m);
  expect(passed.stdout).toMatch(/\npassed\n$/);

  const failed = await compare(before, slower, '--gate');
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('gpu.matmul on wasm:2 became slower: 1.50 times the median');
  expect(failed.stdout).toMatch(/\nregressed\n$/);
  expect((await compare(before, slower)).code).toBe(0);
  expect((await compare(before, slower, '--gate', '--tolerance', '1')).code).toBe(0);
  expect((await compare(slower, before, '--gate')).code).toBe(0);

  const { stdout } = await compare(before, slower, '--json', '--html', at('difference.html'));
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'regressed',
    comparisons: [{ op: 'gpu.matmul', device: 'wasm:2', verdict: 'slower', count_a: 40 }],
  });
  const page = readFileSync(at('difference.html'), 'utf8');
  for (const label of ['before.json', 'slower.json']) expect(page).toContain(label);
  expect(await compare(before, same, '--html', at('difference.html'))).toMatchObject({ code: 73 });
});

test('a profile is shown as text: times, bottlenecks, transfers beside kernels, advice', async () => {
  const profiler = new Profiler({ nowNs: () => 0, originEpochMs: 0 });
  for (let i = 0; i < 4; i++) {
    // Each upload of 1 ms but the first runs beside the kernel of the one before.
    const facts = { uploadNs: 1e6, kernelNs: 1e6, bytes: 2e6, flops: 5e6 };
    profiler.record('gpu.xor\u001b[2J', i * 1e6, (i + 2) * 1e6, { device: 'webgpu:0', lane: i, ...facts });
  }
  writeFileSync(at('pieces.json'), profileToJson(profiler.profile('pieces', 'a machine')));
  const { code, stdout, stderr } = await runCli(['profile', 'show', at('pieces.json')]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^gpu\.xor\ufffd\[2J +webgpu:0 +4 +8\.00 ms +2\.00 ms +2\.00 ms +2\.00 ms +2\.00 +5\.00$/m);
  expect(stdout).toContain('transfers of webgpu:0: 4.00 ms, 75 % of it beside kernels');
  const { stdout: json } = await runCli(['profile', 'show', at('pieces.json'), '--json']);
  expect(JSON.parse(json)).toMatchObject({ overlaps: [{ device: 'webgpu:0', share: 0.75 }] });
});

test('what is no profile, and what is not there, is said with its own exit code', async () => {
  writeFileSync(at('broken.json'), '{"half":');
  const compare = (...args: string[]) => runCli(['profile', 'compare', before, ...args]);
  expect(await compare(at('broken.json'))).toMatchObject({
    code: 65,
    stderr: expect.stringContaining('PROFILE_INVALID'),
  });
  expect(await compare(at('nowhere.json'))).toMatchObject({
    code: 66,
    stderr: expect.stringContaining('INPUT_NOT_FOUND'),
  });
  expect(await compare(folder.path)).toMatchObject({ code: 66, stderr: expect.stringContaining('INPUT_UNREADABLE') });
  expect(await compare(same, '--tolerance', 'much')).toMatchObject({ code: 2 });
  expect(await compare()).toMatchObject({ code: 2 });
});

test('without a server there is no profile to take, and no file', async () => {
  const result = await runCli(['profile', '-o', at('none.json'), '--server', 'http://127.0.0.1:9']);
  expect(result).toMatchObject({ code: 69, stderr: expect.stringContaining('SERVER_UNAVAILABLE') });
  expect(() => readFileSync(at('none.json'))).toThrow('ENOENT');
  expect(await runCli(['profile', '--format', 'xml'])).toMatchObject({ code: 2 });
});

test('names of a foreign profile neither end a line nor steer the terminal, however many there are', async () => {
  const foreign = JSON.parse(readFileSync(before, 'utf8')) as { ops: string[] };
  foreign.ops = foreign.ops.map(() => 'x\n\u001b]0;title\u0007passed');
  writeFileSync(at('foreign.json'), JSON.stringify(foreign));
  const { stdout } = await runCli(['profile', 'compare', at('foreign.json'), at('foreign.json')]);
  expect(stdout).toMatch(/^x\ufffd\ufffd\]0;title\ufffdpassed +wasm:2 +same /m);
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);

  const many = JSON.parse(readFileSync(before, 'utf8')) as {
    ops: string[];
    devices: string[];
    spans: Record<string, number[]>;
    totals: unknown[];
  };
  const [opCount, count] = [60_000, 150_000];
  const column = (of: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => of(i));
  many.ops = Array.from({ length: opCount }, (_, i) => `op${i}`);
  many.devices = ['a', 'b', 'c'];
  many.totals = [];
  for (const name of Object.keys(many.spans)) many.spans[name] = column(() => 0);
  Object.assign(many.spans, {
    id: column((i) => i),
    parent: column(() => -1),
    decision: column(() => -1),
    op: column((i) => i % opCount),
    device: column((i) => Math.floor(i / opCount)),
  });
  writeFileSync(at('many.json'), JSON.stringify(many));
  expect(await runCli(['profile', 'compare', before, at('many.json')])).toMatchObject({ code: 0 });
});
