import type { Profile } from '../profile.js';
import { pathOf, stacksOf } from '../stacks.js';

const DEPTH_LIMIT = 512;

/** "caller;callee <self time, ns>" a line, as flamegraph.pl and speedscope read it. */
export function profileToFolded(profile: Profile): string {
  return stacksOf(profile)
    .nodes.filter((node) => Math.round(node.selfNs) > 0)
    .map((node) => {
      const names = pathOf(node, DEPTH_LIMIT).map(({ op, device }) => frameName(op, device));
      return `${names.join(';')} ${Math.round(node.selfNs)}\n`;
    })
    .join('');
}

/** Without the characters that separate frames and lines. */
function frameName(op: string, device: string): string {
  return `${op} [${device}]`.replace(/[;\s]+/g, ' ');
}
