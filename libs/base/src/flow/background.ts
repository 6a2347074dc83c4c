import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const KEY = 'armilla.background';
/** Weight 110 beside the 1024 of a thread that serves, by the scheduler's table. */
const NICE = 10;

/**
 * For a process that serves: threads started from now on give way to it, so that answers do not wait for computing. Linux
 * keeps a priority for each thread; elsewhere nothing changes.
 */
export function computeInBackground(): void {
  setEnvironmentData(KEY, true);
}

/** Called by a worker thread as it starts. True when it now gives way. */
export function enterBackground(): boolean {
  if (getEnvironmentData(KEY) !== true || process.platform !== 'linux') return false;
  try {
    // The number of the calling thread, which setpriority(2) takes where others take that of a process.
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (getPriority(thread) >= NICE) return true;
    setPriority(thread, NICE);
    return true;
  } catch (error) {
    // Without /proc or the right to set it the thread keeps its priority, which only costs others their turn.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}
