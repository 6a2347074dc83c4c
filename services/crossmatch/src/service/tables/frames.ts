import { type Frame, makeFrame, sealFrame } from '@armilla/chassis';
import { StreamEvent } from '@armilla/proto';
import { PROVENANCE_KEY, withMetadata } from '@armilla/tables';
import { tablesProvenance } from '../../nway/tables-provenance.js';
import type { Progress } from '../../summary.js';
import { AnswerEncoder } from '../answer-encoder.js';
import { protoProgress } from '../describe.js';
import { withProgress } from '../with-progress.js';
import type { AnsweredTables, TablesAnswer } from './match.js';

/** A match of several tables as response frames: progress, schema, batches, and the summary in the last frame. */
export class TablesFrames implements TablesAnswer<Frame> {
  /** `crc`: sum each frame with CRC-32C. */
  constructor(private readonly crc: boolean) {}

  *progress(progress: Progress): Generator<Frame> {
    const event = { $case: 'progress' as const, value: protoProgress(progress) };
    const frame = makeFrame({ metadata: StreamEvent.encode({ event }).finish() });
    yield this.crc ? sealFrame(frame) : frame;
  }

  async *rows({ stream, stored, progress, detailJson }: AnsweredTables): AsyncGenerator<Frame, void, undefined> {
    const provenance = { [PROVENANCE_KEY]: JSON.stringify(tablesProvenance(stream, stored)) };
    const encoder = new AnswerEncoder(withMetadata(stream.schema, provenance), this.crc);
    yield* encoder.schemaFrames();
    for await (const item of withProgress(stream, progress)) {
      if ('stage' in item) yield* this.progress(item);
      else yield* encoder.batchFrames(item);
    }
    yield encoder.summaryFrame(detailJson());
  }
}
