import type { ProblemJson } from '@armilla/base';
import type { MemoryNews, MemorySnapshot } from '../../memory/device/snapshot.js';
import type { StageReport } from '../../memory/device/stages.js';
import type { DeviceInfo, JobPass } from '../device.js';

/** How a device is chosen and opened. */
export interface OpenOptions {
  /** Part of the adapter's name; default: the first that the provider offers. */
  readonly adapter?: string;
  /** What the device is called; default: a name that the adapter gives, of which letters and digits are left. */
  readonly name?: string;
  /** Memory that this process may take, bytes; default: what a probe tells. */
  readonly memoryBytes?: number;
  /** Part of the memory, (0, 1]; default 1. */
  readonly share?: number;
  /** Memory of a tenant, bytes; "*" is that of each one that is not named; default: no budget of its own. */
  readonly tenantBytes?: Readonly<Record<string, number>>;
  /** Compiles kernels and computes nothing; needs no driver. */
  readonly nullBackend?: boolean;
  /** Environment for the choice of the provider; default: that of the process. */
  readonly provider?: Readonly<Record<string, string | undefined>>;
  /**
   * How long its driver may get on with nothing, while it opens or in a job, before it is given up, ms, > 0; default one minute. A
   * software adapter that was opened has no limit unless this is given: its kernels are slow.
   */
  readonly answerMs?: number;
}

/** What the thread tells of a job as it goes on. */
export interface JobProgress {
  readonly signal: AbortSignal;
  /** A step of it is done. */
  readonly onStep: () => void;
}

/** Jobs that the thread has at once: one uploads, one runs, one is read back. */
export const JOBS_IN_FLIGHT = 3;

/** How long a device may take to answer, ms. */
export function answerLimitMs({ answerMs }: OpenOptions, info?: DeviceInfo): number {
  return answerMs ?? (info?.software === true ? Infinity : 60_000);
}

/** Places in the memory that host and thread share: the device is closed; from `jobs` on the steps of each job in flight, by its place. */
export const SIGNALS = { closed: 0, jobs: 1, count: 1 + JOBS_IN_FLIGHT } as const;

/** Bytes of the host that the thread reads in place. */
export interface SharedBytes {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** Devices copy whole words, and no buffer is empty. */
export function wordBytes(byteLength: number): number {
  return Math.max(4, Math.ceil(byteLength / 4) * 4);
}

/** Data of the host that stays on the device. */
export interface KeptBytes {
  readonly label: string;
  /** Whose budget its memory counts for, whoever uses it. */
  readonly tenant: string;
  readonly bytes: SharedBytes;
  /** The stack of whoever keeps it. */
  readonly site: string | undefined;
}

export type BufferMessage =
  | { readonly kind: 'uniform'; readonly bytes: SharedBytes }
  | { readonly kind: 'input'; readonly bytes: SharedBytes }
  | { readonly kind: 'resident'; readonly id: number }
  | { readonly kind: 'output'; readonly byteLength: number }
  | { readonly kind: 'scratch'; readonly byteLength: number };

export interface JobMessage {
  readonly kind: 'job';
  readonly id: number;
  /** Among the jobs in flight, [0, JOBS_IN_FLIGHT). */
  readonly place: number;
  readonly label: string;
  readonly tenant: string;
  readonly maxWaitMs: number | undefined;
  /** When it was asked for, on the clock of `performance.timeOrigin`. */
  readonly askedMs: number;
  readonly buffers: Readonly<Record<string, BufferMessage>>;
  readonly passes: readonly JobPass[];
}

/** What the host asks about the memory of a device. */
export type MemoryQuestion =
  | { readonly ask: 'snapshot' }
  | { readonly ask: 'canAllocate'; readonly byteLength: number; readonly tenant: string }
  | { readonly ask: 'cleanup'; readonly keepBytes: number | undefined };

/** Answers by question. */
export interface MemoryAnswers {
  readonly snapshot: MemorySnapshot;
  readonly canAllocate: boolean;
  readonly cleanup: readonly StageReport[];
}

export type MemoryAnswer = MemoryAnswers[keyof MemoryAnswers];

export type ThreadMessage =
  | { readonly kind: 'open'; readonly options: OpenOptions; readonly signals: SharedArrayBuffer }
  | JobMessage
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'keep'; readonly id: number; readonly kept: KeptBytes }
  | { readonly kind: 'forget'; readonly id: number }
  | { readonly kind: 'memory'; readonly id: number; readonly question: MemoryQuestion }
  /** These get on with nothing: nobody waits for them any more, and the rest needs a new device. */
  | { readonly kind: 'renew'; readonly silent: readonly number[] }
  | { readonly kind: 'close' };

/** Stages of a job as the thread saw them, on the clock of `performance.timeOrigin`. */
export interface JobTimes {
  readonly beganMs: number;
  /** Its kernels were compiled. */
  readonly compiledMs: number;
  /** Its memory was promised. */
  readonly promisedMs: number;
  readonly uploadedMs: number;
  readonly kernelStartMs: number;
  readonly kernelEndMs: number;
  /** By the device's clock; undefined where it has none. */
  readonly kernelMs: number | undefined;
  readonly readbackStartMs: number;
  readonly endedMs: number;
}

export type HostMessage =
  | { readonly kind: 'opened'; readonly info: DeviceInfo }
  | { readonly kind: 'failed'; readonly problem: ProblemJson }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly outputs: Readonly<Record<string, ArrayBuffer>>;
      readonly times: JobTimes;
      readonly roomBytes: number | undefined;
    }
  | { readonly kind: 'memory'; readonly id: number; readonly answer: MemoryAnswer }
  | { readonly kind: 'news'; readonly news: MemoryNews; readonly roomBytes: number | undefined }
  | {
      readonly kind: 'problem';
      readonly id: number;
      readonly problem: ProblemJson;
      readonly roomBytes: number | undefined;
    }
  /** After `renew` there is a new device, or the next job will say why there is none. */
  | { readonly kind: 'renewed' }
  /** A resident has come to the device, or has left it for want of memory. */
  | { readonly kind: 'moved'; readonly resident: number; readonly isThere: boolean }
  /** And with it all that was there. */
  | { readonly kind: 'lost'; readonly detail: string }
  /** A fault of the thread's own: it ends, and nothing more comes of it. */
  | { readonly kind: 'ending'; readonly detail: string };

/** The clock that host and thread share. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
