import type { Random } from '@armilla/base';

/** Devices predicted beyond this factor of the best are not tried, but for those that were found slower. */
const RANGE = 3;
/** Largest share of the time of all calls that tries may cost. */
const BUDGET_SHARE = 0.01;
/** One try may cost this share of what is left of that. */
const SINGLE_SHARE = 0.25;
/** Share of the calls with a candidate that try it. */
const RATE = 0.1;
/** A device whose last sample is this many calls of the operation ago is worth a try. */
const STALE_CALLS = 100;
/** A device with fewer samples is worth a try. */
const FEW_SAMPLES = 5;

/** A device that might be tried in place of the best. */
export interface Try {
  /** What it may well cost beyond the best, ms. */
  readonly extraMs: number;
  /** Predicted time by that of the best. */
  readonly ratio: number;
  readonly samples: number;
  readonly callsSinceSample: number;
  /** It would be the best if a doubt about it were unfounded. */
  readonly doubted: boolean;
  /** It was found slower: small calls, cheap however slow it is, show whether it still is. */
  readonly slowed: boolean;
}

/** Spends at most 1 % of the time of all calls on devices that are not the best by what is known. */
export class Exploration {
  #totalMs = 0;
  #spentMs = 0;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  get spentMs(): number {
    return this.#spentMs;
  }

  get totalMs(): number {
    return this.#totalMs;
  }

  /** Whether to try a device now. */
  affords(tried: Try): boolean {
    if (tried.extraMs > SINGLE_SHARE * (BUDGET_SHARE * this.#totalMs - this.#spentMs)) return false;
    if (tried.doubted) return true;
    if (tried.ratio > RANGE && !tried.slowed) return false;
    if (tried.samples >= FEW_SAMPLES && tried.callsSinceSample < STALE_CALLS) return false;
    return this.#random.uniform() < RATE;
  }

  /** `extraMs`: of a try, what it took beyond the prediction of the best; else 0. */
  account(actualMs: number, extraMs: number): void {
    this.#totalMs += actualMs;
    this.#spentMs += Math.max(0, extraMs);
  }
}
