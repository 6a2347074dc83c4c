import { formatBytes, formatCount } from '@armilla/base';
import type { CrossoverRange } from './crossover.js';
import type { Decision, DevicePrediction, RouteReason } from './decision.js';
import type { RouterView } from './router-view.js';

/** Text of `armilla router show`. */
export function renderRouter(view: RouterView): string {
  const lines: string[] = [];
  if (view.operations.length === 0) lines.push('No operation was measured or asked for yet.');
  for (const one of view.operations) {
    lines.push(`${one.operation} ${one.dtype} (model ${one.modelVersion})`);
    lines.push(
      ...table([
        ['device', 'from', 'samples', 'launch', 'steps/s', 'bytes/s', 'spread'],
        ...one.models.map((model) => [
          model.device,
          model.slowed ? `${model.source}, slower` : model.source,
          String(model.samples),
          formatMs(model.launchMs),
          model.workPerSecond === null ? '-' : model.workPerSecond.toExponential(1),
          model.bytesPerSecond === null ? '-' : model.bytesPerSecond.toExponential(1),
          `${Math.round(100 * (Math.exp(model.sigma) - 1))} %`,
        ]),
      ]),
    );
    lines.push(`  operands on the host: ${rangesText(one.crossoverHost)}`);
    lines.push(`  operands there:       ${rangesText(one.crossoverDevice)}`, '');
  }
  if (view.regret.length > 0) {
    lines.push('Calls so far');
    lines.push(
      ...table([
        ['operation', 'calls', 'took', 'best predicted', 'ratio', 'tries cost', 'overrides cost'],
        ...view.regret.map((row) => [
          row.operation,
          formatCount(row.calls),
          formatMs(row.actualMs),
          formatMs(row.bestPredictedMs),
          row.ratio.toFixed(3),
          formatMs(row.explorationMs),
          formatMs(row.overrideMs),
        ]),
      ]),
    );
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Text of `armilla router explain <op> <size>`. */
export function renderDecision(decision: Decision): string {
  const refused = new Map(decision.refused.map(({ device, reason }) => [device, reason]));
  const row = (one: DevicePrediction): string[] => [
    one.device === decision.chosen ? `* ${one.device}` : `  ${one.device}`,
    formatMs(one.totalMs),
    formatMs(one.terms.launchMs),
    formatMs(one.terms.computeMs),
    `${formatMs(one.terms.transferMs)} (${formatBytes(one.bytesToMove)})`,
    formatMs(one.terms.queueMs),
    `${one.samples}, ${one.source}`,
    [one.chunkCount > 1 ? `${one.chunkCount} pieces` : '', refused.get(one.device) ?? ''].filter(Boolean).join(', '),
  ];
  const predicted = new Set(decision.predictions.map(({ device }) => device));
  const { deadlineMs } = decision.request;
  const deadline = deadlineMs === undefined ? '' : `, to be done in ${formatMs(deadlineMs)}`;
  const absent = decision.refused.filter(({ device }) => !predicted.has(device));
  return `${[
    `${decision.operation} ${decision.dtype}, work ${decision.work.toExponential(2)}: ${decision.chosen}`,
    `  ${REASONS[decision.reason]}; confidence ${Math.round(100 * decision.confidence)} %, model ${decision.modelVersion}${deadline}`,
    ...table([
      ['  device', 'predicted', 'launch', 'compute', 'transfer', 'queue', 'samples', ''],
      ...decision.predictions.map(row),
    ]),
    ...absent.map(({ device, reason, detail }) => `  ${device}: not possible (${detail ?? reason})`),
    ...decision.refused
      .filter(({ reason }) => reason === 'rule-only')
      .map(({ device, detail }) => `  ${device}: only where a rule names it (${detail})`),
    decision.crossoverWork === null
      ? '  even with the next best device at no size of this shape'
      : `  even with the next best device at work ${decision.crossoverWork.toExponential(2)}`,
  ].join('\n')}\n`;
}

const REASONS: Readonly<Record<RouteReason, string>> = {
  'override-request': 'the request names it',
  'override-environment': 'ARMILLA_ROUTE names it',
  'override-config': 'the configuration (route) names it',
  'only-device': 'no other device may do it',
  fastest: 'earliest predicted finish',
  hysteresis: 'chosen for calls of this size before, and hardly slower than the fastest',
  exploration: 'a try, to learn how fast it is',
  deadline: 'likelier to meet the deadline than the fastest',
  'deadline-unlikely': 'earliest predicted finish; no device is likely to meet the deadline',
};

/** Three significant digits, from nanoseconds to seconds. */
export function formatMs(ms: number): string {
  if (ms === 0) return '0';
  const size = Math.abs(ms);
  if (size >= 999.5) return `${(ms / 1000).toPrecision(3)} s`;
  if (size >= 0.9995) return `${ms.toPrecision(3)} ms`;
  return `${Number((ms * 1000).toPrecision(3))} us`;
}

function rangesText(ranges: readonly CrossoverRange[]): string {
  return (
    ranges.map(({ device, from }, i) => (i === 0 ? device : `${device} from ${formatCount(from)}`)).join(', ') || '-'
  );
}

/** Columns to the left, two blanks between. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd());
}
