import { isProblem, Random } from '@armilla/base';
import { Float64, makeVector, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import { IPC_END, ipcBytes, type IpcMessage } from './message.js';
import { IpcSplitter } from './splitter.js';

const table = new Table({
  a: vectorFromArray([1, 2, 3], new Float64()),
  s: vectorFromArray(['x', null, 'yy'], new Utf8()),
});
const bytes = new Uint8Array(tableToIPC(table, 'stream'));

function reasonOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (isProblem(error)) return error.reason;
    throw error;
  }
  return 'none';
}

test('the same messages come out whatever the chunks, and are the same bytes again', () => {
  const random = new Random(3);
  for (const chunkBytes of [1, 2, 7, 8, 64, 1 << 20, ...Array.from({ length: 20 }, () => 1 + random.below(300))]) {
    const splitter = new IpcSplitter();
    const out: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      for (const message of splitter.push(bytes.subarray(at, at + chunkBytes))) {
        expect(message.body.reduce((sum, part) => sum + part.byteLength, 0)).toBe(message.bodyLength);
        out.push(...ipcBytes(message));
      }
    }
    expect(splitter.ended).toBe(true);
    splitter.finish();
    expect(Buffer.concat([...out, IPC_END])).toEqual(Buffer.from(bytes));
  }
});

test('a body is handed on as views on the chunks', () => {
  const [, batch] = [...new IpcSplitter().push(bytes)];
  expect(batch.body).toHaveLength(1);
  expect(batch.body[0].buffer).toBe(bytes.buffer);
});

test('a large message in tiny chunks is held in few pieces', () => {
  const large = new Uint8Array(tableToIPC(new Table({ a: makeVector(new Float64Array(20_000)) }), 'stream'));
  const splitter = new IpcSplitter();
  const messages: IpcMessage[] = [];
  for (let at = 0; at < large.length; at += 3) messages.push(...splitter.push(large.subarray(at, at + 3)));
  splitter.finish();
  expect(messages.at(-1)!.body.length).toBeLessThan(800);
  expect(Buffer.concat([...messages.flatMap(ipcBytes), IPC_END]).equals(large)).toBe(true);
});

test('streams of before the continuation mark are read', () => {
  const parts: Uint8Array[] = [];
  for (const message of new IpcSplitter().push(bytes)) {
    const [prefix, ...rest] = ipcBytes(message);
    parts.push(prefix.subarray(4), ...rest);
  }
  const splitter = new IpcSplitter();
  expect([...splitter.push(Buffer.concat([...parts, new Uint8Array(4)]))]).toHaveLength(2);
  expect(splitter.ended).toBe(true);
});

test('bytes behind the end are ignored', () => {
  const splitter = new IpcSplitter();
  expect([...splitter.push(Buffer.concat([bytes, Buffer.from('something else')]))]).toHaveLength(2);
  expect([...splitter.push(Buffer.from('more'))]).toHaveLength(0);
  splitter.finish();
});

test('a stream that stops is ARROW_TRUNCATED wherever it does', () => {
  for (const length of [0, 3, 8, 100, bytes.length - 200, bytes.length - 8, bytes.length - 4]) {
    const splitter = new IpcSplitter({ where: 'left' });
    expect(
      reasonOf(() => {
        expect([...splitter.push(bytes.subarray(0, length))].length).toBeLessThanOrEqual(2);
        splitter.finish();
      }),
    ).toBe('ARROW_TRUNCATED');
  }
});

test.each([
  ['text', Buffer.from('ra,dec\n1,2\n'), 'ARROW_INVALID'],
  ['HTML', Buffer.from('<!DOCTYPE html><html></html>'), 'ARROW_INVALID'],
  ['a header too short to be one', Uint8Array.of(255, 255, 255, 255, 4, 0, 0, 0, 0, 0, 0, 0), 'ARROW_INVALID'],
  ['a header of 4 GiB', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), 'ARROW_INVALID'],
])('%s is refused', (_, foreign, reason) => {
  expect(reasonOf(() => [...new IpcSplitter().push(foreign)])).toBe(reason);
});

test('a message beyond the limits is refused before it is collected', () => {
  expect(reasonOf(() => [...new IpcSplitter({ limits: { messageBytes: 8 } }).push(bytes)])).toBe('ARROW_LIMIT');
  const second = [...bytes];
  const at = 8 + new DataView(bytes.buffer).getInt32(4, true);
  second.splice(at + 4, 4, 255, 255, 255, 127);
  expect(reasonOf(() => [...new IpcSplitter().push(Uint8Array.from(second))])).toBe('ARROW_LIMIT');
});
