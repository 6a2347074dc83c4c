import { type FileHandle, mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { openDiskFile } from './diskFile.js';

const MIB = 1 << 20;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-disk-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const random = new Random(4);
const content = new Uint8Array(83 * MIB + 1234);
for (let i = 0; i < content.length; i += 997) content[i] = random.below(256);

/** Writes `bytes` in pieces of random lengths, each of which is changed when it was taken. */
async function write(path: string, bytes: Uint8Array, longest: number): Promise<void> {
  const file = await openDiskFile(path, undefined);
  try {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.slice(at, at + 1 + random.below(longest));
      at += piece.length;
      await file.write(piece);
      piece.fill(255);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Has whole blocks beyond the first 64 MiB fail while `run` runs: those of the handle that begins with them. Gives their number. */
async function withFailingBlocks(code: string, run: () => Promise<void>): Promise<number> {
  const handle = await open(join(folder, 'any'), 'w');
  await handle.close();
  const prototype = Object.getPrototypeOf(handle) as { write: FileHandle['write'] };
  const { write: original } = prototype;
  let failures = 0;
  const refused = new Set<FileHandle>();
  prototype.write = function (this: FileHandle, ...args: unknown[]) {
    const [, , length, position] = args as [Uint8Array, number, number, number | null];
    if (position !== null && position >= 64 * MIB && length === 4 * MIB && (refused.size === 0 || refused.has(this))) {
      refused.add(this);
      failures++;
      return Promise.reject(Object.assign(new Error(code), { code }));
    }
    return original.apply(this, args as Parameters<typeof original>);
  } as typeof original;
  try {
    await run();
  } finally {
    prototype.write = original;
  }
  return failures;
}

test.each([
  ['nothing', 0],
  ['a small file', 5 * MIB + 1],
  ['all that is cached', 64 * MIB],
  ['one byte more', 64 * MIB + 1],
  ['whole blocks', 72 * MIB],
  ['blocks and a rest', content.length],
])('%s comes as it was given', async (_, length) => {
  const path = join(folder, 'file');
  await write(path, content.subarray(0, length), 7 * MIB);
  expect((await stat(path)).size).toBe(length);
  expect(Buffer.compare(await readFile(path), content.subarray(0, length))).toBe(0);
});

test('a file system that refuses writes past its cache gets them through it', async () => {
  const path = join(folder, 'file');
  const failures = await withFailingBlocks('EINVAL', () => write(path, content, 9 * MIB));
  expect(Buffer.compare(await readFile(path), content)).toBe(0);
  if (process.platform === 'linux') expect(failures).toBeGreaterThan(0);
});

test('a disk that is full is told at the latest by the end', async () => {
  const path = join(folder, 'file');
  const writing = withFailingBlocks('ENOSPC', () => write(path, content, 100 * MIB));
  await expect(writing).rejects.toMatchObject({ code: 'ENOSPC' });
});
