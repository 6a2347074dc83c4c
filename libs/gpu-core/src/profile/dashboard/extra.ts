import type { Roofline } from '../roofline.js';

/** What a profile does not hold and the dashboard draws where it is given. Sizes in bytes, times in ms. */
export interface DashboardExtra {
  readonly rooflines?: readonly Roofline[];
  readonly crossovers?: readonly CrossoverCurves[];
  readonly memory?: readonly MemoryBudget[];
}

/** What the router expects of one operation over its size, on each backend. */
export interface CrossoverCurves {
  readonly op: string;
  /** What `sizes` counts: "rows", "bytes". */
  readonly unit: string;
  /** Ascending and positive. */
  readonly sizes: readonly number[];
  /** null: the backend takes no call of that size. */
  readonly backends: readonly { readonly name: string; readonly predictedMs: readonly (number | null)[] }[];
  /** From each of these on the router prefers another backend; ascending. */
  readonly crossoverSizes: readonly number[];
  /** Those of an earlier calibration, where they are known. */
  readonly earlierSizes?: readonly number[];
}

export interface MemoryBudget {
  readonly device: string;
  readonly usedBytes: number;
  readonly reservedBytes: number;
  /** 0: unknown. */
  readonly budgetBytes: number;
}

/** What the page finds in itself. */
export interface DashboardData {
  /** Profiles in the form of `profileToData`. */
  readonly profiles: readonly unknown[];
  readonly extra: DashboardExtra;
}
