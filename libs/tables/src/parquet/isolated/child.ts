import { once } from 'node:events';
import { fstatSync, readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { problemToJson, toProblem } from '@armilla/base';
import { encodeArrowStream } from '../../arrow/write.js';
import { openParquet, type ParquetReader } from '../read/reader.js';
import type { ByteSource } from '../source.js';
import { FILE_FD, type Reply, REPLY_FD, type Request } from './protocol.js';

// Entry of the child process: decodes the one file it was given and has nothing else to lose.

/** The file that came with the process. */
class InheritedFile implements ByteSource {
  readonly byteLength = fstatSync(FILE_FD).size;

  read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || offset + length > this.byteLength)
      return Promise.reject(new RangeError(`bytes ${offset} to ${offset + length} of ${this.byteLength}`));
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const count = readSync(FILE_FD, bytes, done, length - done, offset + done);
      if (count === 0) return Promise.reject(new RangeError('the file became shorter'));
      done += count;
    }
    return Promise.resolve(bytes);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function reply(message: Reply): void {
  writeSync(REPLY_FD, `${JSON.stringify(message)}\n`);
}

function write(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => process.stdout.write(bytes, (error) => (error ? reject(error) : resolve())));
}

let reader: ParquetReader | undefined;

async function open(request: Request & { kind: 'open' }): Promise<void> {
  const { where, columns, memoryBytes } = request;
  const watch = new Worker(new URL('./watch.js', import.meta.url), { workerData: { memoryBytes } });
  await once(watch, 'message');
  watch.unref();
  reader = await openParquet(new InheritedFile(), { where, columns, workers: 0, maxRowGroupBytes: memoryBytes / 2 });
  const parts: Uint8Array[] = [];
  for await (const part of encodeArrowStream(reader.schema, [])) parts.push(part);
  const schema = Buffer.concat(parts).toString('base64');
  reply({ kind: 'opened', rowCount: reader.rowCount, schema });
}

async function read(request: Request & { kind: 'read' }): Promise<void> {
  if (!reader) throw new TypeError('read before open');
  const { columns, batchRowCount } = request;
  const batches = reader.batches({ columns, batchRowCount });
  for await (const part of encodeArrowStream(reader.schemaOf(columns), batches)) await write(part);
  reply({ kind: 'read' });
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  try {
    await (request.kind === 'open' ? open(request) : read(request));
  } catch (error) {
    reply({ kind: 'problem', problem: problemToJson(toProblem(error)) });
  }
}
