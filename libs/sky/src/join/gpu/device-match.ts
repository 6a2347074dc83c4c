import type { Execution } from '@armilla/gpu-core';
import { separationKeyFloor, separationKeyLimit } from '../../separation/separation.js';
import type { PairQuery } from '../query.js';
import type { JoinTasks } from '../join-tasks.js';
import { chordOfKey } from './bounds.js';
import { CandidateJobs } from './candidate-jobs.js';
import { Decision, type PartAnswers } from './decision.js';
import type { DeviceIndex } from './device-index.js';
import { BLOCK_ROWS, joinProgram, MOST_WANTED } from './join-program.js';
import { type ChunkLimits, type LeftChunk, MatchPlan, type Wish } from './match-plan.js';
import { Runs } from './runs.js';

export interface DeviceMatchOptions extends Pick<
  Execution,
  'signal' | 'tenant' | 'pieceBytes' | 'maxWaitMs' | 'onHalved' | 'workerCount' | 'fairKey'
> {
  /** What a chunk may take; default by the limits of the device. Only changes the speed. */
  readonly limits?: Partial<ChunkLimits> & { readonly candidateBytes?: number };
}

const CHUNK_ROWS = 2 ** 17;
/** Milliseconds on a card, some seconds on a software adapter: a cancelled match leaves the device after so many. */
const CHUNK_DISTANCES = 2 ** 31;
const SOFTWARE_CHUNK_DISTANCES = 2 ** 26;
const CANDIDATE_BYTES = 64 * 2 ** 20;
/** Share of the device's budget that one buffer of a job may take, of which several jobs have several. */
const BUFFER_SHARE = 1 / 16;
/** Chunks on the device before the first of them is judged: the host plans and judges while it computes. */
const CHUNKS_IN_FLIGHT = 2;

/** Why a query is not for a device; undefined where it is. */
export function deviceRefusal(query: PairQuery): string | undefined {
  const wanted = wantedOf(query);
  return wanted > MOST_WANTED ? `k is over ${MOST_WANTED}` : undefined;
}

/**
 * The search of a join for its pairs on a device, which proposes all right rows that may be in a pair; the expression of f64
 * decides. The same pairs as on the CPU. Throws what the device throws, MAX_PAIRS_EXCEEDED, KERNEL_MISMATCH.
 */
export async function searchOnDevice(
  index: DeviceIndex,
  join: JoinTasks,
  query: PairQuery,
  options: DeviceMatchOptions,
): Promise<void> {
  const abort = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal;
  signal.throwIfAborted();
  const { host, device } = index;
  const rules = { signal, fairKey: options.fairKey, workerCount: options.workerCount };
  const limits = limitsOf(index, options);
  const wish = wishOf(query, index);
  using blocks = await Runs.lay(
    { ...join, runtime: host.runtime, heap: host.heap },
    {
      ...rules,
      most: BLOCK_ROWS,
      stride: joinProgram().row.byteLength,
      side: 'left',
      self:
        query.selfFirstRow === undefined
          ? undefined
          : { firstRow: query.selfFirstRow, lonePlaces: await index.lonePlaces(), rowCount: host.rowCount },
    },
  );
  using plan = new MatchPlan(index, blocks, wish, limits, rules);
  using decision = new Decision(index, blocks, join, query, rules);
  const jobs = new CandidateJobs(device, host.heap, { ...options, ...limits, wanted: wish.wanted, signal });
  const inFlight: { chunk: LeftChunk; answers: Promise<PartAnswers[]> }[] = [];
  const decideFirst = async (): Promise<void> => {
    const { chunk, answers } = inFlight[0];
    await decision.decide(chunk, await answers);
    inFlight.shift();
    disposeOf(chunk);
  };
  try {
    for await (const chunk of plan.chunks()) {
      const answers = Promise.all(
        chunk.parts.map(async (visits) => ({
          firstPlace: visits.part.firstPlace,
          answers: await jobs.candidates(blocks, chunk, visits),
        })),
      );
      // It is waited for later; until then nobody hears of a failure.
      answers.catch(() => undefined);
      inFlight.push({ chunk, answers });
      if (inFlight.length >= CHUNKS_IN_FLIGHT) await decideFirst();
    }
    while (inFlight.length > 0) await decideFirst();
  } catch (error) {
    abort.abort(error);
    await Promise.allSettled(inFlight.map(({ answers }) => answers));
    for (const { chunk } of inFlight) disposeOf(chunk);
    throw error;
  }
}

function disposeOf({ parts }: LeftChunk): void {
  for (const { visits } of parts) visits[Symbol.dispose]();
}

/** Right rows that a left row wants to be kept apart, 0: all within the radius. */
function wantedOf({ find, k, neighbourCount, secondSeparation }: PairQuery): number {
  if (find === 'all' || neighbourCount) return 0;
  return Math.max(find === 'nearest' ? 1 : k, secondSeparation ? 2 : 1);
}

function wishOf(query: PairQuery, { recordCount }: DeviceIndex): Wish {
  const wanted = Math.min(wantedOf(query), recordCount);
  return {
    limitChord: chordOfKey(separationKeyLimit(query.radiusArcsec)),
    floorChord: chordOfKey(separationKeyFloor(query.minRadiusArcsec)),
    wanted,
    sureCount: wanted + (query.selfFirstRow === undefined ? 0 : 1),
  };
}

function limitsOf(
  { device: { info }, budgetBytes = Infinity }: DeviceIndex,
  { limits: given = {}, pieceBytes = Infinity }: DeviceMatchOptions,
): ChunkLimits & { readonly candidateBytes: number } {
  const { maxBufferBytes, maxStorageBindingBytes, maxWorkgroupsPerDimension } = info.limits;
  const bindingBytes = Math.min(maxBufferBytes, maxStorageBindingBytes, budgetBytes * BUFFER_SHARE, pieceBytes / 4);
  return {
    rowCount: Math.min(given.rowCount ?? CHUNK_ROWS, Math.floor(bindingBytes / joinProgram().row.byteLength)),
    blockCount: Math.min(given.blockCount ?? Infinity, maxWorkgroupsPerDimension),
    distanceCount: given.distanceCount ?? (info.software ? SOFTWARE_CHUNK_DISTANCES : CHUNK_DISTANCES),
    visitBytes: Math.min(given.visitBytes ?? Infinity, bindingBytes),
    candidateBytes: Math.min(given.candidateBytes ?? CANDIDATE_BYTES, bindingBytes),
  };
}
