import { type FlightMessage, FRAME_BODY_BYTES, makeFlightMessage } from '@armilla/chassis';
import { MessageEncoder, recordBatch } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';

/** Rows of a piece are a multiple of this, so that its columns and bitmaps begin at whole bytes, 8-byte aligned. */
const ROW_STEP = 64;

/** Encodes a table for Flight, where each message is a whole one of Arrow: batches are cut to bodies of about 1 MiB. */
export class FlightEncoder {
  readonly #encoder: MessageEncoder;

  constructor(schema: Schema) {
    this.#encoder = new MessageEncoder(schema);
  }

  schemaMessage(): FlightMessage {
    return makeFlightMessage(this.#encoder.schemaMessage());
  }

  *encode(batch: RecordBatch): Generator<FlightMessage, void, undefined> {
    const messages = this.#encoder.encode(batch);
    const whole = messages.pop();
    if (!whole) throw new TypeError('a batch gives at least one message');
    for (const dictionary of messages) yield makeFlightMessage(dictionary);
    const pieceCount = Math.ceil(whole.bodyLength / FRAME_BODY_BYTES);
    if (pieceCount <= 1 || batch.numRows <= ROW_STEP) yield makeFlightMessage(whole);
    else {
      const rowCount = Math.max(ROW_STEP, Math.floor(batch.numRows / pieceCount / ROW_STEP) * ROW_STEP);
      for (let from = 0; from < batch.numRows; from += rowCount)
        yield* this.encode(slice(batch, from, Math.min(rowCount, batch.numRows - from)));
    }
  }
}

function slice(batch: RecordBatch, from: number, count: number): RecordBatch {
  const columns = batch.data.children.map((column) => column.slice(from, count));
  return recordBatch(batch.schema, columns, count);
}
