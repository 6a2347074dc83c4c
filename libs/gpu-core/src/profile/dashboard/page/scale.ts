/** Maps values to pixels, and says where ticks belong. */
export interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

type Range = readonly [number, number];

export function linearScale([low, high]: Range, [from, to]: Range, tickCount = 6): Scale {
  const span = high > low ? high - low : 1;
  const rough = span / tickCount;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) as number;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= low + span * (1 + 1e-9) && ticks.length < 50; i++)
    ticks.push(i * step);
  return Object.assign((value: number) => from + ((value - low) / span) * (to - from), { ticks });
}

/** Ticks at powers of ten, every so many that few enough fit; where there are hardly any, at 2 and 5 times these too. */
export function logScale([low, high]: Range, [from, to]: Range, tickCount = 8): Scale {
  const first = Math.log10(low);
  const span = high > low ? Math.log10(high) - first : 1;
  const step = Math.max(1, Math.ceil(span / tickCount));
  const ticks: number[] = [];
  for (let power = Math.ceil(first - 1e-9); power <= first + span + 1e-9; power += step) ticks.push(10 ** power);
  if (ticks.length < 3) {
    for (let power = Math.floor(first); power <= first + span; power++) {
      for (const value of [2 * 10 ** power, 5 * 10 ** power]) if (value >= low && value <= high) ticks.push(value);
    }
  }
  return Object.assign((value: number) => from + ((Math.log10(value) - first) / span) * (to - from), { ticks });
}
