import type { Execution } from '@armilla/gpu-core';
import { setImmediate as turn } from 'node:timers/promises';
import { type Positions, positionStatuses } from '../../positions/positions.js';
import { separationKey, separationKeyFloor, separationKeyLimit } from '../../separation/separation.js';
import { PairChoice } from '../pair-choice.js';
import { type PlainRows, usableRows } from '../plain.js';
import type { ChunkPairs, PairQuery } from '../query.js';
import { chordOfKey } from './bounds.js';
import { type Answer, CandidateJobs } from './candidate-jobs.js';
import { cutCurve, orderAlongCurve } from './curve.js';
import type { DeviceIndex } from './device-index.js';
import { gather } from './gather.js';
import { BLOCK_ROWS, joinProgram, MOST_WANTED, wordOf } from './join-program.js';
import { type ChunkLimits, firstRowOf, type LeftChunk, planChunks, type Wish } from './match-plan.js';
import { layRuns, type Runs } from './runs.js';

export interface DeviceMatchOptions extends Pick<
  Execution,
  'signal' | 'tenant' | 'pieceBytes' | 'maxWaitMs' | 'onHalved'
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
/** Left rows and candidates judged between two turns of the event loop: some milliseconds. */
const TURN_STEPS = 32_768;

/** The candidates of a chunk in one part of the index. */
interface PartAnswers {
  readonly firstPlace: number;
  /** By left row. */
  readonly answers: readonly Answer[];
}

/** Why a query is not for a device; undefined where it is. */
export function deviceRefusal(query: PairQuery): string | undefined {
  const wanted = wantedOf(query);
  return wanted > MOST_WANTED ? `k is over ${MOST_WANTED}` : undefined;
}

/**
 * The pairs of left rows with an index on a device, which proposes all right rows that may be in a pair; the expression of f64
 * decides. The same pairs as on the CPU. Throws what the device throws, MAX_PAIRS_EXCEEDED, KERNEL_MISMATCH.
 */
export async function matchOnDevice(
  index: DeviceIndex,
  positions: Positions,
  query: PairQuery,
  options: DeviceMatchOptions = {},
): Promise<ChunkPairs> {
  const abort = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal;
  signal.throwIfAborted();
  const status = positionStatuses(positions);
  const choice = new PairChoice(status, query);
  const usable = usableRows(positions, status);
  const { rows, blocks } = await layLeft(usable, index, query, signal);
  const limits = limitsOf(index, options);
  const wish = wishOf(query, index);
  const jobs = new CandidateJobs(index.device, { ...options, ...limits, wanted: wish.wanted, signal });
  const inFlight: { chunk: LeftChunk; answers: Promise<PartAnswers[]> }[] = [];
  const judgeFirst = async (): Promise<void> => {
    const { chunk, answers } = inFlight[0];
    const from = firstRowOf(blocks, chunk.firstBlock);
    await judge(choice, rows, from, firstRowOf(blocks, chunk.endBlock), index, await answers, signal);
    inFlight.shift();
  };
  let candidateCount = 0;
  try {
    for await (const chunk of planChunks(blocks, index.parts, wish, limits, joinProgram(), signal)) {
      candidateCount += chunk.distanceCount;
      const answers = Promise.all(
        chunk.parts.map(async (visits) => ({
          firstPlace: visits.part.firstPlace,
          answers: await jobs.candidates(blocks, chunk, visits),
        })),
      );
      // It is waited for later; until then nobody hears of a failure.
      answers.catch(() => undefined);
      inFlight.push({ chunk, answers });
      if (inFlight.length >= CHUNKS_IN_FLIGHT) await judgeFirst();
    }
    while (inFlight.length > 0) await judgeFirst();
  } catch (error) {
    abort.abort(error);
    await Promise.allSettled(inFlight.map(({ answers }) => answers));
    throw error;
  }
  return choice.result({ candidateCount, cellCount: blocks.ends.length });
}

/** Right rows that a left row wants to be kept apart, 0: all within the radius. */
function wantedOf({ find, k, neighbourCount, secondSeparation }: PairQuery): number {
  if (find === 'all' || neighbourCount) return 0;
  return Math.max(find === 'nearest' ? 1 : k, secondSeparation ? 2 : 1);
}

function wishOf(query: PairQuery, { rows }: DeviceIndex): Wish {
  const wanted = Math.min(wantedOf(query), rows.length);
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

/** Left rows in the order of the curve, and their blocks. */
async function layLeft(
  usable: PlainRows,
  index: DeviceIndex,
  { selfFirstRow }: PairQuery,
  signal: AbortSignal,
): Promise<{ rows: PlainRows; blocks: Runs }> {
  const curve = await orderAlongCurve(usable, signal);
  const rows = {
    ra: gather(usable.ra, curve.order),
    dec: gather(usable.dec, curve.order),
    row: gather(usable.row, curve.order),
  };
  const { row: layout } = joinProgram();
  const stride = layout.byteLength / 4;
  const blocks = await layRuns(rows, cutCurve(curve, BLOCK_ROWS), stride, signal);
  const words = new Uint32Array(blocks.offsets.buffer);
  for (let i = 0, at = wordOf(layout, 'itself'); i < rows.row.length; i++, at += stride)
    words[at] = index.lonePlace(selfFirstRow === undefined ? -1 : selfFirstRow + rows.row[i]);
  return { rows, blocks };
}

/** Holds the candidates of left rows [from, to) against the one expression. */
async function judge(
  choice: PairChoice,
  left: PlainRows,
  from: number,
  to: number,
  index: DeviceIndex,
  parts: readonly PartAnswers[],
  signal: AbortSignal,
): Promise<void> {
  const { found: layout } = joinProgram();
  const stride = layout.byteLength / 4;
  const firstWord = wordOf(layout, 'first');
  const countWord = wordOf(layout, 'count');
  const places = parts.map(() => 0);
  for (let i = from, steps = 0; i < to; i++) {
    const ra = left.ra[i];
    const dec = left.dec[i];
    choice.begin(left.row[i]);
    for (let p = 0; p < parts.length; p++) {
      const { firstPlace, answers } = parts[p];
      while (answers[places[p]].endRow <= i) places[p]++;
      const { firstRow, found, candidates } = answers[places[p]];
      const at = (i - firstRow) * stride;
      const first = found[at + firstWord];
      const count = found[at + countWord];
      for (let c = first; c < first + count; c++) {
        const place = firstPlace + candidates[c];
        const key = separationKey(ra, dec, index.ra[place], index.dec[place]);
        steps += offerAll(choice, key, index, place);
      }
    }
    choice.end();
    if (++steps < TURN_STEPS) continue;
    steps = 0;
    await turn();
    signal.throwIfAborted();
  }
}

/** Offers the rows of a place; of one of many rows as many as may be chosen. */
function offerAll(choice: PairChoice, key: number, { firstRows, rows }: DeviceIndex, place: number): number {
  const first = firstRows[place];
  const end = Math.min(firstRows[place + 1], first + choice.mostOfOnePlace);
  for (let at = first; at < end; at++) choice.offer(key, rows[at]);
  return end - first;
}
