import type { Runtime } from '@armilla/gpu-core';
import {
  MessageDecoder,
  MessageEncoder,
  ParquetReader,
  readStoredGroup,
  type StoredGroup,
  type TableReader,
} from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import { workerModule } from '../ops/module.js';
import { neededColumns, type PositionColumns, receivedColumns, type SentColumns, sentColumns } from '../columns.js';
import { readRows, type SkyRows } from '../positions.js';
import { subSchema } from '../result/payload.js';
import { binOf, type DeclinationCounts } from './buckets.js';

/** Rows of one row group that are to be counted by declination. */
interface CountGroupTask {
  readonly group: StoredGroup;
  readonly schemaHeader: Uint8Array;
  readonly columns: SentColumns;
  readonly where: string;
  /** In shared memory; threads add to it. */
  readonly counts: Int32Array;
  readonly stride: number;
}

/** Rows of larger tables are counted by a sample of at least so many. */
const SAMPLE_ROWS = 2 ** 21;

/** Counts the rows of a table by their declination; gives how many there are. */
export async function countRows(
  reader: TableReader,
  columns: PositionColumns,
  into: DeclinationCounts,
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<number> {
  const names = neededColumns(columns);
  const schema = subSchema(reader.schema, names);
  const inOrder = schema.fields.map(({ name }) => name);
  const groups = reader instanceof ParquetReader ? reader.storedGroups(inOrder) : undefined;
  let rowCount = 0;
  if (!groups) {
    for await (const batch of reader.batches({ columns: names, signal })) {
      signal?.throwIfAborted();
      into.add(countedDeclinations(await readRows(batch, columns, reader.where, signal)));
      rowCount += batch.numRows;
    }
    return rowCount;
  }
  const schemaHeader = new MessageEncoder(schema).schemaMessage().header;
  const stride = Math.max(1, Math.floor((reader.rowCount ?? 0) / SAMPLE_ROWS));
  if (stride > 1) into.isSample = true;
  const running: Promise<void>[] = [];
  try {
    for (const group of groups) {
      signal?.throwIfAborted();
      const task: CountGroupTask = {
        group,
        schemaHeader,
        columns: sentColumns(columns),
        where: reader.where,
        counts: into.counts,
        stride,
      };
      // Not to be left by a signal: the file stays open until the last read has ended.
      const done = runtime.call<void>(workerModule(), 'countGroup', [task]);
      done.catch(() => undefined);
      running.push(done);
      rowCount += group.rowCount;
      if (running.length > runtime.workerCount) await running.shift();
    }
    while (running.length > 0) await running.shift();
  } finally {
    await Promise.allSettled(running);
  }
  return rowCount;
}

/** In a worker. */
export async function countGroup({
  group,
  schemaHeader,
  columns,
  where,
  counts,
  stride,
}: CountGroupTask): Promise<void> {
  const decoder = new MessageDecoder({ where: 'rows' });
  decoder.decode({ header: schemaHeader, body: [], bodyLength: 0 });
  const batch = await readStoredGroup(group, decoder.schema as Schema);
  const dec = countedDeclinations(await readRows(batch, receivedColumns(columns, batch.schema, where), where));
  for (let i = 0; i < dec.length; i += stride) Atomics.add(counts, binOf(dec[i]), stride);
}

/** The declinations of the rows that a filter leaves; those that are unusable otherwise are few, and count along. */
function countedDeclinations({ positions: { dec }, filtered }: SkyRows): Float64Array {
  return filtered ? dec.filter((_, row) => filtered[row] === 0) : dec;
}
