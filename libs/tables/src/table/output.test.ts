import { spawn } from 'node:child_process';
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { each, rowsOf, sampleTable } from '../testing/sample-table.js';
import type { WrittenFormat } from './format.js';
import { openTable } from './open.js';
import { checkOutput, diskFiles, type OutputFiles, writeFileOutput } from './output.js';
import { writeTable } from './write.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-output-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const table = sampleTable(5, 4, 500);

/** The real files, but call `failing` (from 0, of all calls of a run) throws. */
function failingFiles(failing: number, code: string): { files: OutputFiles; calls: () => number } {
  let count = 0;
  const step = async <T>(call: () => Promise<T>): Promise<T> => {
    if (count++ === failing) throw Object.assign(new Error(`${code}: injected`), { code });
    return call();
  };
  const files: OutputFiles = {
    look: (path) => step(() => diskFiles.look(path)),
    open: async (path, mode) => {
      const file = await step(() => diskFiles.open(path, mode));
      return {
        write: (bytes) => step(() => file.write(bytes)),
        sync: () => step(() => file.sync()),
        // Closing fails after it happened, as close(2) does.
        close: async () => {
          await file.close();
          await step(() => Promise.resolve());
        },
      };
    },
    rename: (from, to) => step(() => diskFiles.rename(from, to)),
    remove: (path) => diskFiles.remove(path),
    syncFolder: (path) => diskFiles.syncFolder(path),
  };
  return { files, calls: () => count };
}

describe.each<[string, WrittenFormat]>([
  ['out.csv', 'csv'],
  ['out.csv.gz', 'csv'],
  ['out.parquet', 'parquet'],
  ['out.arrow', 'arrow-file'],
  ['out.jsonl', 'jsonl'],
])('%s', (name, format) => {
  test.each(['new', 'old'])('a full disk at any call leaves no half file (%s output)', async (age) => {
    const path = join(folder, name);
    const options = { format, overwrite: age === 'old' };
    const clean = failingFiles(-1, '');
    await writeTable(path, table.schema, each(table.batches), options, clean.files);
    await rm(path);
    expect(clean.calls()).toBeGreaterThan(5);
    for (let failing = 0; failing < clean.calls(); failing++) {
      if (age === 'old') await writeFile(path, 'old');
      const { files } = failingFiles(failing, 'ENOSPC');
      const error = await writeTable(path, table.schema, each(table.batches), options, files).then(
        () => 'no error',
        (problem: { reason: string }) => problem.reason,
      );
      expect(error).toMatch(/^OUTPUT_(WRITE_FAILED|NOT_CREATED)$/);
      expect(await readdir(folder)).toEqual(age === 'old' ? [name] : []);
      if (age === 'old') expect(await readFile(path, 'utf8')).toBe('old');
    }
  });
});

test('an output that exists is replaced only when asked for', async () => {
  const path = join(folder, 'a.csv');
  await writeFile(path, 'old');
  await expect(writeTable(path, table.schema, each(table.batches), { format: 'csv' })).rejects.toMatchObject({
    reason: 'OUTPUT_EXISTS',
  });
  expect(await readFile(path, 'utf8')).toBe('old');
  await writeTable(path, table.schema, each(table.batches), { format: 'csv', overwrite: true });
  expect(await rowsOf((await openTable(path)).batches())).toEqual(table.rows);
  expect(await readdir(folder)).toEqual(['a.csv']);
});

test.each([
  ['a folder that is not there', 'no/a.csv', 'OUTPUT_NOT_CREATED'],
  ['a folder as output', '', 'OUTPUT_NOT_CREATED'],
  ['a file as folder', 'file/a.csv', 'OUTPUT_NOT_CREATED'],
])('%s is refused', async (_, path, reason) => {
  await writeFile(join(folder, 'file'), '');
  await expect(
    writeTable(join(folder, path), table.schema, each(table.batches), { format: 'csv' }),
  ).rejects.toMatchObject({ reason });
});

test('an abort or an error of the rows leaves nothing behind', async () => {
  const stop = new AbortController();
  const abortLater = async function* (): AsyncGenerator<(typeof table.batches)[0], void, undefined> {
    yield table.batches[0];
    stop.abort();
    yield table.batches[1];
  };
  const path = join(folder, 'a.csv');
  await expect(writeTable(path, table.schema, abortLater(), { format: 'csv', signal: stop.signal })).rejects.toThrow(
    'aborted',
  );
  const failing = async function* (): AsyncGenerator<(typeof table.batches)[0], void, undefined> {
    yield table.batches[0];
    throw new TypeError('no more');
  };
  await expect(writeTable(path, table.schema, failing(), { format: 'parquet' })).rejects.toThrow('no more');
  expect(await readdir(folder)).toEqual([]);
});

test.each<WrittenFormat>(['csv', 'tsv', 'jsonl', 'arrow-stream', 'arrow-file', 'parquet'])(
  'where the first rows cannot be read nothing is written to a stream: %s',
  async (format) => {
    const unreadable = { next: () => Promise.reject(new TypeError('no rows at all')) };
    const batches = { [Symbol.asyncIterator]: () => unreadable };
    const stream = new PassThrough();
    await expect(writeTable(stream, table.schema, batches, { format })).rejects.toThrow('no rows at all');
    expect(stream.read()).toBeNull();
  },
);

