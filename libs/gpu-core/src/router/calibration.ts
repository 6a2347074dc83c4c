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
  /** Makes ready the operands of a size; its time is nobody's. */
  readonly prepare?: (n: number) => void;
  /** By device id: runs one call, resolves to its ms on the device. */
  readonly measure: Readonly<Record<string, (size: MeasuredSize) => Promise<number>>>;
}

export interface CalibrationOptions {
  /** Time for each device, ms, without first calls (pipelines and hot loops compile then); default 300. */
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
  /** First calls, in which code is compiled and memory taken. */
  readonly firstCallsMs: number;
  /** The other calls. */
  readonly spentMs: number;
  /** Why there is no model, for example the message of a failed call; the one of before stays. */
  readonly fault?: string;
  /** Others took its time: worth another try when the machine is quieter. */
  readonly interrupted?: true;
}

const BUDGET_MS = 300;
/** Sizes lie at powers of this number. */
const SIZE_STEP = 2;
/** Medians need three. */
const SAMPLES_OF_A_SIZE = 3;
/** Share of the budget that is kept for operations that others interrupt. */
const SPARE_SHARE = 0.3;
/** With fewer samples an operation is measured once more; on the host's cores, where one may be a hiccup, there is no model by them. */
const FEW_SAMPLES = 6;
/** One call may take this share of what is left, so that the largest sizes do not eat up the others. */
const LARGEST_SHARE = 0.25;

/**
 * First calls go on this long, growing until one takes its share of it: engines compile hot loops anew several times,
 * and a loop that was measured before would look up to a hundred times slower than it is.
 */
const WARM_UP_MS = 12;
const WARM_CALL_MS = 1;

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
      const measured: { one: CalibrationCase; row: CalibrationRow; samples: Sample[] }[] = [];
      for (const [i, one] of cases.entries()) {
        const spareMs = SPARE_SHARE * this.#budgetMs;
        const result = await this.#measure(one, device, (leftMs - spareMs) / (cases.length - i), signal);
        leftMs -= result.row.spentMs;
        measured.push({ one, ...result });
      }
      // Others ran in between and took the time of some: what is left is theirs.
      const poor = measured.filter(({ row, samples }) => samples.length < FEW_SAMPLES && row.fault === undefined);
      for (const [i, before] of poor.entries()) {
        if (leftMs <= 0) break;
        const { row, samples } = await this.#measure(before.one, device, leftMs / (poor.length - i), signal);
        leftMs -= row.spentMs;
        const all = [...before.samples, ...samples];
        const spentMs = before.row.spentMs + row.spentMs;
        const firstCallsMs = before.row.firstCallsMs + row.firstCallsMs;
        Object.assign(before, { samples: all, row: { ...row, samples: all.length, spentMs, firstCallsMs } });
      }
      for (const { one, row, samples } of measured) {
        if (device.memory === 'host' && row.fault === undefined && samples.length < FEW_SAMPLES) {
          const fault = `interrupted: ${samples.length} calls in its time are too few`;
          rows.push({ ...row, fault, interrupted: true });
          continue;
        }
        rows.push(row);
        if (samples.length === 0) continue;
        const model = CostModel.fit(samples, this.#priors(one.operation, one.dtype, device.id));
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
    let firstCallsMs = 0;
    const call = async (n: number, resident: boolean): Promise<number> => {
      signal?.throwIfAborted();
      const size = one.sizeOf(n);
      one.prepare?.(n);
      const start = this.#now();
      const ms = await one.measure[device.id]({ n, resident, ...size });
      // A clock that the caller reads apart may show more: uploads, readback, waiting.
      spentMs += Math.max(ms, this.#now() - start);
      const moved = resident || device.memory === 'host' ? 0 : size.bytesIn + size.bytesOut;
      samples.push({ chunkCount: 1, work: size.work, bytesToMove: moved, ms });
      return ms;
    };
    try {
      const sizes = sizesOf(one);
      /** Least time of each size, with operands that are moved, and with those that lie there: the scheduler makes others longer. */
      const known = new Map<number, number>();
      const knownResident = new Map<number, number>();
      const take = async (i: number, resident: boolean): Promise<void> => {
        const ms = await call(sizes[i], resident);
        const times = resident ? knownResident : known;
        times.set(sizes[i], Math.min(ms, times.get(sizes[i]) ?? Infinity));
      };
      await take(0, false);
      for (let i = 0; spentMs < WARM_UP_MS; await take(i, false)) {
        if ((known.get(sizes[i]) as number) < WARM_CALL_MS && i < sizes.length - 1) i++;
      }
      firstCallsMs = spentMs;
      spentMs = 0;
      samples.length = 0;
      // Leaps: as far as the budget allows, until the largest size or none larger fits.
      let last = 0;
      await take(last, false);
      for (;;) {
        const reach = sizes.findLastIndex((size) => {
          const expected = known.get(size) ?? extrapolate(one, known, size);
          return expected <= (budgetMs - spentMs) * LARGEST_SHARE;
        });
        if (reach <= last) break;
        await take(reach, false);
        last = reach;
      }
      const leaps = samples.splice(0);
      // Then all sizes in between, several times, with operands there and here in turns.
      const both = device.memory === 'host' ? [false] : [true, false];
      for (let repeat = 0; repeat < SAMPLES_OF_A_SIZE; repeat++) {
        for (const resident of both) {
          for (let i = last; i >= 0; i--) {
            const of = resident && knownResident.has(sizes[i]) ? knownResident : known;
            const expected = of.get(sizes[i]) ?? estimate(sizes, i, known);
            if (spentMs + MARGIN * expected > budgetMs) continue;
            await take(i, resident);
          }
        }
      }
      // The first call of a size takes new memory: it counts only where there was time for no other.
      const again = new Set(samples.map(({ work }) => work));
      samples.push(...leaps.filter(({ work }) => !again.has(work)));
    } catch (error) {
      signal?.throwIfAborted();
      return { row: { ...head, samples: 0, firstCallsMs, spentMs, fault: messageOf(error) }, samples: [] };
    }
    return { row: { ...head, samples: samples.length, firstCallsMs, spentMs }, samples };
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

/**
 * Time of a size beyond those that were measured: on the line through the two largest, which a launch that hides the
 * work makes flat, so that the double of it is expected at least; in proportion to the work where one alone is known.
 */
function extrapolate({ sizeOf }: CalibrationCase, known: ReadonlyMap<number, number>, size: number): number {
  const [last, before] = [...known].sort(([a], [b]) => b - a);
  const [work, lastWork] = [sizeOf(size).work, Math.max(1, sizeOf(last[0]).work)];
  if (before === undefined) return (last[1] * work) / lastWork;
  const slope = Math.max(0, last[1] - before[1]) / (lastWork - sizeOf(before[0]).work);
  return 2 * last[1] + slope * (work - lastWork);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
