import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { summarise } from '../measure.js';
import type { BenchOptions, CaseResult } from './case.js';

/** The first match of a fresh process: workers start, the kernel compiles, memory is touched for the first time. */
export async function runColdCase({ quick }: BenchOptions): Promise<CaseResult> {
  const rows = quick ? 100_000 : 1_000_000;
  const runs = Array.from({ length: quick ? 2 : 7 }, () => {
    const output = execFileSync(process.execPath, [join(import.meta.dirname, 'cold-run.js'), String(rows)], {
      encoding: 'utf8',
    });
    return JSON.parse(output) as { seconds: number; pairs: number };
  });
  return {
    case: 'cold first call',
    rows: `${rows} x ${rows}`,
    ours: summarise(
      runs.map(({ seconds }) => seconds),
      NaN,
      NaN,
    ),
    peers: [],
    facts: { pairs: runs[0].pairs },
  };
}
