import type { RecordBatch } from 'apache-arrow';
import type { MatchSummary } from '@armilla/crossmatch';
import { encodeTable, openTable } from '@armilla/tables';
import { camelCaseKeys } from '../crossmatch/json-names.js';
import type { ServerClient } from '../server/server-client.js';
import { CATALOG_SCHEMA, catalogBatches } from './arrow-catalog.js';
import type { DemoField } from './simulation.js';

const COLUMNS = 'left.id,right.id,left.ra,left.dec,left.mag,separation_arcsec,left.true_id,right.true_id';

export interface FieldMatch {
  readonly summary: MatchSummary;
  /** Result rows whose two sides show the same source. */
  readonly correctRowCount: number;
  readonly rowCount: number;
  /** From the first byte sent to the last row read. */
  readonly seconds: number;
}

export interface MatchEvents {
  onFirstBatch?(batch: RecordBatch, seconds: number): Promise<void>;
  onProgress?(sentRowCount: number, resultRowCount: number, seconds: number): void;
}

/** Streams both catalogs of a field through the server as Arrow and reads the nearest matches, checking each against the truth. */
export async function matchField(
  client: ServerClient,
  field: DemoField,
  radiusArcsec: number,
  signal: AbortSignal,
  events: MatchEvents,
): Promise<FieldMatch> {
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  let sentRowCount = 0;
  let rowCount = 0;
  let correctRowCount = 0;
  const sent = async function* (batches: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch> {
    for await (const batch of batches) {
      yield batch;
      sentRowCount += batch.numRows;
      events.onProgress?.(sentRowCount, rowCount, elapsed());
    }
  };
  const part = (name: 'left' | 'right') => ({
    name,
    fileName: `${name}.arrows`,
    bytes: encodeTable('arrow-stream', CATALOG_SCHEMA, sent(catalogBatches(field[name]))),
  });
  const query = {
    radius_arcsec: String(radiusArcsec),
    columns: COLUMNS,
    order: 'any',
    left_row_count: String(field.left.rowCount),
    right_row_count: String(field.right.rowCount),
  };
  const answer = await client.match(query, [part('right'), part('left')], signal);
  const reader = await openTable({ name: 'the answer of the server', stream: answer.body }, { signal });
  for await (const batch of reader.batches({ signal })) {
    if (rowCount === 0 && batch.numRows > 0) await events.onFirstBatch?.(batch, elapsed());
    rowCount += batch.numRows;
    correctRowCount += countCorrect(batch);
    events.onProgress?.(sentRowCount, rowCount, elapsed());
  }
  const seconds = elapsed();
  const document = (await client.get(`v1/crossmatch/results/${answer.requestId}`, signal)) as { summary: unknown };
  return { summary: camelCaseKeys(document.summary) as MatchSummary, correctRowCount, rowCount, seconds };
}

function countCorrect(batch: RecordBatch): number {
  const left = batch.getChild('true_id_1')?.toArray() as Int32Array;
  const right = batch.getChild('true_id_2')?.toArray() as Int32Array;
  let count = 0;
  for (let i = 0; i < left.length; i++) if (left[i] === right[i]) count++;
  return count;
}
