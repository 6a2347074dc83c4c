import { setTimeout as wait } from 'node:timers/promises';
import { bytesOf, each, sampleTable } from '../testing/sample-table.js';
import { encodeTable } from './encode.js';
import { encodeTableInWorker, openTableInWorker } from './in-worker.js';
import { closeTableThreads } from './thread.js';

afterEach(closeTableThreads);

const threadCount = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker').length;
const table = sampleTable(9, 1, 2000);
const encoder = new TextEncoder();

/** CSV without end, counting what was taken; `returned` tells that it was given back. */
function endless(): {
  stream: AsyncIterable<Uint8Array>;
  chunkBytes: number;
  taken: () => number;
  returned: () => boolean;
} {
  const chunk = encoder.encode(Array.from({ length: 20_000 }, (_, i) => `${i},${i * 0.37},${i % 90}\n`).join(''));
  let taken = 0;
  let returned = false;
  const stream = (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield encoder.encode('id,ra,dec\n');
      for (;;) {
        taken += chunk.length;
        yield chunk;
        await wait(0);
      }
    } finally {
      returned = true;
    }
  })();
  return { stream, chunkBytes: chunk.length, taken: () => taken, returned: () => returned };
}

test('a consumer that waits stops the source: what is on the way is bounded', async () => {
  const source = endless();
  const output = openTableInWorker({ name: 'endless', stream: source.stream });
  for (let i = 0; i < 5; i++) await output.next();
  await wait(300);
  const before = source.taken();
  await wait(300);
  expect(source.taken()).toBe(before);
  expect(before).toBeLessThan(24 * 2 ** 20);
  await output.return();
  expect(source.returned()).toBe(true);
});

test('an abort ends the work, the thread and the source at once', async () => {
  const source = endless();
  const stop = new AbortController();
  const output = openTableInWorker({ name: 'endless', stream: source.stream }, { signal: stop.signal });
  for (let i = 0; i < 20; i++) await output.next();
  const reading = bytesOf(output);
  await wait(50);
  expect(threadCount()).toBeGreaterThan(0);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(reading).rejects.toBeDefined();
  const taken = source.taken();
  await wait(200);
  // The chunk that was asked for at the moment of the abort may still come.
  expect(source.taken()).toBeLessThanOrEqual(taken + source.chunkBytes);
  expect(source.returned()).toBe(true);
  expect(threadCount()).toBe(0);
});

test('a source that hangs does not hold an abort', async () => {
  const hanging = (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield encoder.encode('ra,dec\n1,2\n');
    await new Promise(() => undefined);
  })();
  const stop = new AbortController();
  const reading = bytesOf(openTableInWorker({ name: 'hanging', stream: hanging }, { signal: stop.signal }));
  setTimeout(() => stop.abort(), 100);
  await expect(reading).rejects.toBeDefined();
  expect(threadCount()).toBe(0);
});

test('an error of the source is the error of the output', async () => {
  const broken = (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield encoder.encode('ra,dec\n1,2\n');
    throw new RangeError('the client has gone');
  })();
  await expect(bytesOf(openTableInWorker({ name: 'broken', stream: broken }))).rejects.toThrow('the client has gone');
});

test('a stream without its end mark is no whole answer', async () => {
  const ipc = await bytesOf(encodeTable('arrow-stream', table.schema, each(table.batches)));
  const whole = await bytesOf(encodeTableInWorker('csv', each([ipc])));
  expect(whole.length).toBeGreaterThan(1000);
  await expect(bytesOf(encodeTableInWorker('csv', each([ipc.subarray(0, ipc.length - 8)])))).rejects.toMatchObject({
    reason: 'ARROW_TRUNCATED',
  });
  await expect(bytesOf(encodeTableInWorker('csv', each([ipc.subarray(0, ipc.length - 100)])))).rejects.toMatchObject({
    reason: 'ARROW_TRUNCATED',
  });
});

test('many jobs at once and one after the other share threads and leave none', async () => {
  const ipc = await bytesOf(encodeTable('arrow-stream', table.schema, each(table.batches)));
  const csv = await bytesOf(encodeTable('csv', table.schema, each(table.batches)));
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => bytesOf(encodeTableInWorker('csv', each([ipc])))),
    );
    for (const answer of answers) expect(Buffer.compare(answer, csv)).toBe(0);
  }
  await wait(100);
  await closeTableThreads();
  expect(threadCount()).toBe(0);
});

test('misfits are told at the end', async () => {
  const lines = ['x', ...Array.from({ length: 400_000 }, (_, i) => String(i)), 'late', 'later'];
  const stream = each([encoder.encode(lines.join('\n'))]);
  let seen: unknown;
  await bytesOf(openTableInWorker({ name: 'late', stream }, { onNotes: ({ misfits }) => (seen = [...misfits]) }));
  expect(seen).toEqual([['x', 2]]);
});
