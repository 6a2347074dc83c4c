import { type Interval, lengthOf, union } from './intervals.js';
import { endNs, type Profile } from './profile.js';

/** Index of each span's parent, or -1 where it has none or the ring has lost it. */
export function parentsOf(profile: Profile): Int32Array {
  const { id, parent } = profile.spans;
  const indices = new Map<number, number>();
  for (let i = 0; i < id.length; i++) indices.set(id[i], i);
  return Int32Array.from(parent, (value) => indices.get(value) ?? -1);
}

/** Time of each span, ns, in which none of its children ran; children that overlap count once. */
export function selfTimes(profile: Profile, parents: Int32Array = parentsOf(profile)): Float64Array {
  const { startNs } = profile.spans;
  const children = new Map<number, Interval[]>();
  for (let i = 0; i < parents.length; i++) {
    const parent = parents[i];
    if (parent < 0) continue;
    const inside: Interval = [
      Math.max(startNs[i], startNs[parent]),
      Math.min(endNs(profile, i), endNs(profile, parent)),
    ];
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [inside]);
    else list.push(inside);
  }
  return Float64Array.from(startNs, (start, i) => {
    const durationNs = endNs(profile, i) - start;
    const list = children.get(i);
    return list === undefined ? durationNs : Math.max(0, durationNs - lengthOf(union(list)));
  });
}
