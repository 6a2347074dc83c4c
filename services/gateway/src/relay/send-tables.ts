import { type Frame, makeFrame, writeFrame } from '@armilla/chassis';
import { isProblem } from '@armilla/base';
import type { Writable } from 'node:stream';

/**
 * Sends the opening message, then the frames of the tables, and closes the sending side. What the source throws is
 * thrown; when the call itself is over, sending just stops, as its reading side knows why.
 */
export async function sendTables(
  call: Writable,
  opening: Uint8Array,
  frames: AsyncIterable<Frame>,
  signal: AbortSignal,
): Promise<void> {
  if (!(await sent(call, makeFrame({ metadata: opening }), signal))) return;
  for await (const frame of frames) {
    if (!(await sent(call, frame, signal))) return;
  }
  call.end();
}

/** False when the call has ended. */
async function sent(call: Writable, frame: Frame, signal: AbortSignal): Promise<boolean> {
  try {
    await writeFrame(call, frame, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (isProblem(error) && error.reason === 'CANCELLED') return false;
    throw error;
  }
}
