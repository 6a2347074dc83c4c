import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { machineLimits } from '@armilla/gpu-core';

/** Where the figures were measured. */
export interface Machine {
  readonly cpu: string;
  readonly coreCount: number;
  readonly memoryGib: number;
  readonly node: string;
  readonly system: string;
  readonly commit: string;
  readonly date: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    coreCount: machineLimits().coreCount,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    system: `${process.platform} ${release()}`,
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown'; // A source archive has no git.
  }
}
