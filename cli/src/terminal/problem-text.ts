import { fail, type Problem, type ProblemFields, toProblem } from '@armilla/base';

/** Options of the library by the flags that set them. */
const FLAGS: Readonly<Record<string, string>> = {
  columns: '--columns',
  find: '--find',
  join: '--join',
  k: '--k',
  left_dec: '--left-dec',
  left_ra: '--left-ra',
  max_pairs: '--max-pairs',
  memory_bytes: '--memory',
  min_radius_arcsec: '--min-radius',
  order: '--order',
  radius_arcsec: '--radius',
  right_dec: '--right-dec',
  right_ra: '--right-ra',
  suffixes: '--suffixes',
  worker_count: '--workers',
};

/** What to print for a failure, and the exit code. Empty text: the reader of the output has gone, who needs no message. */
export function problemText(error: unknown): { readonly exit: number; readonly text: string } {
  const problem = toProblem(error);
  const { exit, reason } = problem;
  if (
    reason === 'OUTPUT_WRITE_FAILED' &&
    problem.cause instanceof Error &&
    (problem.cause as NodeJS.ErrnoException).code === 'EPIPE'
  ) {
    return { exit, text: '' };
  }
  if (reason === 'INTERNAL') {
    const cause = problem.cause instanceof Error ? problem.cause : problem;
    return {
      exit,
      text: `${cause.stack ?? cause.message}\nThis is a bug: please report it with the lines above. (${reason})`,
    };
  }
  return { exit, text: `${withFlags(problem)} (${reason})` };
}

/** The message with the flags of this command line in place of the library's names. */
function withFlags(problem: Problem): string {
  const fields: Record<string, ProblemFields[string]> = { ...problem.fields };
  let changed = false;
  for (const key of ['field', 'option']) {
    const flag = FLAGS[String(fields[key])];
    if (flag === undefined) continue;
    fields[key] = flag;
    changed = true;
  }
  return changed ? fail(problem.reason, fields).message : problem.message;
}
