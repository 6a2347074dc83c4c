import { endNs, type Profile } from './profile.js';
import { parentsOf, selfTimes } from './self-time.js';

/** Spans of one operation and device below one caller, together. */
export interface StackNode {
  readonly op: string;
  readonly device: string;
  /** Time of its own, ns; that of the whole node is the sum over what lies below. */
  selfNs: number;
  totalNs: number;
  count: number;
  /** Innermost caller, or undefined at the top. */
  readonly parent: StackNode | undefined;
  readonly children: StackNode[];
}

export interface Stacks {
  readonly roots: readonly StackNode[];
  /** All nodes, callers before what they call. */
  readonly nodes: readonly StackNode[];
}

/** The tree of calls. Spans whose parent the ring has lost are at the top. */
export function stacksOf(profile: Profile): Stacks {
  const parents = parentsOf(profile);
  const self = selfTimes(profile, parents);
  const { op, device } = profile.spans;
  const roots: StackNode[] = [];
  const nodes: StackNode[] = [];
  const known = new Map<string, { index: number; node: StackNode }>();
  const nodeOf = new Int32Array(parents.length);
  for (let i = 0; i < parents.length; i++) {
    const caller = parents[i] < 0 ? -1 : nodeOf[parents[i]];
    const key = `${caller}/${op[i]}/${device[i]}`;
    let entry = known.get(key);
    if (entry === undefined) {
      const parent = caller < 0 ? undefined : nodes[caller];
      const names = { op: profile.ops[op[i]], device: profile.devices[device[i]] };
      const node: StackNode = { ...names, selfNs: 0, totalNs: 0, count: 0, parent, children: [] };
      (parent?.children ?? roots).push(node);
      entry = { index: nodes.push(node) - 1, node };
      known.set(key, entry);
    }
    nodeOf[i] = entry.index;
    entry.node.selfNs += self[i];
    entry.node.count++;
  }
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    node.totalNs += node.selfNs;
    if (node.parent !== undefined) node.parent.totalNs += node.totalNs;
  }
  return { roots, nodes };
}

/** Names from the outermost caller to `node`, at most `limit` of them: the innermost. */
export function pathOf(node: StackNode, limit: number): StackNode[] {
  const path: StackNode[] = [];
  for (let at: StackNode | undefined = node; at !== undefined && path.length < limit; at = at.parent) path.push(at);
  return path.reverse();
}

/** First start and last end, ns; [0, 0] without spans. */
export function timeRange(profile: Profile): [firstNs: number, lastNs: number] {
  const { startNs } = profile.spans;
  if (startNs.length === 0) return [0, 0];
  let first = Infinity;
  let last = -Infinity;
  for (let i = 0; i < startNs.length; i++) {
    first = Math.min(first, startNs[i]);
    last = Math.max(last, endNs(profile, i));
  }
  return [first, last];
}
