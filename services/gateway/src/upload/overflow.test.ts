import { Random } from '@armilla/base';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { overflow } from './overflow.js';
import { Pace } from './pace.js';
import { Spool } from './spool.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'armilla-overflow-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function* numbered(total: number, size: number, sent: { count: number }): AsyncGenerator<Buffer> {
  const random = new Random(size);
  for (let at = 0; at < total;) {
    const chunk = Buffer.alloc(Math.min(1 + random.below(size), total - at));
    for (let n = 0; n < chunk.length; n++) chunk[n] = (at + n) % 251;
    at += chunk.length;
    sent.count = at;
    yield chunk;
  }
}

const inOrder = (bytes: Buffer): boolean => bytes.every((value, at) => value === at % 251);

test('a stuck answer lets the upload go on to disk, and nothing is lost or disordered', async () => {
  const spool = await Spool.open(folder, 1e9);
  const sent = { count: 0 };
  let stuck = true;
  const total = 20 << 20;
  const out = overflow(numbered(total, 300_000, sent), spool, () => stuck);
  const chunks = [(await out.next()).value as Buffer];
  while (sent.count < total) await pause(5);
  expect(spool.usedBytes).toBeGreaterThan(10 << 20);
  stuck = false;
  for await (const chunk of out) chunks.push(chunk);
  const all = Buffer.concat(chunks);
  expect(all.length).toBe(total);
  expect(inOrder(all)).toBe(true);
  expect([spool.usedBytes, spool.fileCount]).toEqual([0, 0]);
  await spool.close();
});

test('without a stuck answer the upload waits and nothing goes to disk', async () => {
  const spool = await Spool.open(folder, 1e9);
  const sent = { count: 0 };
  const out = overflow(numbered(20 << 20, 300_000, sent), spool, () => false);
  const chunks = [(await out.next()).value as Buffer];
  await pause(150);
  expect(sent.count).toBeLessThan(6 << 20);
  expect(spool.fileCount).toBe(0);
  for await (const chunk of out) chunks.push(chunk);
  expect(inOrder(Buffer.concat(chunks))).toBe(true);
  await spool.close();
});

test('a failure of the sender is thrown behind what came before it', async () => {
  const spool = await Spool.open(folder, 1e9);
  async function* failing(): AsyncGenerator<Buffer> {
    yield Buffer.from('a');
    throw new RangeError('lost');
  }
  const out = overflow(failing(), spool, () => true);
  expect((await out.next()).value?.toString()).toBe('a');
  await expect(out.next()).rejects.toThrow('lost');
  await spool.close();
});

test('a reader that leaves frees the disk', async () => {
  const spool = await Spool.open(folder, 1e9);
  const sent = { count: 0 };
  const out = overflow(numbered(20 << 20, 300_000, sent), spool, () => true);
  await out.next();
  while (sent.count < 20 << 20) await pause(5);
  await out.return();
  expect([spool.usedBytes, spool.fileCount]).toEqual([0, 0]);
  await spool.close();
});

test('the spool has one limit for all', async () => {
  const spool = await Spool.open(folder, 1000);
  const [a, b] = [await spool.create('a'), await spool.create('b')];
  await a.append(Buffer.alloc(600));
  await expect(b.append(Buffer.alloc(500))).rejects.toMatchObject({ reason: 'SPOOL_FULL' });
  await a.remove();
  await b.append(Buffer.alloc(500));
  await b.remove();
  expect(spool.usedBytes).toBe(0);
  await spool.close();
});

test('what a dead process left is removed at the start, what a living one uses is not', async () => {
  const dead = join(folder, 'armilla-spool-999999999-abc');
  const living = join(folder, `armilla-spool-${process.ppid}-abc`);
  const foreign = join(folder, 'something-else');
  const namesake = join(folder, `armilla-spool-${process.pid}-abc`);
  const own = await Spool.open(folder, 1000);
  for (const path of [dead, living, foreign, namesake]) {
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'x');
  }
  const spool = await Spool.open(folder, 1000);
  expect([dead, namesake, living, foreign, own.folder].map((path) => existsSync(path))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
  await spool.close();
  await own.close();
  expect(readdirSync(folder).sort()).toEqual([living, foreign].map((path) => path.slice(folder.length + 1)).sort());
});

test('a pace judges only the time that was waited', async () => {
  const verdicts: number[] = [];
  const quick = new Pace(1000, 100, (rate) => verdicts.push(rate));
  for (let n = 0; n < 15; n++) {
    quick.waiting();
    await pause(10);
    quick.moved(1000);
  }
  expect(verdicts).toEqual([]);
  await pause(300);
  expect(verdicts).toEqual([]);
  quick.waiting();
  await pause(400);
  expect(verdicts).toHaveLength(1);
  quick.stop();
});
