import type { OutgoingHttpHeaders } from 'node:http';
import type { ClientWriter } from './client-writer.js';

const HOLD_BYTES = 256 << 10;
const HOLD_MS = 100;

const HOLD_OVER = Symbol('hold over');

/**
 * Sends an answer as it comes. Its beginning is held back for a moment, so that a failure right at the start, and any
 * failure of a short answer, still becomes a proper error and a short answer gets its length. Throws what the source
 * throws; the caller turns that into an error answer or, once bytes are out, into a broken connection.
 */
export async function sendAnswer(
  writer: ClientWriter,
  chunks: AsyncIterable<readonly Uint8Array[]>,
  head: () => OutgoingHttpHeaders,
): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let holdTimer: NodeJS.Timeout | undefined;
  let holdOver: Promise<typeof HOLD_OVER> | undefined;
  const { response } = writer;
  try {
    let pending = iterator.next();
    for (;;) {
      const result = await (holdOver === undefined || response.headersSent
        ? pending
        : Promise.race([pending, holdOver]));
      if (result !== HOLD_OVER && result.done) break;
      if (result !== HOLD_OVER && !response.headersSent) {
        for (const part of result.value) {
          held.push(part);
          heldBytes += part.byteLength;
        }
        holdOver ??= new Promise((resolve) => (holdTimer = setTimeout(() => resolve(HOLD_OVER), HOLD_MS)));
        if (heldBytes < HOLD_BYTES) {
          pending = iterator.next();
          continue;
        }
      }
      if (!response.headersSent) {
        response.writeHead(200, head());
        await writer.write(held);
        held = [];
      } else if (result !== HOLD_OVER) {
        await writer.write(result.value);
      }
      if (result !== HOLD_OVER) pending = iterator.next();
    }
    if (!response.headersSent) {
      response.writeHead(200, { ...head(), 'content-length': heldBytes });
      await writer.write(held);
    }
    await writer.end();
  } finally {
    clearTimeout(holdTimer);
    // Not awaited: a source that waits for the service ends by the signal of the exchange.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
