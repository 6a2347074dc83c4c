import { formatCount } from '@armilla/base';
import type { CaseResult } from './crossmatch/case.js';
import type { Machine } from './machine.js';

const ms = (seconds: number): string =>
  seconds >= 10 ? `${seconds.toFixed(1)} s` : `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`;

export function machineLine(machine: Machine): string {
  return `${machine.cpu}, ${machine.coreCount} cores, ${machine.memoryGib} GiB, ${machine.system}, Node.js ${machine.node}, commit ${machine.commit}, ${machine.date}`;
}

/** A case as lines of text: ours, each peer, the ratio. */
export function caseLines(result: CaseResult): string[] {
  const { ours } = result;
  const cpu = Number.isNaN(ours.cpu_s) ? '' : `  cpu ${ms(ours.cpu_s)}`;
  const peak = Number.isNaN(ours.peak_rss_mib) ? '' : `  peak ${formatCount(ours.peak_rss_mib)} MiB`;
  const lines = [
    `${result.case} (${result.rows})`,
    `  armilla          min ${ms(ours.min_s)}  median ${ms(ours.median_s)}  max ${ms(ours.max_s)}${cpu}${peak}  (${ours.repeats} runs)`,
  ];
  for (const peer of result.peers) {
    if ('skipped' in peer) lines.push(`  ${peer.name.padEnd(16)} skipped: ${peer.skipped}`);
    else {
      const times = `${(peer.median_s / ours.median_s).toFixed(1)}x`;
      lines.push(
        `  ${peer.name.padEnd(16)} min ${ms(peer.min_s)}  median ${ms(peer.median_s)}  ${times}${Number.isNaN(peer.peak_rss_mib) ? '' : `  peak ${formatCount(Math.round(peer.peak_rss_mib))} MiB`}  (${peer.version})`,
      );
    }
  }
  const facts = Object.entries(result.facts).filter(([, value]) => value !== '');
  if (facts.length > 0)
    lines.push(
      `  ${facts.map(([key, value]) => `${key} ${typeof value === 'number' && Number.isInteger(value) ? formatCount(value) : value}`).join(', ')}`,
    );
  if (result.ratio_to_best_peer !== undefined)
    lines.push(`  best peer / armilla: ${result.ratio_to_best_peer.toFixed(1)}`);
  return lines;
}
