import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail, formatBytes } from '@armilla/base';
import type { ScratchOptions, SpillPlan } from '@armilla/crossmatch';
import { expandPath } from '@armilla/tables';
import { STANDARD } from '../table/flags.js';
import type { MatchTask, TaskScratch } from './flags.js';

/** A folder that is not there is a slip of the pen: nothing is made there. Throws OPTION_INVALID. */
export async function checkScratch({ folder }: TaskScratch): Promise<void> {
  const parent = dirname(folder);
  const found = await stat(parent).catch(() => undefined);
  if (!found?.isDirectory())
    throw fail('OPTION_INVALID', { field: '--scratch', expected: 'a folder that is there', got: `'${parent}'` });
}

/** Where the match of `task` may go; undefined where an input cannot be read again, as a pipe. */
export async function scratchOptions({ scratch, left, right }: MatchTask): Promise<ScratchOptions | undefined> {
  if (!scratch || left === STANDARD || right === STANDARD) return undefined;
  const inputs = { left: await expandPath(left), right: right === undefined ? [] : await expandPath(right) };
  for (const path of [...inputs.left, ...inputs.right]) if (!(await stat(path)).isFile()) return undefined;
  const { folder, resume } = scratch;
  // What was begun there goes on there, however much memory there is now.
  return { folder, resume, inputs, keep: true, use: resume && existsSync(folder) ? 'always' : 'needed' };
}

/** What a join will take that does not stay in memory. */
export function scratchText(
  { bucketCount, memoryBytes, scratchBytes, seconds: { right, left, match, merge } }: SpillPlan,
  { folder }: TaskScratch,
): string {
  return (
    `the join does not fit the memory: ${bucketCount} buckets in ${folder}, ` +
    `about ${formatBytes(scratchBytes)} of scratch, ${formatBytes(memoryBytes)} of memory ` +
    `and ${Math.max(1, Math.round(right + left + match + merge))} s`
  );
}

export function unfinishedText({ folder }: TaskScratch): string {
  return existsSync(folder)
    ? `what was done is kept in ${folder}: the same command with --resume goes on from there`
    : 'nothing was kept in the scratch folder';
}
