import { Profiler } from '@armilla/gpu-core';
import { median } from '../measure.js';

export interface OverheadRow {
  readonly case: string;
  readonly minNsPerSpan: number;
  readonly medianNsPerSpan: number;
  readonly repeats: number;
}

const SPANS = 500_000;

/** What a span costs, on and off, beside the clock that it reads twice; ns a span. */
export function runProfileBench({ quick = false } = {}): OverheadRow[] {
  const on = new Profiler();
  const stopped = new Profiler({ nowNs: () => 0 });
  const off = new Profiler({ enabled: false });
  const repeats = quick ? 3 : 15;
  const now = performance.now.bind(performance);
  const cases: Record<string, (count: number) => void> = {
    'clock read twice': (count) => {
      for (let i = 0; i < count; i++) {
        now();
        now();
      }
    },
    'begin, end': (count) => {
      for (let i = 0; i < count; i++) on.end(on.begin('sky.join', 'gpu0'));
    },
    'begin, add, end': (count) => {
      for (let i = 0; i < count; i++) {
        const handle = on.begin('sky.join', 'gpu0');
        on.add(handle, { kernelNs: 5, bytes: 7 });
        on.end(handle);
      }
    },
    'begin, end without the clock': (count) => {
      for (let i = 0; i < count; i++) stopped.end(stopped.begin('sky.join', 'gpu0'));
    },
    scope: (count) => {
      for (let i = 0; i < count; i++) on.scope('sky.join').end();
    },
    'begin, end, switched off': (count) => {
      for (let i = 0; i < count; i++) off.end(off.begin('sky.join', 'gpu0'));
    },
    'scope, switched off': (count) => {
      for (let i = 0; i < count; i++) off.scope('sky.join').end();
    },
  };
  return Object.entries(cases).map(([name, work]) => {
    work(SPANS);
    const figures = Array.from({ length: repeats }, () => {
      const start = now();
      work(SPANS);
      return ((now() - start) * 1e6) / SPANS;
    });
    return { case: name, minNsPerSpan: Math.min(...figures), medianNsPerSpan: median(figures), repeats };
  });
}
