import { encodeTable, openTable } from '@armilla/tables';
import type { AnswerFormat } from '../answer/answer-format.js';

/** An answer in the asked format: Arrow streams go through untouched. */
export function formatAnswer(answer: AsyncIterable<readonly Uint8Array[]>, format: AnswerFormat, signal: AbortSignal): AsyncIterable<readonly Uint8Array[]> {
  return format === 'arrow-stream' ? answer : formatted(answer, format, signal);
}

async function* formatted(answer: AsyncIterable<readonly Uint8Array[]>, format: AnswerFormat, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const reader = await openTable({ name: 'answer', stream: flat(answer) }, { format: 'arrow-stream', signal });
  for await (const chunk of encodeTable(format, reader.schema, reader.batches({ signal }))) yield [chunk];
}

async function* flat(answer: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const parts of answer) yield* parts;
}
