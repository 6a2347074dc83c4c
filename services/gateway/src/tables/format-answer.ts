import { encodeTableInWorker } from '@armilla/tables';
import type { AnswerFormat } from '../answer/answer-format.js';

/** An answer in the asked format: Arrow streams go through untouched, the others are written in a worker thread. */
export function formatAnswer(
  answer: AsyncIterable<readonly Uint8Array[]>,
  format: AnswerFormat,
  signal: AbortSignal,
): AsyncIterable<readonly Uint8Array[]> {
  return format === 'arrow-stream' ? answer : inParts(encodeTableInWorker(format, flat(answer), { signal }));
}

async function* flat(answer: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const parts of answer) yield* parts;
}

async function* inParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  for await (const chunk of bytes) yield [chunk];
}
