import type { Sample } from './bucket-correction.js';
import { CostModel } from './cost-model.js';
import type { KnownDevice } from './device.js';
import { type Priors, shippedPriors } from './priors.js';
import type { Router } from './router.js';
import type { OpSize, SizeOf } from './size.js';

/** One call to measure. */
export interface MeasuredSize extends OpSize {
  readonly n: number;
  /** Operands lie on the device already and the result stays there. */
  readonly resident: boolean;
}

/** How to measure an operation. */
export interface CalibrationCase {
  readonly operation: string;
  readonly dtype: string;
  readonly sizeOf: SizeOf;
  /** Range of n, integers >= 1. */
  readonly smallest: number;
  readonly largest: number;
  /** By device id: runs one call, resolves to its ms on the device. */
  readonly measure: Readonly<Record<string, (size: MeasuredSize) => Promise<number>>>;
}

export interface CalibrationOptions {
  /** Time for each device, ms, without first calls (pipelines compile then); default 300. */
  readonly budgetMs?: number;
  readonly now?: () => number;
  readonly priors?: Priors;
}

export interface CalibrationRun {
  readonly signal?: AbortSignal;
  /** Only these; default all. */
  readonly devices?: readonly string[];
  readonly operations?: readonly string[];
}

/** What was measured of one operation on one device. */
export interface CalibrationRow {
  readonly device: string;
  readonly operation: string;
  readonly dtype: string;
  readonly samples: number;
  /** First call, with what is compiled and allocated then. */
  readonly firstCallMs: number;
  /** The other calls. */
  readonly spentMs: number;
  /** Why there is no model, for example the message of a failed call. */
  readonly fault?: string;
}

const BUDGET_MS = 300;
/** Sizes lie at powers of this number. */
const SIZE_STEP = 2;
/** Medians need three. */
const SAMPLES_OF_A_SIZE = 3;
/** One call may take this share of what is left, so that the largest sizes do not eat up the others. */
const LARGEST_SHARE = 0.25;
/** And the second size that. */
const SECOND_SHARE = 0.5;

/** A call may take this much longer than the last one of its size. */
const MARGIN = 1.5;

/** Measures operations on devices and puts the models into a router. */
export class Calibration {
  readonly #router: Router;
  readonly #cases: readonly CalibrationCase[];
  readonly #budgetMs: number;
  readonly #now: () => number;
  readonly #priors: Priors;
  #running: Promise<CalibrationRow[]> | undefined;

  constructor(router: Router, cases: readonly CalibrationCase[], options: CalibrationOptions = {}) {
    this.#router = router;
    this.#cases = cases;
    this.#budgetMs = options.budgetMs ?? BUDGET_MS;
    this.#now = options.now ?? ((): number => performance.now());
    this.#priors = options.priors ?? shippedPriors;
  }

  /**
   * Measures and installs. All models change at the end or, if the signal aborts, none; the promise then rejects with the
   * signal's reason. While it runs, another call gets the same result.
   */
  run(options: CalibrationRun = {}): Promise<CalibrationRow[]> {
    this.#running ??= this.#run(options).finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #run({ signal, devices, operations }: CalibrationRun): Promise<CalibrationRow[]> {
    const rows: CalibrationRow[] = [];
    const installs: (() => void)[] = [];
    for (const device of this.#router.devices) {
      if (devices !== undefined && !devices.includes(device.id)) continue;
      const cases = this.#cases.filter(
        (one) => one.measure[device.id] !== undefined && (operations?.includes(one.operation) ?? true),
      );
      let leftMs = this.#budgetMs;
      for (const [i, one] of cases.entries()) {
        const { row, samples } = await this.#measure(one, device, leftMs / (cases.length - i), signal);
        leftMs -= row.spentMs;
        rows.push(row);
        if (samples.length === 0) continue;
        const model = CostModel.fit(samples, this.#priors(one.operation, one.dtype, device.kind));
        installs.push(() => this.#router.install(one.operation, one.dtype, device.id, model));
      }
    }
    signal?.throwIfAborted();
    for (const install of installs) install();
    return rows;
  }

  async #measure(
    one: CalibrationCase,
    device: KnownDevice,
    budgetMs: number,
    signal: AbortSignal | undefined,
  ): Promise<{ row: CalibrationRow; samples: Sample[] }> {
    const samples: Sample[] = [];
    const { operation, dtype } = one;
    const head = { device: device.id, operation, dtype };
    let spentMs = 0;
    let firstCallMs = 0;
    const call = async (n: number, resident: boolean): Promise<number> => {
      signal?.throwIfAborted();
      const size = one.sizeOf(n);
      const start = this.#now();
      const ms = await one.measure[device.id]({ n, resident, ...size });
      // A clock that the caller reads apart may show more: uploads, readback, waiting.
      spentMs += Math.max(ms, this.#now() - start);
      const moved = resident || device.memory === 'host' ? 0 : size.bytesIn + size.bytesOut;
      samples.push({ chunkCount: 1, work: size.work, bytesToMove: moved, ms });
      return ms;
    };
    try {
      await call(one.smallest, false);
      firstCallMs = spentMs;
      spentMs = 0;
      samples.length = 0;
      const sizes = sizesOf(one);
      const known = new Map<number, number>();
      // Leaps: as far as the budget allows if time grows with the work, until the largest size or none larger fits.
      let next = 0;
      while (next >= 0) {
        const n = sizes[next];
        known.set(n, Math.min(await call(n, false), known.get(n) ?? Infinity));
        const perWork = (known.get(n) as number) / Math.max(1, one.sizeOf(n).work);
        const reach = (share: number): number =>
          sizes.findLastIndex((size) => perWork * one.sizeOf(size).work <= (budgetMs - spentMs) * share);
        if (reach(LARGEST_SHARE) > next) next = reach(LARGEST_SHARE);
        else if (known.size > 1) next = -1;
        // The launch of a small call, and what else runs on the machine, look like work: a second size tells them apart.
        else if (reach(SECOND_SHARE) > next) next++;
        else if (samples.length >= SAMPLES_OF_A_SIZE) next = -1;
      }
      // Then all sizes in between, several times, with operands there and here in turns.
      const last = sizes.indexOf(Math.max(...known.keys()));
      const both = device.memory === 'host' ? [false] : [true, false];
      for (let repeat = 0; repeat < SAMPLES_OF_A_SIZE; repeat++) {
        for (const resident of both) {
          for (let i = last; i >= 0; i--) {
            const expected = known.get(sizes[i]) ?? estimate(sizes, i, known);
            if (spentMs + MARGIN * expected > budgetMs) continue;
            known.set(sizes[i], await call(sizes[i], resident));
          }
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      return { row: { ...head, samples: 0, firstCallMs, spentMs, fault: messageOf(error) }, samples: [] };
    }
    return { row: { ...head, samples: samples.length, firstCallMs, spentMs }, samples };
  }
}

function sizesOf({ smallest, largest }: CalibrationCase): number[] {
  const sizes: number[] = [];
  for (let n = smallest; n < largest; n = Math.max(n + 1, Math.round(n * SIZE_STEP))) sizes.push(n);
  sizes.push(largest);
  return sizes;
}

/** Time of the next larger size that was measured: a smaller one takes no longer. */
function estimate(sizes: readonly number[], index: number, known: ReadonlyMap<number, number>): number {
  for (let i = index + 1; i < sizes.length; i++) {
    const ms = known.get(sizes[i]);
    if (ms !== undefined) return ms;
  }
  return 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
