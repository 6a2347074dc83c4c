import type { Runtime } from '@armilla/gpu-core';
import {
  MessageDecoder,
  MessageEncoder,
  ParquetReader,
  readStoredGroup,
  type StoredGroup,
  type TableReader,
} from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { type PositionColumns, receivedColumns, type SentColumns, sentColumns, neededColumns } from '../columns.js';
import { workerModule } from '../ops/module.js';
import { readRows, type SkyRows } from '../positions.js';
import { subSchema } from '../result/payload.js';

/** Rows of one row group that a thread reads. */
export interface GroupTask {
  readonly group: StoredGroup;
  readonly schemaHeader: Uint8Array;
  readonly columns: SentColumns;
  readonly where: string;
}

export interface TableScan<T> {
  readonly reader: TableReader;
  readonly columns: PositionColumns;
  readonly runtime: Runtime;
  readonly signal: AbortSignal | undefined;
  /** Threads read the first rows of each row group, one in so many; all when undefined. */
  readonly oneIn?: number;
  /** What threads run for a row group, and what it is told besides. */
  readonly task: { readonly name: string; readonly more: object };
  /** The same for rows that are here. */
  readonly here: (rows: SkyRows) => T;
}

/** Reads the positions of a table and what else is known of its rows, row group by row group in threads where it has them. */
export async function scanTable<T>(
  { reader, columns, runtime, signal, task, here, oneIn = 1 }: TableScan<T>,
  onPart: (result: T, rowCount: number) => void,
): Promise<void> {
  const names = neededColumns(columns);
  const schema = subSchema(reader.schema, names);
  const groups =
    reader instanceof ParquetReader ? reader.storedGroups(schema.fields.map(({ name }) => name)) : undefined;
  if (!groups) {
    for await (const batch of reader.batches({ columns: names, signal })) {
      signal?.throwIfAborted();
      onPart(here(await readRows(batch, columns, reader.where, signal)), batch.numRows);
    }
    return;
  }
  const shared = {
    schemaHeader: new MessageEncoder(schema).schemaMessage().header,
    columns: sentColumns(columns),
    where: reader.where,
    ...task.more,
  };
  const running: { readonly done: Promise<T>; readonly rowCount: number }[] = [];
  const take = async (): Promise<void> => {
    const [{ done, rowCount }] = running.splice(0, 1);
    onPart(await done, rowCount);
  };
  try {
    for (const group of groups) {
      signal?.throwIfAborted();
      // Not to be left by a signal: the file stays open until the last read has ended.
      const done = runtime.call<T>(workerModule(), task.name, [
        { ...shared, group: { ...group, rowLimit: Math.ceil(group.rowCount / oneIn) } },
      ]);
      done.catch(() => undefined);
      running.push({ done, rowCount: group.rowCount });
      if (running.length > runtime.workerCount) await take();
    }
    while (running.length > 0) await take();
  } finally {
    await Promise.allSettled(running.map(({ done }) => done));
  }
}

/** The rows of a task, in a worker. */
export async function rowsOfGroup({ group, schemaHeader, columns, where }: GroupTask): Promise<SkyRows> {
  const decoder = new MessageDecoder({ where: 'rows' });
  decoder.decode({ header: schemaHeader, body: [], bodyLength: 0 });
  const batch: RecordBatch = await readStoredGroup(group, decoder.schema as Schema);
  return readRows(batch, receivedColumns(columns, batch.schema, where), where);
}
