import { BucketCorrection, bucketOf, type Sample } from './bucket-correction.js';
import { ChangeDetector } from './change-detector.js';
import { LeastSquares } from './least-squares.js';

/** Parameters of `ms = launchMs * chunks + msPerWork * work + msPerByte * bytesToMove`; none negative. */
export interface CostTerms {
  readonly launchMs: number;
  readonly msPerWork: number;
  readonly msPerByte: number;
}

/** Where the parameters come from. */
export type ModelSource = 'prior' | 'calibrated' | 'learned';

/** A model as it is stored. */
export interface StoredModel extends CostTerms {
  readonly samples: number;
  /** Spread of measured by predicted time, natural log. */
  readonly sigma: number;
  readonly buckets: readonly (readonly [bucket: number, factor: number])[];
  /** How sure each term is (samples that it stands for), in the unit below; default: as if all had been measured. */
  readonly weights?: readonly number[];
  /** Least unit of each term. */
  readonly scales?: readonly number[];
}

/** Predicted time on an idle device, ms. */
export interface Prediction {
  readonly launchMs: number;
  readonly computeMs: number;
  readonly transferMs: number;
  /** Sum of the three. */
  readonly totalMs: number;
  /** Variance of the natural log of measured by predicted time. */
  readonly variance: number;
}

/** Weights of the terms that were there before any sample of now: in samples. */
const PRIOR_WEIGHT = 0.1;
const MEASURED_WEIGHT = 1;
const UNSURE_WEIGHT = 0.02;
const CHANGED_WEIGHT = 2;
/** No single change is believed beyond this factor: another will follow. */
const LARGEST_CHANGE = 8;
const PRIOR_SIGMA = 0.7;
const FIRST_SIGMA = 0.15;
const SMALLEST_SIGMA = 0.05;
/** Share of the newest residual in the running variance. */
const VARIANCE_RATE = 0.05;
/** A term that a calibration did not show may be this share of its upper bound. */
const UNSURE_SHARE = 0.1;
/**
 * Share of the least time by a unit of work, or by a byte, that this term has at least: where launches hide it, the
 * samples do not say that a million times the work is free. At most what was expected before any.
 */
const FLOOR_SHARE = 0.05;
/** Standard deviation of what is measured by a shipped prior: orders of magnitude. */
const PRIOR_SPREAD = 8;
const LARGEST_DOUBT = 16;
/** Where hiccups are usual, a call late by some milliseconds lets the next be expected late by at most this multiple of them. */
const LARGEST_DOUBT_BY_LATE = 4;
/** Exponent of a doubt from call to call. */
const FADING = 0.99;
/** The same where hiccups are usual. */
const HICCUP_FADING = 0.8;
/** The same where another operation is sure. */
const SURE_FADING = 0.998;
/** Changes are looked for above this spread. */
const SMALLEST_CHANGE_SIGMA = 0.1;
/** A call this many sigma too slow is doubtful. */
const DOUBT_SIGMAS = 5;
/** A call later than this many sigma may be a hiccup. */
const HICCUP_SIGMAS = 2;
/** So many sigma counts a call at most where hiccups are usual: five late ones in a row are a change there. */
const SHARED_SIGMAS = 3;
/** Terms of zero are anchored to a scale too. */
const SMALLEST_MS = 1e-6;
const SMALLEST_MS_PER_UNIT = 1e-12;
/** The timer's resolution: no measured time is shorter. */
const TIMER_MS = 1e-5;

/** What a measured call said of its device, as a factor of its prediction. */
export type Observation =
  | { readonly kind: 'usual' }
  /** Slow as never before: a hiccup, or the device has changed. The next call will tell. */
  | { readonly kind: 'doubtful'; readonly factor: number; readonly doubtMs: number }
  /** The device has changed; the model follows. */
  | { readonly kind: 'changed'; readonly factor: number };

