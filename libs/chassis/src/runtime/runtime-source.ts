import { type RuntimeStatus } from './runtime-status.js';

/** Formats of a profile; the first is the default. */
export const PROFILE_FORMATS = ['json', 'chrome-trace', 'pprof', 'speedscope', 'html'] as const;
export type ProfileFormatName = (typeof PROFILE_FORMATS)[number];

/** What a process computes on, as its runtime service tells it: plain data, filled in where the process is composed. */
export interface RuntimeSource {
  /** Operations that the router may be asked about. */
  operations(): readonly KnownOperation[];
  status(signal: AbortSignal): Promise<RuntimeStatus>;
  /** What the profiler holds now. */
  profile(format: ProfileFormatName, signal: AbortSignal): Promise<ProfileFile>;
  /** The last decisions, newest first. */
  decisions(): readonly RoutedCall[];
  /** What the router would decide; only for operations and types that are known. */
  explain(call: CallToExplain): Explanation;
}

export interface KnownOperation {
  /** "gpu.matmul". */
  readonly name: string;
  /** "f32", ...; the first is the default. */
  readonly dtypes: readonly string[];
}

export interface ProfileFile {
  readonly mediaType: string;
  readonly content: Uint8Array;
}

export interface CallToExplain {
  readonly operation: string;
  readonly dtype: string;
  /** n as the operation counts, an integer in [1, 2^30]; or its work and bytes, finite and from 0. */
  readonly size: number | { readonly work: number; readonly bytesIn: number; readonly bytesOut: number };
}

export interface Explanation {
  readonly decision: RouteDecision;
  /** The same for people. */
  readonly text: string;
}

/** A decision, when it was taken and what came of it. */
export interface RoutedCall {
  readonly decision: RouteDecision;
  /** Milliseconds since the epoch. */
  readonly epochMs: number;
  /** Null while it runs, or when it failed. */
  readonly actualMs: number | null;
}

/** A device that was chosen, and why (docs/router.md). */
export interface RouteDecision {
  /** Counts from 1; 0: nothing was decided. */
  readonly id: number;
  readonly operation: string;
  readonly dtype: string;
  readonly work: number;
  readonly chosen: string;
  readonly reason: string;
  /** 0 to 1. */
  readonly confidence: number;
  readonly chunkCount: number;
  readonly predictions: readonly RoutePrediction[];
  readonly refused: readonly { readonly device: string; readonly reason: string; readonly detail?: string }[];
  /** Null: at no work. */
  readonly crossoverWork: number | null;
  readonly modelVersion: number;
  /** Where the call was late, and started on another device too. */
  readonly second?: { readonly device: string; readonly afterMs: number; readonly won: boolean };
  /** What was asked for, as far as the explanation tells it: the time that the caller gave. */
  readonly request?: { readonly deadlineMs?: number };
}

export interface RoutePrediction {
  readonly device: string;
  readonly totalMs: number;
  readonly terms: {
    readonly launchMs: number;
    readonly computeMs: number;
    readonly transferMs: number;
    readonly queueMs: number;
  };
  readonly sigma: number;
  readonly samples: number;
  readonly source: string;
  readonly bytesToMove: number;
  readonly chunkCount: number;
}
