import { fail, type Problem, type ProblemFields, toProblem } from '@armilla/base';
import { SIDE_OPTIONS } from '@armilla/gateway/side-options';

/** Options of the library by the flags that set them. */
const FLAGS: Readonly<Record<string, string>> = {
  acceptable_ratio: '--acceptable-ratio',
  columns: '--columns',
  completeness: '--completeness',
  find: '--find',
  join: '--join',
  k: '--k',
  magnitude_prior: '--magnitude-prior',
  max_pairs: '--max-pairs',
  max_sigma: '--max-sigma',
  memory_bytes: '--memory',
  min_radius_arcsec: '--min-radius',
  order: '--order',
  radius_arcsec: '--radius',
  right_sky_area: '--right-sky-area',
  secure_posterior: '--secure-posterior',
  suffixes: '--suffixes',
  worker_count: '--workers',
  ...Object.fromEntries(
    ['left', 'right'].flatMap((side) =>
      SIDE_OPTIONS.map(({ name }) => [`${side}_${name}`, `--${side}-${name.replaceAll('_', '-')}`]),
    ),
  ),
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
  const detail = fields.detail;
  if (typeof detail === 'string') {
    fields.detail = detail.replace(/\b(?:left|right|max)_[a-z_]+\b/g, (name) => FLAGS[name] ?? name);
    changed ||= fields.detail !== detail;
  }
  return changed ? fail(problem.reason, fields).message : problem.message;
}
