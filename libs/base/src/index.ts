export { computeInBackground, enterBackground } from './flow/background.js';
export { Breakdown } from './flow/breakdown.js';
export { Channel } from './flow/channel.js';
export { Gate } from './flow/gate.js';
export { whenAborted } from './flow/when-aborted.js';
export {
  fail,
  isProblem,
  Problem,
  type ProblemFields,
  type ProblemJson,
  problemToJson,
  reviveProblem,
  toProblem,
} from './problem/problem.js';
export {
  type ExitCode,
  type Reason,
  type ReasonName,
  REASONS,
  ROW_REASONS,
  type RowReason,
  type StatusName,
} from './problem/reasons.js';
export { Random } from './random/random.js';
export { parseAngleArcsec } from './units/angle.js';
export { formatBytes, parseBytes } from './units/bytes.js';
export { parseDecDegrees, parseRaDegrees } from './units/coordinate.js';
export { formatCount } from './units/count.js';
export { parseSexagesimal, saysHours } from './units/sexagesimal.js';