test.each<WrittenFormat>(['csv', 'tsv', 'arrow-stream', 'arrow-file', 'parquet'])(
  'a table without rows is written all the same: %s',
  async (format) => {
    const path = join(folder, 'empty');
    await writeTable(path, table.schema, each([]), { format });
    const reader = await openTable(path);
    expect(reader.schema.fields.map(({ name }) => name)).toEqual(table.schema.fields.map(({ name }) => name));
    expect(await rowsOf(reader.batches())).toEqual([]);
  },
);

test('a file that is replaced keeps its permissions, and a link stays a link', async () => {
  await writeFile(join(folder, 'real.csv'), 'old', { mode: 0o600 });
  await symlink('real.csv', join(folder, 'link.csv'));
  await writeTable(join(folder, 'link.csv'), table.schema, each(table.batches), { format: 'csv', overwrite: true });
  expect((await lstat(join(folder, 'link.csv'))).isSymbolicLink()).toBe(true);
  expect((await lstat(join(folder, 'real.csv'))).mode & 0o777).toBe(0o600);
  expect(await rowsOf((await openTable(join(folder, 'real.csv'))).batches())).toEqual(table.rows);
});

test('a full device is told', async () => {
  const written = writeTable('/dev/full', table.schema, each(table.batches), { format: 'csv' });
  await expect(written).rejects.toMatchObject({ reason: 'OUTPUT_WRITE_FAILED' });
});

test('rows that never come do not hold an abort', async () => {
  const stop = new AbortController();
  const hanging = async function* (): AsyncGenerator<(typeof table.batches)[0], void, undefined> {
    yield table.batches[0];
    await new Promise(() => undefined);
  };
  const writes = (['csv', 'parquet', 'arrow-file'] as const).map((format) =>
    writeTable(join(folder, format), table.schema, hanging(), { format, signal: stop.signal }),
  );
  setTimeout(() => stop.abort(), 50);
  for (const write of writes) await expect(write).rejects.toThrow('aborted');
  expect(await readdir(folder)).toEqual([]);
});

test('devices are written in place', async () => {
  const { byteCount, rowCount } = await writeTable('/dev/null', table.schema, each(table.batches), { format: 'csv' });
  expect(rowCount).toBe(2000);
  expect(byteCount).toBeGreaterThan(10_000);
});

test('streams are written at the pace of the reader and stay open; a reader that goes is an error', async () => {
  const through = new PassThrough({ highWaterMark: 1 });
  const read: Buffer[] = [];
  through.on('data', (chunk: Buffer) => read.push(chunk));
  const { byteCount } = await writeTable(through, table.schema, each(table.batches), { format: 'csv' });
  expect(Buffer.concat(read)).toHaveLength(byteCount);
  expect(through.writable).toBe(true);
  expect(through.listenerCount('error') + through.listenerCount('close')).toBe(0);
  const closing = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })),
  });
  closing.on('error', () => undefined);
  await expect(writeTable(closing, table.schema, each(table.batches), { format: 'csv' })).rejects.toMatchObject({
    reason: 'OUTPUT_WRITE_FAILED',
  });
});

test('bytes of a file come in the order given', async () => {
  const path = join(folder, 'bytes');
  expect(await writeFileOutput(path, each([Buffer.from('one '), Buffer.from('two')]))).toBe(7);
  expect(await readFile(path, 'utf8')).toBe('one two');
});

test('a process whose files may not grow ends with a typed error and leaves nothing', async () => {
  const entry = createRequire(import.meta.url).resolve('@armilla/tables');
  const code = `
    process.on('SIGXFSZ', () => {});
    const { openTable, writeTable } = await import(${JSON.stringify(`file://${entry}`)});
    const lines = Array.from({ length: 200000 }, (_, i) => i + ',' + i * 1.5);
    const reader = await openTable({ name: 'rows', bytes: Buffer.from('a,b\\n' + lines.join('\\n')) });
    try {
      await writeTable(${JSON.stringify(join(folder, 'big.csv'))}, reader.schema, reader.batches(), { format: 'csv' });
    } catch (error) { console.log(error.reason); }`;
  // 256 blocks of 1 KiB; the signal that goes with the limit is ignored.
  const child = spawn('bash', [
    '-c',
    `trap '' XFSZ; ulimit -f 256; exec "$0" --input-type=module -e "$1"`,
    process.execPath,
    code,
  ]);
  const text: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => text.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => text.push(chunk));
  await new Promise((resolve) => child.once('close', resolve));
  expect(Buffer.concat(text).toString().trim()).toBe('OUTPUT_WRITE_FAILED');
  expect(await readdir(folder)).toEqual([]);
});

test('an output is checked before there is anything to write', async () => {
  const path = join(folder, 'out.csv');
  await checkOutput(path);
  await checkOutput('/dev/null');
  await expect(checkOutput(join(folder, 'no', 'out.csv'))).rejects.toMatchObject({ reason: 'OUTPUT_NOT_CREATED' });
  await expect(checkOutput(folder)).rejects.toMatchObject({ reason: 'OUTPUT_NOT_CREATED' });
  await writeFile(path, 'old');
  await expect(checkOutput(path)).rejects.toMatchObject({ reason: 'OUTPUT_EXISTS' });
  await checkOutput(path, { overwrite: true });
  expect(await readdir(folder)).toEqual(['out.csv']);
});
