import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@armilla/base';
import { openTable } from '@armilla/tables';
import { runCli, startCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const left = join(folder.path, 'left.csv');
const right = join(folder.path, 'right.csv');
writeFileSync(left, 'name,ra,dec\na,10,20\nb,10.001,20\nc,359.9999,-5\nd,100,91\n');
writeFileSync(right, 'id,ra,dec\n7,10.0001,20\n8,-0.0001,-5\n');
afterAll(() => folder.remove());

/** Starts `armilla serve` on free ports and waits for its line. */
async function serve(...args: string[]) {
  // The launcher of a checkout sets the same.
  const env = { MALLOC_TRIM_THRESHOLD_: '16777216' };
  const child = startCli(['serve', '--port', '0', '--grpc-address', '127.0.0.1:0', '--log-level', 'error', ...args], {
    env,
  });
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes('\n')) resolve(stdout);
    });
    void closed.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)));
  });
  const url = /http:\/\/[\d.:]+/.exec(line)?.[0] as string;
  const stop = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return closed;
  };
  return { line, url, pid: child.pid as number, stop };
}

test('a server answers the same rows as the library, keeps tables, tells its status, and ends at once on SIGTERM', async () => {
  const { line, url, stop } = await serve('--table', `ref=${right}`);
  try {
    expect(line).toMatch(/^serving http:\/\/127\.0\.0\.1:\d+ \(gRPC at 127\.0\.0\.1:\d+\); try: curl .*right=ref/);
    const options = ['--radius', '2', '--join', 'left', '--find', 'all', '--order', 'left', '--quiet'];
    const here = await runCli(['crossmatch', left, right, ...options]);
    expect(here.code).toBe(0);
    const rejected = join(folder.path, 'rejected.csv');
    const there = await runCli(['crossmatch', left, right, ...options, '--server', url, '--rejected', rejected]);
    expect(there).toEqual(here);
    expect(readFileSync(rejected, 'utf8')).toBe(
      'table,row,reason,column,value\nleft,3,DECLINATION_OUT_OF_RANGE,dec,91\n',
    );
    expect(await runCli(['crossmatch', left, 'table:ref', ...options, '--server', url])).toEqual(here);
    const summary = await runCli([
      'crossmatch',
      left,
      right,
      '--radius',
      '2',
      '--server',
      url,
      '--json',
      '-o',
      '/dev/null',
    ]);
    expect(JSON.parse(summary.stdout)).toMatchObject({
      left: { row_count: 4, matched_row_count: 2, rejected_by_reason: { DECLINATION_OUT_OF_RANGE: 1 } },
      row_count: 2,
    });
    // What was read here and what was matched there make one provenance, that of a local match but for the table that only the server has.
    const provenanceOf = (path: string): { inputs: object[] } => {
      const { run: _, ...rest } = JSON.parse(readFileSync(`${path}.provenance.json`, 'utf8')) as { run: object };
      return rest as { inputs: object[] };
    };
    const files = ['here', 'there', 'stored'].map((name) => join(folder.path, `${name}.csv`));
    expect((await runCli(['crossmatch', left, right, ...options, '-o', files[0]])).code).toBe(0);
    expect((await runCli(['crossmatch', left, right, ...options, '-o', files[1], '--server', url])).code).toBe(0);
    expect(provenanceOf(files[1])).toEqual(provenanceOf(files[0]));
    expect((await runCli(['crossmatch', left, 'table:ref', ...options, '-o', files[2], '--server', url])).code).toBe(0);
    expect(provenanceOf(files[2]).inputs[1]).toEqual({
      table: 'right',
      name: 'table:ref',
      content_digest: expect.any(String),
      row_count: 2,
      position: expect.objectContaining({ guessed: true }),
    });
    const body = new FormData();
    body.append('left', new Blob([readFileSync(left)]), 'left.csv');
    const answer = await fetch(`${url}/v1/crossmatch?radius=2&right=ref&format=parquet`, { method: 'POST', body });
    const reader = await openTable({ name: 'answer', bytes: new Uint8Array(await answer.arrayBuffer()) });
    expect(JSON.parse(reader.schema.metadata.get('armilla.provenance') as string)).toMatchObject({
      operation: 'crossmatch',
      options: { radius_arcsec: 2 },
      inputs: [{ table: 'left' }, { table: 'right', name: 'table:ref', row_count: 2 }],
    });
    await reader.close();
    const self = ['crossmatch', '--self', left, '--radius', '5', '--quiet'];
    expect(await runCli([...self, '--server', url])).toEqual(await runCli(self));

    const status = await runCli(['status', '--server', url, '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ tables: [{ name: 'ref', row_count: 2 }] });
    expect((await runCli(['status', '--server', url])).stdout).toContain('ref\t2 rows');
  } finally {
    expect(await stop('SIGTERM')).toBe(0);
  }
});

(existsSync('/proc/self/status') ? test : test.skip)(
  'jobs give their memory back (skipped without /proc)',
  async () => {
    const { url, pid, stop } = await serve();
    const rssMib = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    // Between jobs RSS tells when V8 last looked for garbage; an idle server has let go of its heaps and collected.
    const idleMib = async (): Promise<number> => {
      let least = Infinity;
      for (let n = 0; n < 16; n++) {
        await sleep(500);
        least = Math.min(least, rssMib());
      }
      return least;
    };
    const random = new Random(9);
    const rows = Array.from({ length: 200_000 }, () => `${random.between(0, 360)},${random.between(-80, 80)}`);
    const table = new Blob([`ra,dec\n${rows.join('\n')}\n`]);
    let answerBytes = 0;
    const job = async (): Promise<void> => {
      const body = new FormData();
      body.append('right', table, 'right.csv');
      body.append('left', table, 'left.csv');
      const answer = await fetch(`${url}/v1/crossmatch?radius=1&format=csv`, { method: 'POST', body });
      answerBytes = (await answer.arrayBuffer()).byteLength;
    };
    try {
      for (let n = 0; n < 3; n++) await job();
      const before = await idleMib();
      for (let n = 0; n < 20; n++) await job();
      // Twenty jobs bring and take this much; what is kept of them would show.
      const movedMib = (20 * (2 * table.size + answerBytes)) / 2 ** 20;
      expect((await idleMib()) - before).toBeLessThan(movedMib / 2);
    } finally {
      expect(await stop('SIGTERM')).toBe(0);
    }
  },
  120_000,
);

test('problems of the server end with their own exit codes', async () => {
  const { url, stop } = await serve();
  try {
    const match = (...args: string[]) => runCli(['crossmatch', ...args, '--server', url]);
    expect(await match(left, 'table:nope', '--radius', '1')).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('HANDLE_NOT_FOUND'),
    });
    expect(await match(left, right, '--radius', '0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('RADIUS_OUT_OF_RANGE'),
    });
    expect(await match(left, right, '--radius', '1', '--left-ra', 'nope')).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('COLUMN_NOT_FOUND'),
    });
    expect(await match('missing.csv', right, '--radius', '1')).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('INPUT_NOT_FOUND'),
    });
  } finally {
    expect(await stop('SIGINT')).toBe(0);
  }
});

