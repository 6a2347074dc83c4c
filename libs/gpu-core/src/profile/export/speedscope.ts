import type { Profile } from '../profile.js';
import { pathOf, stacksOf } from '../stacks.js';

const DEPTH_LIMIT = 512;
const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

/**
 * JSON for speedscope: one sample a call path, weighted with its self time (spans that overlap could not be told as events,
 * which must nest).
 */
export function profileToSpeedscope(profile: Profile): string {
  const frames: { name: string }[] = [];
  const frameOf = new Map<string, number>();
  const samples: number[][] = [];
  const weights: number[] = [];
  for (const node of stacksOf(profile).nodes) {
    if (!(node.selfNs > 0)) continue;
    samples.push(
      pathOf(node, DEPTH_LIMIT).map(({ op, device }) => {
        const name = `${op} [${device}]`;
        const known = frameOf.get(name);
        if (known !== undefined) return known;
        frameOf.set(name, frames.length);
        return frames.push({ name }) - 1;
      }),
    );
    weights.push(node.selfNs);
  }
  const endValue = weights.reduce((sum, weight) => sum + weight, 0);
  const name = profile.label || 'armilla';
  return JSON.stringify({
    $schema: SCHEMA,
    name,
    exporter: 'armilla',
    activeProfileIndex: 0,
    shared: { frames },
    profiles: [{ type: 'sampled', name, unit: 'nanoseconds', startValue: 0, endValue, samples, weights }],
  });
}
