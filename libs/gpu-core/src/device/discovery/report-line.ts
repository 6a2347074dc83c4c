import type { ProviderReport } from './discovery.js';

/** Drivers and layers of Vulkan print to the same stream: the line of the reports begins like no other. */
const MARK = 'armilla-adapters: ';

/** The reports as one line, apart from what was printed before without an end of its line. */
export function reportLine(reports: readonly ProviderReport[]): string {
  return `\n${MARK}${JSON.stringify(reports)}\n`;
}

/** The reports in what the process printed; undefined where there are none that can be read. */
export function readReports(printed: string): readonly ProviderReport[] | undefined {
  const line = printed.split('\n').findLast((one) => one.startsWith(MARK));
  if (line === undefined) return undefined;
  try {
    return JSON.parse(line.slice(MARK.length)) as ProviderReport[];
  } catch {
    // Cut short: the caller says so.
    return undefined;
  }
}
