import type { Ledger, LeaseRecord, Site } from './ledger.js';
import { trendOf } from './trend.js';

/** A label whose memory grows. */
export interface LeakReport {
  /** `window`: a fifth more than five minutes ago. `slope`: what is not given back grows all the time. `lost`: garbage. */
  readonly kind: 'window' | 'slope' | 'lost';
  readonly label: string;
  readonly liveBytes: number;
  readonly liveCount: number;
  /** Growth over the time that was looked at, bytes. */
  readonly grownBytes: number;
  readonly overSeconds: number;
  /** `slope`: the slope and, with confidence, its lower bound, bytes per second. */
  readonly bytesPerSecond: number | undefined;
  readonly leastBytesPerSecond: number | undefined;
  readonly oldestSeconds: number;
  /** Where most of the old leases were taken, of those whose stack is known. */
  readonly stack: string | undefined;
}

export interface LeakOptions {
  /** Growth that raises the alarm over five minutes; 0.2. */
  readonly windowGrowth?: number;
  /** Growth below this is no leak yet, bytes; 1 MiB. */
  readonly leastBytes?: number;
  /** A lease that is older has stayed, seconds; 10. More where leases of its label usually live long. */
  readonly stayedSeconds?: number;
}

const NO_SLOPE = { bytesPerSecond: undefined, leastBytesPerSecond: undefined };
const WINDOW_MS = 300_000;
/** The slope is taken over this time. With the age of what stayed a steady leak is told well within a minute. */
const SLOPE_MS = 30_000;
const SLOPE_POINTS = 16;
/** One false alarm in two thousand looks at independent noise; tau keeps out noise that is not independent. */
const SLOPE_Z = 3.29;
const SLOPE_TAU = 0.8;
/** Leases that stayed beyond the usual number, in standard deviations of a Poisson count. */
const MORE_SIGMAS = 5;
/** Growth over the window against the deviation within a minute: calls of one moment are those of the next as well. */
const WINDOW_SIGMAS = 6;
const WINDOW_BLOCKS = 20;
const WINDOW_TAU = 0.45;
/** Looks in a row that must agree. */
const AGREEING = 3;
/** The same label is not told again before. */
const QUIET_MS = WINDOW_MS;

interface Series {
  readonly timesMs: number[];
  readonly liveBytes: number[];
  readonly stayedBytes: number[];
  readonly stayedCounts: number[];
  agreeing: number;
  quietUntilMs: number;
}

/** Watches the live bytes of each label; `look` about once a second. */
export class LeakWatch {
  readonly #series = new Map<string, Series>();
  readonly #windowGrowth: number;
  readonly #leastBytes: number;
  readonly #stayedMs: number;

  constructor(
    private readonly ledger: Ledger,
    options: LeakOptions = {},
  ) {
    this.#windowGrowth = options.windowGrowth ?? 0.2;
    this.#leastBytes = options.leastBytes ?? 2 ** 20;
    this.#stayedMs = (options.stayedSeconds ?? 10) * 1000;
  }

