import { overlaps } from './overlap.js';
import type { Profile } from './profile.js';
import type { Roofline } from './roofline.js';
import { type OpSummary, summarise } from './summary.js';

export interface Advice {
  readonly rule: 'transfer' | 'queue' | 'overhead' | 'overlap' | 'roofline' | 'tail' | 'memory' | 'router' | 'dropped';
  /** What was seen and what to do. */
  readonly text: string;
  /** Time that it is about, ns; 0 where that is not known. */
  readonly affectedNs: number;
}

/** The size from which the router prefers another device, at two times. */
export interface CrossoverChange {
  readonly op: string;
  /** NaN: there was none. */
  readonly beforeSize: number;
  readonly nowSize: number;
}

export interface AdviceContext {
  readonly rooflines?: readonly Roofline[];
  readonly crossovers?: readonly CrossoverChange[];
  readonly memory?: readonly { readonly device: string; readonly usedBytes: number; readonly budgetBytes: number }[];
}

/** A share from which a part of the time is worth a word. */
const MUCH = 0.5;
const MOVED = 2;
const LITTLE_OVERLAP = 0.3;
const LOW_ROOF_PERCENT = 20;
const LONG_TAIL = 10;
const MEMORY_MARK = 0.85;

/** What the numbers suggest, the most time first. */
export function adviseOn(profile: Profile, context: AdviceContext = {}): Advice[] {
  const advice = summarise(profile, context.rooflines).flatMap(adviseOnOp);
  for (const { device, transferNs, share } of overlaps(profile)) {
    const kernelNs = sumOf(profile, device);
    if (share < LITTLE_OVERLAP && transferNs > 0.2 * (transferNs + kernelNs)) {
      advice.push({
        rule: 'overlap',
        text: `${device}: ${percent(share)} of the transfers ran beside a kernel; upload the next chunk while this one computes`,
        affectedNs: transferNs,
      });
    }
  }
  for (const { op, beforeSize, nowSize } of context.crossovers ?? []) {
    const ratio = nowSize / beforeSize;
    if (ratio > MOVED || ratio < 1 / MOVED) {
      advice.push({
        rule: 'router',
        text: `${op}: the router's crossover moved from ${beforeSize} to ${nowSize}; calibrate again if the machine has changed`,
        affectedNs: 0,
      });
    }
  }
  for (const { device, usedBytes, budgetBytes } of context.memory ?? []) {
    if (budgetBytes > 0 && usedBytes > MEMORY_MARK * budgetBytes) {
      advice.push({
        rule: 'memory',
        text: `${device}: ${percent(usedBytes / budgetBytes)} of the memory budget is used; from 85 % on chunks are halved and operands leave the device`,
        affectedNs: 0,
      });
    }
  }
  if (profile.droppedCount > 0) {
    advice.push({
      rule: 'dropped',
      text: `${profile.droppedCount} spans were not recorded, since too many were open: some that begin are never ended`,
      affectedNs: 0,
    });
  }
  return advice.sort((a, b) => b.affectedNs - a.affectedNs);
}

function adviseOnOp(row: OpSummary): Advice[] {
  const name = `${row.op} on ${row.device}`;
  const advice: Advice[] = [];
  const say = (rule: Advice['rule'], affectedNs: number, text: string): void =>
    void advice.push({ rule, affectedNs, text: `${name}: ${text}` });
  const partsNs = row.queueNs + row.uploadNs + row.kernelNs + row.readbackNs + row.overheadNs;
  if (partsNs > 0) {
    const transferNs = row.uploadNs + row.readbackNs;
    if (transferNs > MUCH * partsNs) {
      say('transfer', transferNs, `transfer is ${percent(transferNs / partsNs)} of the time; keep operands resident`);
    }
    if (row.queueNs > MUCH * partsNs) {
      say(
        'queue',
        row.queueNs,
        `waiting in the queue is ${percent(row.queueNs / partsNs)} of the time; send fewer calls at once, batch them, or spread them over devices`,
      );
    }
    if (row.overheadNs > MUCH * partsNs) {
      say(
        'overhead',
        row.overheadNs,
        `overhead is ${percent(row.overheadNs / partsNs)} of the time; batch small calls`,
      );
    }
  }
  if (row.rooflinePercent < LOW_ROOF_PERCENT && row.kernelNs > MUCH * partsNs) {
    say(
      'roofline',
      row.kernelNs,
      `reaches ${row.rooflinePercent.toFixed(1)} % of the roofline; tune the kernel (tile sizes, memory order) before anything else`,
    );
  }
  if (row.heldCount >= 100 && row.p99Ns > LONG_TAIL * row.p50Ns) {
    say(
      'tail',
      row.p99Ns * 0.01 * row.count,
      `one call in a hundred takes ${(row.p99Ns / row.p50Ns).toFixed(0)} times the median or more; look for compilation, allocation or another tenant`,
    );
  }
  return advice;
}

function sumOf(profile: Profile, device: string): number {
  return profile.totals.reduce((sum, row) => (profile.devices[row.device] === device ? sum + row.kernelNs : sum), 0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
