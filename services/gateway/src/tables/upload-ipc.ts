import { isProblem, Problem } from '@armilla/base';
import type { Frame } from '@armilla/chassis';
import { TableEnd } from '@armilla/proto';
import type { ReadNotes } from '@armilla/tables';
import { framesOfIpc } from '../relay/ipc-frames.js';
import type { UploadedTable } from '../upload/match-upload.js';
import type { Spool } from '../upload/spool.js';
import { parseTable } from './parse-table.js';

const ARROW_STREAM_MARK = 0xffffffff;
const NEEDS_WHOLE_FILE = ['PAR1', 'ARRO'];

/** An uploaded table as frames; the last one carries what reading it has told. */
export function framesOfUpload(
  upload: UploadedTable,
  spool: Spool,
  signal: AbortSignal,
): AsyncGenerator<Frame, void, undefined> {
  let end: TableEnd | undefined;
  const ipc = ipcOfUpload(upload, spool, signal, ({ misfits, warnings }) => {
    const counts = [...misfits].map(([column, count]) => [column, BigInt(count)]);
    end = { misfitByColumn: Object.fromEntries(counts) as TableEnd['misfitByColumn'], warnings: [...warnings] };
  });
  return framesOfIpc(ipc, upload.table, upload.where, () => end);
}

/**
 * An uploaded table as an Arrow IPC stream. What is one already goes through untouched; other formats, found by their
 * first bytes, are parsed off this thread. Formats that are read from their end wait on disk first.
 */
async function* ipcOfUpload(
  upload: UploadedTable,
  spool: Spool,
  signal: AbortSignal,
  onNotes?: (notes: ReadNotes) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { mark, bytes } = await peek(upload.bytes);
  if (mark.length === 4 && mark.readUInt32LE(0) === ARROW_STREAM_MARK) {
    yield* bytes;
  } else if (NEEDS_WHOLE_FILE.includes(mark.toString('latin1'))) {
    const file = await spool.create('table');
    try {
      for await (const chunk of bytes) await file.append(chunk);
      yield* parseTable({ name: upload.where, path: file.path }, signal, onNotes);
    } catch (error) {
      throw isProblem(error) ? renamed(error, file.path, upload.where) : error;
    } finally {
      await file.remove();
    }
  } else {
    yield* parseTable({ name: upload.where, stream: bytes }, signal, onNotes);
  }
}

/** The client knows its table by the name it gave, and must not learn our paths. */
function renamed(problem: Problem, path: string, name: string): Problem {
  const fields = Object.fromEntries(
    Object.entries(problem.fields).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.replaceAll(path, name) : value,
    ]),
  );
  return new Problem(problem.reason, fields, problem.message.replaceAll(path, name), { cause: problem });
}

/** The first four bytes (fewer when there are no more), and all bytes again. */
async function peek(source: AsyncIterable<Uint8Array>): Promise<{ mark: Buffer; bytes: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  while (heldBytes < 4) {
    const next = await iterator.next();
    if (next.done) break;
    held.push(next.value);
    heldBytes += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* held;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { mark: Buffer.concat(held.map((chunk) => chunk.subarray(0, 4))).subarray(0, 4), bytes: all() };
}
