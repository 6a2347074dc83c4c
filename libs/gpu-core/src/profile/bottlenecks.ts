import type { Profile } from './profile.js';
import { selfTimes } from './self-time.js';
import { opKey } from './summary.js';

export interface Bottleneck {
  readonly op: string;
  readonly device: string;
  /** Time in which the operation ran and none of its children did. */
  readonly selfNs: number;
  /** Of the self times of all operations, in [0, 1]. */
  readonly share: number;
  readonly count: number;
}

/** The operations with the most time of their own, over the spans that the ring holds. */
export function bottlenecks(profile: Profile, limit = 10): Bottleneck[] {
  const { op, device } = profile.spans;
  const self = selfTimes(profile);
  const rows = new Map<string, { op: string; device: string; selfNs: number; count: number }>();
  let allNs = 0;
  for (let i = 0; i < self.length; i++) {
    const key = opKey(op[i], device[i]);
    const row = rows.get(key) ?? { op: profile.ops[op[i]], device: profile.devices[device[i]], selfNs: 0, count: 0 };
    row.selfNs += self[i];
    row.count++;
    allNs += self[i];
    rows.set(key, row);
  }
  return [...rows.values()]
    .sort((a, b) => b.selfNs - a.selfNs)
    .slice(0, limit)
    .map((row) => ({ ...row, share: allNs > 0 ? row.selfNs / allNs : 0 }));
}
