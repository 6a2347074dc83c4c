import { fail } from '@armilla/base';
import type { MessageDecoder, TableReader } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';

/**
 * The table that `decoder` makes of the messages of a stream, readable once its schema has come. `messages` gives the batches,
 * undefined for messages that are none, and waits with `wait.signal`: the call's while the table is opened, the reader's then.
 */
export async function openDecoded(
  where: string,
  decoder: MessageDecoder,
  messages: AsyncGenerator<RecordBatch | undefined, void, undefined>,
  wait: { signal: AbortSignal },
  {
    rowCount,
    misfits = new Map(),
    warnings,
  }: { rowCount?: number; misfits?: ReadonlyMap<string, number>; warnings?: readonly string[] },
): Promise<TableReader> {
  while (decoder.schema === undefined) {
    const { done } = await messages.next();
    if (done) throw fail('STREAM_ORDER', { where, detail: 'the table ends before its schema' });
  }
  let begun = false;
  const { schema } = decoder;
  return {
    where,
    format: 'arrow-stream',
    schema,
    rowCount,
    misfits,
    warnings,
    async *batches({ columns, signal } = {}) {
      if (begun) throw new TypeError(`${where} can be read once`);
      begun = true;
      if (signal) wait.signal = signal;
      if (columns) decoder.select(columns.map((name) => schema.fields.findIndex((field) => field.name === name)));
      for await (const batch of messages) if (batch) yield batch;
    },
    close: async () => undefined,
  };
}

/** A client that stops sending must not hold up the end of a call that has failed for another reason. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
