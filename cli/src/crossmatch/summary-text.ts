import { formatBytes, formatCount } from '@armilla/base';
import type { MatchSummary, SideSummary, SpillSummary } from '@armilla/crossmatch';
import { STANDARD } from '../table/flags.js';
import type { MatchTask } from './flags.js';
import { recenteringText, trustText } from './trust-text.js';

/** A summary for people; rows of each side add up. */
export function summaryText(task: Pick<MatchTask, 'left' | 'right' | 'output'>, summary: MatchSummary): string {
  const {
    left,
    right,
    rowCount,
    pairCount,
    indexSeconds,
    matchSeconds,
    totalSeconds,
    peakMemoryBytes,
    groupCount,
    spill,
  } = summary;
  const sides =
    task.right === undefined
      ? [sideText('table', task.left, left)]
      : [sideText('left', task.left, left), sideText('right', task.right, right)];
  const rate = task.right === undefined ? left.rowCount : left.rowCount + right.rowCount;
  const groups = groupCount > 0 ? `, ${formatCount(groupCount, 'group')}` : '';
  const where = task.output.path === STANDARD ? '' : ` to ${task.output.path}`;
  return [
    ...summary.warnings.map((warning) => `warning: ${warning}`),
    ...sides,
    ...(summary.recentering ? [recenteringText(summary.recentering)] : []),
    ...(summary.trust ? [trustText(summary.trust)] : []),
    `${formatCount(rowCount, 'row')}${where} (${formatCount(pairCount, 'pair')}${groups}) in ${seconds(totalSeconds)}: ` +
      `index ${seconds(indexSeconds)}, match ${seconds(matchSeconds)}; ` +
      `${formatCount(Math.round(rate / Math.max(totalSeconds, 1e-3)))} rows/s; peak memory ${formatBytes(peakMemoryBytes)}`,
    ...(spill ? [spillText(spill)] : []),
  ].join('\n');
}

function spillText(spill: SpillSummary): string {
  const { bucketCount, spilledBytes, resumedStepCount, plannedScratchBytes, plannedSeconds } = spill;
  const planned = `planned: ${formatBytes(plannedScratchBytes)} and ${seconds(plannedSeconds)}`;
  const resumed = resumedStepCount > 0 ? `, continued behind ${formatCount(resumedStepCount, 'finished step')}` : '';
  return `by way of ${formatCount(bucketCount, 'bucket')} on disk, ${formatBytes(spilledBytes)} of scratch (${planned})${resumed}`;
}

export function sideText(title: string, name: string, side: SideSummary): string {
  const filtered = side.filteredRowCount > 0 ? ` + ${formatCount(side.filteredRowCount)} filtered` : '';
  const misfits = Object.entries(side.misfitByColumn).map(
    ([column, count]) => `${formatCount(count)} of column '${column}'`,
  );
  return (
    `${title.padEnd(5)} ${name}: ${formatCount(side.rowCount, 'row')} = ${formatCount(side.matchedRowCount)} matched` +
    ` + ${formatCount(side.unmatchedRowCount)} unmatched + ${formatCount(side.rejectedRowCount)} rejected${rejectedText(side)}${filtered}` +
    `; position: ${side.columns.ra}, ${side.columns.dec}${side.guessed ? ' (guessed)' : ''}` +
    (side.missingMotionRowCount > 0
      ? `; ${formatCount(side.missingMotionRowCount, 'row')} without a known proper motion not moved`
      : '') +
    (misfits.length > 0 ? `; values that did not fit and are null: ${misfits.join(', ')}` : '')
  );
}

/** " (5 POSITION_NULL, 2 POSITION_NAN)", or nothing. */
export function rejectedText({ rejectedByReason }: SideSummary): string {
  const reasons = Object.entries(rejectedByReason).map(([reason, count]) => `${formatCount(count ?? 0)} ${reason}`);
  return reasons.length > 0 ? ` (${reasons.join(', ')})` : '';
}

const seconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} s`;