test('a server killed in mid-stream is an error, and leaves no file; so is Ctrl-C', async () => {
  const random = new Random(8);
  const rows = Array.from({ length: 30_000 }, () => `${random.between(0, 2)},${random.between(-1, 1)}`);
  const table = join(folder.path, 'many.csv');
  writeFileSync(table, `ra,dec\n${rows.join('\n')}\n`);
  const { url, stop } = await serve();
  const outputs = (): string[] => readdirSync(folder.path).filter((name) => name.startsWith('endless'));
  const begin = async () => {
    const child = startCli([
      'crossmatch',
      '--self',
      table,
      '-r',
      '2deg',
      '-o',
      join(folder.path, 'endless.csv'),
      '--server',
      url,
    ]);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (outputs().length === 0 && child.exitCode === null) await sleep(50);
    return { child, closed, stderr: () => stderr };
  };
  const interrupted = await begin();
  interrupted.child.kill('SIGINT');
  expect(await interrupted.closed).toBe(130);
  expect(outputs()).toEqual([]);

  const cut = await begin();
  await stop('SIGKILL');
  expect(await cut.closed).toBe(74);
  expect(cut.stderr()).toContain('STREAM_INCOMPLETE');
  expect(outputs()).toEqual([]);
});

test('a server that cannot start says why', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const run = (...args: string[]) => runCli(['serve', '--log-level', 'silent', ...args]);
  // Nothing listens and no table is loaded before it is said.
  const refused = await run(
    '--port',
    String(port),
    '--grpc-address',
    '127.0.0.1:0',
    '--log-level',
    'info',
    '--table',
    'a=missing.csv',
  );
  expect(refused.code).toBe(69);
  expect(refused.stderr).toContain(`cannot listen on 127.0.0.1:${port}`);
  expect(refused.stdout + refused.stderr).not.toContain('serving');
  taken.close();
  expect(await run('--listen', '0.0.0.0:0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ADDRESS_NOT_LOOPBACK'),
  });
  expect(await run('--drain-seconds', 'soon', '--worker-count', '-3')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/drain.seconds.*worker.count/),
  });
  expect(await run('--table', 'nofile')).toMatchObject({ code: 2, stderr: expect.stringContaining('OPTION_INVALID') });
  expect(await run('--table', 'a=missing.csv')).toMatchObject({
    code: 66,
    stderr: expect.stringContaining('INPUT_NOT_FOUND'),
  });
  expect(await run('gatewy')).toMatchObject({ code: 2, stderr: expect.stringContaining('gateway') });
});

/** A native module with one adapter, whose device never comes; `asked` is there once it was asked for. */
const HANGING_DRIVER = `
const fs = require('node:fs');
const name = 'hanging card';
module.exports = { create(flags) {
  const info = { vendor: '', architecture: '', device: name, description: name, isFallbackAdapter: false };
  const adapter = { info, features: new Set(), limits: {}, requestDevice() {
    fs.writeFileSync(process.env.ASKED, '');
    return new Promise(() => undefined);
  } };
  const lists = flags.some((flag) => flag.includes('@@none@@'));
  return { requestAdapter: async () => { if (lists) throw new Error("name: '" + name + "'"); return adapter; } };
} };`;

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends a server whose GPU hangs before it serves', async (signal) => {
  const driver = join(folder.path, 'hanging.cjs');
  writeFileSync(driver, HANGING_DRIVER);
  const place = join(folder.path, signal);
  mkdirSync(place);
  const asked = join(place, 'asked');
  const child = startCli(['serve', '--port', '0', '--grpc-address', '127.0.0.1:0'], {
    env: {
      ARMILLA_DAWN_NODE: driver,
      ARMILLA_GPU_DEVICES: 'auto',
      ASKED: asked,
      TMPDIR: place,
      XDG_STATE_HOME: place,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  while (!existsSync(asked) && child.exitCode === null) await sleep(50);
  child.kill(signal);
  expect({ code: await closed, output }).toEqual({ code: 0, output: '' });
  rmSync(asked);
  const left = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left.map(({ name }) => name)).toEqual([]);
});

test('status says when no server is there', async () => {
  expect(await runCli(['status', '--server', 'http://127.0.0.1:9'])).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('SERVER_UNAVAILABLE'),
  });
  expect(await runCli(['status', '--server', 'nonsense'])).toMatchObject({ code: 2 });
});
