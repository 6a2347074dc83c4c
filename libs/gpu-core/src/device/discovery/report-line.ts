import type { ProviderReport } from './discovery.js';

/** Drivers and layers of Vulkan print to the same stream: the line of the report begins like no other. */
const MARK = 'armilla-adapters: ';

/** The report as one line, apart from what was printed before without an end of its line. */
export function reportLine(report: ProviderReport): string {
  return `\n${MARK}${JSON.stringify(report)}\n`;
}

/** The report in what the process printed; undefined where there is none that can be read. */
export function readReport(printed: string): ProviderReport | undefined {
  const line = printed.split('\n').findLast((one) => one.startsWith(MARK));
  if (line === undefined) return undefined;
  try {
    return JSON.parse(line.slice(MARK.length)) as ProviderReport;
  } catch {
    // Cut short: the caller says so.
    return undefined;
  }
}
