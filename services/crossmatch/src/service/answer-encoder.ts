import { crc32c, cutMessage, type Frame, makeFrame, sealFrame } from '@armilla/chassis';
import { StreamEvent } from '@armilla/proto';
import { MessageEncoder } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';

/** An answer as response frames: the schema, batches, events between them, and the summary in the last frame. */
export class AnswerEncoder {
  readonly #encoder: MessageEncoder;
  #rowCount = 0;
  #batchCount = 0;
  #bodyCrc32c = 0;

  /** `crc`: sum each frame with CRC-32C. */
  constructor(
    schema: Schema,
    private readonly crc: boolean,
  ) {
    this.#encoder = new MessageEncoder(schema);
  }

  schemaFrames(): Iterable<Frame> {
    return cutMessage(this.#encoder.schemaMessage(), 0, { crc: this.crc });
  }

  *batchFrames(batch: RecordBatch): Generator<Frame> {
    this.#rowCount += batch.numRows;
    this.#batchCount++;
    for (const message of this.#encoder.encode(batch)) {
      for (const part of message.body) this.#bodyCrc32c = crc32c(part, this.#bodyCrc32c);
      yield* cutMessage(message, 0, { crc: this.crc });
    }
  }

  eventFrame(event: StreamEvent['event'], endOfTable = false): Frame {
    const frame = makeFrame({ metadata: StreamEvent.encode({ event }).finish(), endOfTable });
    return this.crc ? sealFrame(frame) : frame;
  }

  /** The last frame. */
  summaryFrame(detailJson: string): Frame {
    const value = {
      rowCount: BigInt(this.#rowCount),
      batchCount: BigInt(this.#batchCount),
      bodyCrc32c: this.#bodyCrc32c,
      detailJson,
    };
    return this.eventFrame({ $case: 'summary', value }, true);
  }
}