  /** New alarms at this moment. */
  look(nowMs: number): LeakReport[] {
    const reports: LeakReport[] = [];
    for (const site of this.ledger.sites.values()) {
      let series = this.#series.get(site.label);
      if (!series) {
        series = {
          timesMs: [],
          liveBytes: [],
          stayedBytes: [],
          stayedCounts: [],
          agreeing: 0,
          quietUntilMs: -Infinity,
        };
        this.#series.set(site.label, series);
      }
      series.timesMs.push(nowMs);
      series.liveBytes.push(site.liveBytes);
      // Twice the mean life as a byte sees it: four times the mean where lives are exponential, more with long tails.
      const usualMs = site.meanLifeMs > 0 ? (2 * site.meanLifeSquaredMs2) / site.meanLifeMs : 0;
      const stayed = this.ledger.bornBefore(site, nowMs - Math.max(this.#stayedMs, usualMs));
      series.stayedBytes.push(stayed.bytes);
      series.stayedCounts.push(stayed.count);
      while (series.timesMs[1] <= nowMs - WINDOW_MS) {
        series.timesMs.shift();
        series.liveBytes.shift();
        series.stayedBytes.shift();
        series.stayedCounts.shift();
      }
      if (nowMs < series.quietUntilMs) continue;
      const report = this.#slope(site, series, nowMs) ?? this.#window(site, series, nowMs);
      if (report) {
        series.quietUntilMs = nowMs + QUIET_MS;
        reports.push(report);
      }
    }
    return reports;
  }

  #slope(site: Site, series: Series, nowMs: number): LeakReport | undefined {
    const from = series.timesMs.findIndex((time) => time >= nowMs - SLOPE_MS);
    const timesS = series.timesMs.slice(from).map((time) => time / 1000);
    const stayed = series.stayedBytes.slice(from);
    const grownBytes = stayed[stayed.length - 1] - stayed[0];
    const long = timesS.length >= SLOPE_POINTS && nowMs / 1000 - timesS[0] >= SLOPE_MS / 2000;
    // Most looks end here. Steady calls leave about as many behind as before, give or take the root of their number.
    const usual = meanOf(series.stayedCounts.slice(0, Math.max(1, from)));
    const more = series.stayedCounts[series.stayedCounts.length - 1] - usual;
    const grows = long && grownBytes >= this.#leastBytes && more >= MORE_SIGMAS * (1 + Math.sqrt(usual));
    // From the first suspicion on each lease tells where it was taken.
    site.suspected = grows;
    const trend = grows ? trendOf(timesS, stayed, SLOPE_Z) : undefined;
    if (!trend || trend.tau < SLOPE_TAU || !(trend.lowerBound > 0)) {
      series.agreeing = 0;
      return undefined;
    }
    if (++series.agreeing < AGREEING) return undefined;
    return {
      ...this.#facts(site, nowMs),
      kind: 'slope',
      grownBytes,
      overSeconds: nowMs / 1000 - timesS[0],
      bytesPerSecond: trend.slope,
      leastBytesPerSecond: trend.lowerBound,
    };
  }

  #window(site: Site, series: Series, nowMs: number): LeakReport | undefined {
    const { timesMs, liveBytes } = series;
    if (nowMs - timesMs[0] < WINDOW_MS) return undefined;
    // Medians of the first and the last minute: a single large call is no growth, nor is what both minutes vary by.
    const end = Math.max(1, Math.floor(liveBytes.length / 5));
    const first = liveBytes.slice(0, end);
    const last = liveBytes.slice(-end);
    const before = medianOf(first);
    const grownBytes = medianOf(last) - before;
    const noiseBytes = Math.max(deviationOf(first), deviationOf(last));
    const least = Math.max(this.#leastBytes, this.#windowGrowth * before, WINDOW_SIGMAS * noiseBytes);
    if (grownBytes < least) return undefined;
    // A rise in between counts for half the pairs, a swing back and forth for fewer.
    const block = Math.max(1, Math.floor(liveBytes.length / WINDOW_BLOCKS));
    const blocks = Array.from({ length: WINDOW_BLOCKS }, (_, i) =>
      medianOf(liveBytes.slice(i * block, (i + 1) * block)),
    );
    const trend = trendOf([...blocks.keys()], blocks, SLOPE_Z);
    if (!trend || trend.tau < WINDOW_TAU) return undefined;
    const overSeconds = (nowMs - timesMs[0]) / 1000;
    return { ...this.#facts(site, nowMs), kind: 'window', grownBytes, overSeconds, ...NO_SLOPE };
  }

  #facts(site: Site, nowMs: number): Pick<LeakReport, 'label' | 'liveBytes' | 'liveCount' | 'oldestSeconds' | 'stack'> {
    return {
      label: site.label,
      liveBytes: site.liveBytes,
      liveCount: site.liveCount,
      oldestSeconds: site.oldest ? (nowMs - site.oldest.bornMs) / 1000 : 0,
      stack: commonStack(site),
    };
  }
}

/** A lease that was garbage before it was released, as a report. */
export function lostLease(record: LeaseRecord, nowMs: number): LeakReport {
  const ageSeconds = (nowMs - record.bornMs) / 1000;
  return {
    kind: 'lost',
    label: record.site.label,
    liveBytes: record.site.liveBytes,
    liveCount: record.site.liveCount,
    grownBytes: record.requestedBytes,
    overSeconds: ageSeconds,
    ...NO_SLOPE,
    oldestSeconds: ageSeconds,
    stack: record.stack,
  };
}

function commonStack(site: Site): string | undefined {
  const bytes = new Map<string, number>();
  for (let record = site.oldest; record; record = record.younger) {
    if (record.stack) bytes.set(record.stack, (bytes.get(record.stack) ?? 0) + record.requestedBytes);
  }
  let common: string | undefined;
  for (const [stack, own] of bytes) if (common === undefined || own > bytes.get(common)!) common = stack;
  return common;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}