/** Learnt cost of one (operation, dtype, device). Time and memory of each call are constant. */
export class CostModel {
  #source: ModelSource;
  #samples: number;
  #variance: number;
  #scales: [number, number, number];
  #squares: LeastSquares;
  /** Least measured time by a unit of work, and by a byte; infinite before any. */
  #leastMsPer = { work: Infinity, byte: Infinity };
  /** Terms that floors do not pass. */
  #unshown: CostTerms;
  readonly #buckets = new BucketCorrection();
  readonly #changes = new ChangeDetector();
  #doubt = 1;
  /** A doubt adds this much at most. */
  #doubtMs = Infinity;
  #fading = FADING;
  #revision = 0;

  /** `scales`: least unit of each term, for those that are zero by chance; `weights`: samples that a term stands for. */
  constructor(
    terms: CostTerms,
    source: 'prior' | 'calibrated' = 'prior',
    scales: readonly number[] = [0, 0, 0],
    weights: readonly number[] = [0, 0, 0].fill(source === 'prior' ? PRIOR_WEIGHT : MEASURED_WEIGHT),
  ) {
    this.#source = source;
    this.#unshown = terms;
    this.#samples = 0;
    this.#variance = (source === 'prior' ? PRIOR_SIGMA : FIRST_SIGMA) ** 2;
    this.#scales = scalesOf(terms, scales);
    const anchor = [terms.launchMs, terms.msPerWork, terms.msPerByte].map((term, i) => term / this.#scales[i]);
    this.#squares = new LeastSquares(anchor, weights);
  }

  /** Fits the terms to samples of a calibration, at least one; terms that no sample shows are those of `prior`. */
  static fit(samples: readonly Sample[], prior: CostTerms): CostModel {
    const bound = (per: (sample: Sample) => number): number =>
      samples.reduce((least, sample) => Math.min(least, timeOf(sample) / per(sample)), Infinity);
    // The least time by each feature bounds its term from above, which makes the unknowns lie in [0, 1].
    const scales = [bound((s) => s.chunkCount), bound((s) => s.work), bound((s) => s.bytesToMove)].map((scale) =>
      scale < Infinity ? scale : 0,
    );
    const known = [prior.launchMs, prior.msPerWork, prior.msPerByte];
    // What the samples cannot tell apart goes to the term that is the larger one as a rule.
    const anchor = scales.map((scale, i) => (scale === 0 ? 0 : Math.min(1, known[i] / scale)));
    const squares = new LeastSquares(
      anchor,
      anchor.map((term) => (FIRST_SIGMA / (PRIOR_SPREAD * Math.max(term, 1e-9))) ** 2),
    );
    for (const sample of samples) {
      const ms = timeOf(sample);
      squares.add(
        (sample.chunkCount * scales[0]) / ms,
        (sample.work * scales[1]) / ms,
        (sample.bytesToMove * scales[2]) / ms,
      );
    }
    const [launchMs, msPerWork, msPerByte] = scales.map((scale, i) =>
      scale === 0 ? known[i] : scale * squares.terms[i],
    );
    const units = scalesOf(
      { launchMs, msPerWork, msPerByte },
      scales.map((scale) => UNSURE_SHARE * scale),
    );
    // What the samples say of a term (inverse of its variance, in its new unit) is what holds it later.
    const weights = units.map((unit, i) => {
      const information = scales[i] === 0 ? 0 : (unit / scales[i]) ** 2 / squares.covariance[i * 4];
      return Math.max(UNSURE_WEIGHT, Math.min(MEASURED_WEIGHT, information));
    });
    const model = new CostModel({ launchMs, msPerWork, msPerByte }, 'calibrated', units, weights);
    model.#unshown = prior;
    for (const sample of samples) model.#take(sample);
    const squared = samples.map((sample) => {
      const { totalMs } = model.predict(sample.work, sample.bytesToMove, sample.chunkCount);
      return Math.log(timeOf(sample) / totalMs) ** 2;
    });
    const variance = squared.reduce((sum, one) => sum + one, 0) / squared.length;
    model.#variance = Math.max(FIRST_SIGMA ** 2, Math.min(PRIOR_SIGMA ** 2, variance));
    return model;
  }

  static restore(stored: StoredModel): CostModel {
    const model = new CostModel(stored, 'calibrated', stored.scales, stored.weights);
    model.#samples = stored.samples;
    model.#variance = Math.max(SMALLEST_SIGMA, stored.sigma) ** 2;
    for (const [bucket, factor] of stored.buckets) model.#buckets.restore(bucket, factor, model.#line);
    return model;
  }

  get source(): ModelSource {
    return this.#source;
  }

  get samples(): number {
    return this.#samples;
  }

  get sigma(): number {
    return Math.sqrt(this.#variance);
  }

  get terms(): CostTerms {
    const { terms } = this.#squares;
    const [launch, work, bytes] = this.#scales;
    return { launchMs: terms[0] * launch, msPerWork: terms[1] * work, msPerByte: terms[2] * bytes };
  }

  /** Factor on predictions while it is open whether the device has changed; 1 as a rule. */
  get doubt(): number {
    return this.#doubt;
  }

  predict(work: number, bytesToMove: number, chunkCount = 1): Prediction {
    const { terms, covariance: c } = this.#squares;
    const z0 = chunkCount * this.#scales[0];
    const z1 = work * this.#scales[1];
    const z2 = bytesToMove * this.#scales[2];
    const raw = Math.max(TIMER_MS, z0 * terms[0] + z1 * terms[1] + z2 * terms[2]);
    const usualMs = raw * this.#buckets.factor(bucketOf(work), this.#revision, this.#line);
    const factor = Math.min(usualMs * this.#doubt, usualMs + this.#doubtMs) / raw;
    const spread = z0 * (c[0] * z0 + 2 * (c[1] * z1 + c[2] * z2)) + z1 * (c[4] * z1 + 2 * c[5] * z2) + z2 * c[8] * z2;
    const launchMs = Math.max(TIMER_MS - z1 * terms[1] - z2 * terms[2], z0 * terms[0]) * factor;
    return {
      launchMs,
      computeMs: z1 * terms[1] * factor,
      transferMs: z2 * terms[2] * factor,
      totalMs: raw * factor,
      variance: this.#variance * (1 + Math.min(100, spread / (raw * raw))),
    };
  }

  /**
   * Learns from a measured call. One that is late by less than `hiccupMs` says little of the device, however short it was
   * to be.
   */
  observe(sample: Sample, hiccupMs = 0): Observation {
    const { totalMs } = this.predict(sample.work, sample.bytesToMove, sample.chunkCount);
    const expectedMs = this.withoutDoubt(totalMs);
    const logRatio = Math.log(timeOf(sample) / expectedMs);
    const sigma = Math.max(SMALLEST_CHANGE_SIGMA, this.sigma);
    const lateMs = timeOf(sample) - expectedMs;
    const isHiccup = lateMs < hiccupMs && logRatio > HICCUP_SIGMAS * sigma;
    this.trust();
    if (isHiccup) {
      // Neither doubted nor learnt: the median of its size takes it in.
      this.#samples++;
      this.#buckets.add({ ...sample, ms: timeOf(sample) });
      this.#revision++;
      return { kind: 'usual' };
    }
    const change = this.#changes.add(logRatio, sigma, hiccupMs > 0 ? SHARED_SIGMAS : undefined);
    let observation: Observation = { kind: 'usual' };
    if (change !== undefined) {
      const factor = Math.max(1 / LARGEST_CHANGE, Math.min(LARGEST_CHANGE, change));
      this.#rescale(factor);
      observation = { kind: 'changed', factor };
    } else if (logRatio > Math.max(Math.LN2, DOUBT_SIGMAS * sigma)) {
      // Not learnt: if it was a hiccup it is none of the device's, and if not the next call will say how much.
      this.#samples++;
      const factor = Math.min(LARGEST_DOUBT, Math.exp(logRatio));
      const doubtMs = hiccupMs > 0 ? LARGEST_DOUBT_BY_LATE * lateMs : Infinity;
      this.suspect(factor, doubtMs, false);
      return { kind: 'doubtful', factor, doubtMs };
    } else {
      // Clipped: one outlier shall not make the model look vague.
      const clipped = Math.max(-3 * this.sigma, Math.min(3 * this.sigma, logRatio));
      const rate = Math.max(VARIANCE_RATE, 1 / (this.#samples + 2));
      this.#variance = Math.max(SMALLEST_SIGMA ** 2, this.#variance + rate * (clipped * clipped - this.#variance));
    }
    this.#take(sample);
    if (this.#source === 'prior') this.#source = 'learned';
    return observation;
  }

  /**
   * This or another operation saw the device change by this factor, surely or perhaps: one call that agrees will do.
   * A doubt adds at most `doubtMs`.
   */
  suspect(factor: number, doubtMs: number, sure: boolean): void {
    this.#doubt = factor;
    this.#doubtMs = doubtMs;
    this.#fading = sure ? SURE_FADING : doubtMs < Infinity ? HICCUP_FADING : FADING;
    if (sure) this.#changes.suspect(factor > 1);
  }

  /** A predicted time as it would be without the doubt. */
  withoutDoubt(ms: number): number {
    return Math.max(ms / this.#doubt, ms - this.#doubtMs);
  }

  /** A call went elsewhere for a doubt: it loses weight, or one hiccup would bar a device for long. */
  fade(): void {
    if (this.#doubt === 1) return;
    this.#doubt **= this.#fading;
    this.#doubtMs *= this.#fading;
  }

  /** Another operation found the device as ever. */
  trust(): void {
    this.#doubt = 1;
    this.#doubtMs = Infinity;
  }

  store(): StoredModel {
    const buckets = this.#buckets
      .known()
      .map((bucket) => [bucket, this.#buckets.factor(bucket, this.#revision, this.#line)] as const);
    const { covariance } = this.#squares;
    const weights = [0, 4, 8].map((at) => Math.max(UNSURE_WEIGHT, Math.min(MEASURED_WEIGHT, 1 / covariance[at])));
    return { ...this.terms, samples: this.#samples, sigma: this.sigma, buckets, weights, scales: [...this.#scales] };
  }

  #take(sample: Sample): void {
    const ms = timeOf(sample);
    this.#leastMsPer.work = Math.min(this.#leastMsPer.work, ms / sample.work);
    this.#leastMsPer.byte = Math.min(this.#leastMsPer.byte, ms / sample.bytesToMove);
    this.#squares.setFloor([
      0,
      Math.min(FLOOR_SHARE * this.#leastMsPer.work, this.#unshown.msPerWork) / this.#scales[1],
      Math.min(FLOOR_SHARE * this.#leastMsPer.byte, this.#unshown.msPerByte) / this.#scales[2],
    ]);
    this.#squares.add(
      (sample.chunkCount * this.#scales[0]) / ms,
      (sample.work * this.#scales[1]) / ms,
      (sample.bytesToMove * this.#scales[2]) / ms,
    );
    this.#samples++;
    this.#buckets.add({ ...sample, ms });
    this.#revision++;
  }

  /** Time by the terms alone. */
  readonly #line = ({ chunkCount, work, bytesToMove }: Omit<Sample, 'ms'>): number => {
    const { terms } = this.#squares;
    const [launch, perWork, perByte] = this.#scales;
    const ms = chunkCount * launch * terms[0] + work * perWork * terms[1] + bytesToMove * perByte * terms[2];
    return Math.max(TIMER_MS, ms);
  };

  /** What was learnt of the shape holds, the speed is another. */
  #rescale(factor: number): void {
    this.#scales = this.#scales.map((scale) => scale * factor) as [number, number, number];
    this.#leastMsPer = { work: this.#leastMsPer.work * factor, byte: this.#leastMsPer.byte * factor };
    this.#squares.forget(CHANGED_WEIGHT);
    this.#buckets.clear();
    this.#revision++;
    this.#variance = Math.max(this.#variance, FIRST_SIGMA ** 2);
  }
}

function timeOf(sample: Sample): number {
  return Math.max(TIMER_MS, sample.ms);
}

function scalesOf(terms: CostTerms, least: readonly number[]): [number, number, number] {
  return [
    Math.max(SMALLEST_MS, terms.launchMs, least[0]),
    Math.max(SMALLEST_MS_PER_UNIT, terms.msPerWork, least[1]),
    Math.max(SMALLEST_MS_PER_UNIT, terms.msPerByte, least[2]),
  ];
}
