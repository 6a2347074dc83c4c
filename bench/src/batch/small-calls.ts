import { Random } from '@armilla/base';
import { Dispatcher, routedOperation, type Runtime } from '@armilla/gpu-core';
import { median } from '../measure.js';

/** Many small calls at once, each for itself and made batches. */
export interface SmallCalls {
  readonly case: string;
  readonly device: string;
  readonly calls: number;
  readonly alone_min_ms: number;
  readonly alone_median_ms: number;
  readonly batched_min_ms: number;
  readonly batched_median_ms: number;
  /** Medians, alone / batched. */
  readonly speedup: number;
  readonly batches: number;
  /** Calls whose result differs in any bit. */
  readonly differences: number;
  readonly repeats: number;
}

type Output = Float32Array | Uint8Array;

/** `calls` calls of sizes in [1, largest], all at the same time. */
export async function smallCalls(
  runtime: Runtime,
  stateFolder: string,
  {
    name,
    device,
    largest,
    calls,
    repeats,
  }: { name: string; device: string; largest: number; calls: number; repeats: number },
): Promise<SmallCalls> {
  const routed = routedOperation(name);
  const random = new Random(3);
  const inputs = Array.from({ length: calls }, () =>
    routed.sample(1 + random.below(largest), routed.dtypes[0], random),
  );
  const options = { stateFolder, environment: '' };
  const alone = await Dispatcher.open(runtime, { ...options, batches: false });
  const batched = await Dispatcher.open(runtime, options);
  const time = async (dispatcher: Dispatcher): Promise<{ ms: number; results: Output[] }> => {
    const start = performance.now();
    const computed = await Promise.all(inputs.map((input) => dispatcher.run<Output>(name, input, { device })));
    return { ms: performance.now() - start, results: computed.map(({ value }) => value) };
  };
  const [aloneMs, batchedMs]: [number[], number[]] = [[], []];
  let differences = 0;
  let batches = 0;
  for (let repeat = -2; repeat < repeats; repeat++) {
    const first = await time(alone);
    const before = batchCount(batched);
    const second = await time(batched);
    batches = batchCount(batched) - before;
    if (repeat < 0) continue;
    aloneMs.push(first.ms);
    batchedMs.push(second.ms);
    differences += first.results.filter(
      (one, i) => Buffer.compare(bytesOf(one), bytesOf(second.results[i])) !== 0,
    ).length;
  }
  return {
    case: `${name}, sizes up to ${largest}`,
    device,
    calls,
    alone_min_ms: Math.min(...aloneMs),
    alone_median_ms: median(aloneMs),
    batched_min_ms: Math.min(...batchedMs),
    batched_median_ms: median(batchedMs),
    speedup: median(aloneMs) / median(batchedMs),
    batches,
    differences,
    repeats,
  };
}

function batchCount(dispatcher: Dispatcher): number {
  return dispatcher.view().batches.reduce((sum, { batchCount: count }) => sum + count, 0);
}

function bytesOf({ buffer, byteOffset, byteLength }: Output): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
