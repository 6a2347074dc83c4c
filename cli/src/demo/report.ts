import type { RecordBatch } from 'apache-arrow';
import { formatBytes, formatCount } from '@armilla/base';
import type { SideSummary } from '@armilla/crossmatch';
import { rejectedText } from '../crossmatch/summary-text.js';
import type { FieldMatch } from './match-field.js';
import type { DemoField } from './simulation.js';

const FIRST_ROW_COUNT = 5;

export function titleText(field: DemoField, radiusArcsec: number): string {
  const side = field.sideDeg.toFixed(1);
  return (
    `${formatCount(field.left.rowCount)} x ${formatCount(field.right.rowCount)} sources, a field of ${side} x ${side} degrees ` +
    `in the galactic plane; nearest within ${radiusArcsec} arcsec`
  );
}

/** The first rows of a result, aligned. */
export function firstRowsText(batch: RecordBatch, seconds: number): string {
  const row = (i: number): string[] => {
    const value = (name: string): unknown => batch.getChild(name)?.get(i);
    const fixed = (name: string, digits: number): string => Number(value(name)).toFixed(digits);
    return [
      String(value('id_1')),
      String(value('id_2')),
      fixed('ra', 6),
      fixed('dec', 6),
      fixed('mag', 2),
      fixed('separation_arcsec', 4),
    ];
  };
  const rows = [
    ['left id', 'right id', 'ra', 'dec', 'mag', 'separation/arcsec'],
    ...Array.from({ length: Math.min(FIRST_ROW_COUNT, batch.numRows) }, (_, i) => row(i)),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const lines = rows.map((cells) => `    ${cells.map((cell, column) => cell.padStart(widths[column])).join('  ')}`);
  return [`  first matched rows, ${seconds.toFixed(2)} s after the first byte was sent:`, ...lines].join('\n');
}

/** What a user wants to read of a finished match. */
export function matchText(field: DemoField, match: FieldMatch, peakBytes: number): string {
  const { summary, correctRowCount, rowCount, seconds } = match;
  const { prediction, truePairCount } = field;
  const completeness = correctRowCount / truePairCount;
  const purity = correctRowCount / rowCount;
  const inputRowCount = summary.left.rowCount + summary.right.rowCount;
  return [
    sideText('left', summary.left),
    sideText('right', summary.right),
    `  completeness  ${shareText(completeness, truePairCount)}   the error model predicts ${predictedText(prediction.completeness, prediction.completenessError)}`,
    `  purity        ${shareText(purity, rowCount)}   the error model predicts ${predictedText(prediction.purity, prediction.purityError)}`,
    `  time          ${seconds.toFixed(2)} s from the first byte sent to the last row read, ${formatCount(Math.round(inputRowCount / seconds))} rows/s` +
      ` (index ${summary.indexSeconds.toFixed(2)} s, match ${summary.matchSeconds.toFixed(2)} s)`,
    `  peak memory   ${formatBytes(peakBytes)} (catalogs, client, gateway and service together)`,
  ].join('\n');
}

/** Whether the rows of a side add up. */
export function addsUp(side: SideSummary, rowCount: number): boolean {
  const { matchedRowCount, unmatchedRowCount, rejectedRowCount, filteredRowCount } = side;
  return (
    side.rowCount === rowCount && matchedRowCount + unmatchedRowCount + rejectedRowCount + filteredRowCount === rowCount
  );
}

function sideText(name: string, side: SideSummary): string {
  return (
    `  ${name.padEnd(13)} ${formatCount(side.rowCount)} rows in = ${formatCount(side.matchedRowCount)} matched + ` +
    `${formatCount(side.unmatchedRowCount)} unmatched + ${formatCount(side.rejectedRowCount)} rejected${rejectedText(side)}`
  );
}

const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;

const predictedText = (share: number, error: number): string => `${percent(share)} +- ${(error * 100).toFixed(3)} %`;

/** A share of `count` with its binomial error. */
function shareText(share: number, count: number): string {
  return `${percent(share)} +- ${(Math.sqrt((share * (1 - share)) / count) * 100).toFixed(3)} %`;
}
