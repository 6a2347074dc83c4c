/** Times [start, end), ns. */
export type Interval = readonly [startNs: number, endNs: number];

/** The same times without overlaps, ascending. */
export function union(intervals: readonly Interval[]): Interval[] {
  const merged: [number, number][] = [];
  for (const [start, end] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else if (end > start) merged.push([start, end]);
  }
  return merged;
}

export function lengthOf(disjoint: readonly Interval[]): number {
  return disjoint.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** Length of what two lists of disjoint ascending intervals share. */
export function sharedLength(a: readonly Interval[], b: readonly Interval[]): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    shared += Math.max(0, Math.min(a[i][1], b[j][1]) - Math.max(a[i][0], b[j][0]));
    if (a[i][1] < b[j][1]) i++;
    else j++;
  }
  return shared;
}
