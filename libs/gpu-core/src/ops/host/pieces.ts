import { isProblem } from '@armilla/base';
import { type Chunk, chunkRows, cutEvenly } from '../../batch/chunks.js';
import { spreadOver } from '../../batch/spread.js';
import type { Device, Job } from '../../device/device.js';
import type { Execution } from './execution.js';

/** Pieces of a call that a device has at once: one is uploaded, one computed, one read back. */
export const PIECES_AHEAD = 3;

/** A call in pieces, each of which is one job and leaves its result where no other piece reads or writes. */
export interface PieceWork<Piece> {
  readonly pieces: readonly Piece[];
  /** Two for one, undefined where none is smaller. */
  readonly halve: (piece: Piece) => readonly [Piece, Piece] | undefined;
  readonly jobOf: (piece: Piece, device: Device) => Job;
  readonly take: (piece: Piece, outputs: Readonly<Record<string, ArrayBuffer>>) => void;
}

/**
 * Runs the pieces, some at a time on each device of the call. One for which there is no memory waits for the others of its
 * call, then is halved. Throws what the jobs throw: MEMORY_EXHAUSTED where no piece is small enough.
 */
export async function runPieces<Piece>(execution: Execution, device: Device, work: PieceWork<Piece>): Promise<void> {
  const { alongside = [], tenant, maxWaitMs, signal } = execution;
  let runningCount = 0;
  const waiting: (() => void)[] = [];
  const runOne = async (on: Device, piece: Piece, pieceSignal: AbortSignal | undefined): Promise<void> => {
    for (;;) {
      let fault: unknown;
      runningCount++;
      try {
        const job = { ...work.jobOf(piece, on), tenant, maxWaitMs };
        const { outputs } = await on.run(job, { signal: pieceSignal });
        return work.take(piece, outputs);
      } catch (error) {
        if (!isMemoryFault(error)) throw error;
        fault = error;
      } finally {
        runningCount--;
        for (const wake of waiting.splice(0)) wake();
      }
      if (runningCount > 0) {
        await new Promise<void>((resolve) => waiting.push(resolve));
        continue;
      }
      const halves = work.halve(piece);
      if (halves === undefined) throw fault;
      execution.onHalved?.();
      for (const half of halves) await runOne(on, half, pieceSignal);
      return;
    }
  };
  const { pieces } = work;
  if (pieces.length === 1) return await runOne(device, pieces[0], signal);
  await spreadOver({
    devices: [device, ...alongside],
    chunkCount: pieces.length,
    ahead: PIECES_AHEAD,
    deviceFault: isDeviceFault,
    signal,
    run: (on, index, pieceSignal) => runOne(on, pieces[index], pieceSignal),
  });
}

/** Pieces of `length` values, rows or bytes that fit a binding and the memory that the call may take at once. */
export function rangesOf(
  execution: Execution,
  length: number,
  limits: { readonly most: number; readonly multiple?: number; readonly bytesOf: (count: number) => number },
): Pick<PieceWork<Chunk>, 'pieces' | 'halve'> {
  const { most, multiple = SMALLEST_PIECE, bytesOf } = limits;
  const largest = chunkRows(execution.pieceBytes ?? Infinity, bytesOf, { most, multiple });
  const halve = ({ start, end }: Chunk): readonly [Chunk, Chunk] | undefined => {
    if (end - start <= multiple) return undefined;
    const middle = start + Math.ceil((end - start) / (2 * multiple)) * multiple;
    return [
      { start, end: middle },
      { start: middle, end },
    ];
  };
  return { pieces: cutEvenly(length, largest, multiple), halve };
}

/** The fault is want of memory, now or for good. */
export function isMemoryFault(error: unknown): boolean {
  return isProblem(error) && (error.reason === 'MEMORY_EXHAUSTED' || error.reason === 'MEMORY_OVER_LIMIT');
}

/** The fault is the device's, not the call's: another one may do it. */
export function isDeviceFault(error: unknown): boolean {
  return isProblem(error) && DEVICE_FAULTS.has(error.reason);
}

const DEVICE_FAULTS: ReadonlySet<string> = new Set([
  'DEVICE_UNAVAILABLE',
  'DEVICE_LOST',
  'DEVICE_STALLED',
  'DEVICE_FAILED',
]);

const SMALLEST_PIECE = 1024;
