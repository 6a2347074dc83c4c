import { MessageChannel, type MessagePort } from 'node:worker_threads';

let nowhere: MessagePort | undefined;

/** Gives the memory of `buffer` back now instead of at some later garbage collection; it is empty afterwards. */
export function releaseBuffer(buffer: ArrayBuffer): void {
  if (!nowhere) {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    port2.close();
    nowhere = port2;
  }
  // What is given away to a port that nobody reads is freed at once.
  nowhere.postMessage(undefined, [buffer]);
}
