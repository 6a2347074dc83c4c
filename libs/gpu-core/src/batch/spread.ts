import { fail, toProblem, whenAborted } from '@armilla/base';

export interface SpreadOptions<Device, Result> {
  readonly devices: readonly Device[];
  readonly chunkCount: number;
  readonly run: (device: Device, chunk: number, signal: AbortSignal) => Promise<Result>;
  /** Chunks that a device has at a time, so that it uploads one while it computes another; 2 if left out. */
  readonly ahead?: number;
  /** True for faults of the device, not of the chunk: it gets no more, others take over. Default: DEVICE_UNAVAILABLE. */
  readonly deviceFault?: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * Runs chunks on several devices, each taking the next as it gets free, so that a slow one holds up no other. Results
 * are in the order of the chunks. The first fault of a chunk ends the others and is thrown.
 */
export async function spreadOver<Device, Result>(options: SpreadOptions<Device, Result>): Promise<Result[]> {
  const { devices, chunkCount, run, ahead = 2, signal } = options;
  const deviceFault = options.deviceFault ?? ((error) => toProblem(error).reason === 'DEVICE_UNAVAILABLE');
  signal?.throwIfAborted();
  if (chunkCount === 0) return [];
  if (devices.length === 0) throw fail('DEVICE_UNAVAILABLE', { provider: '(any)', detail: 'there is no device' });
  const aborter = new AbortController();
  using _listening = whenAborted(signal, () => aborter.abort(signal?.reason));
  const results = new Array<Result>(chunkCount);
  const returned: number[] = [];
  const lost = new Set<Device>();
  let next = 0;
  let lastFault: unknown;

  const work = async (device: Device): Promise<void> => {
    while (!aborter.signal.aborted && !lost.has(device)) {
      const chunk = returned.pop() ?? (next < chunkCount ? next++ : undefined);
      if (chunk === undefined) return;
      try {
        results[chunk] = await run(device, chunk, aborter.signal);
      } catch (error) {
        if (aborter.signal.aborted) return;
        if (!deviceFault(error)) return aborter.abort(error);
        lost.add(device);
        lastFault = error;
        returned.push(chunk);
      }
    }
  };
  // A chunk may come back from a device that was lost after the others had run out of work: then they start again.
  do {
    const alive = devices.filter((device) => !lost.has(device));
    if (alive.length === 0) throw lastFault;
    await Promise.all(alive.flatMap((device) => Array.from({ length: ahead }, () => work(device))));
  } while (!aborter.signal.aborted && (returned.length > 0 || next < chunkCount));
  aborter.signal.throwIfAborted();
  return results;
}
