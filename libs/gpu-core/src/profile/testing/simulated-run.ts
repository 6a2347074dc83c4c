import { Random } from '@armilla/base';
import type { Profile } from '../profile.js';
import { Profiler } from '../profiler.js';

/**
 * A run of `rpcCount` requests with joins on the CPU and products on "gpu0" whose uploads overlap kernels; `slowdown` is that
 * of the product's kernel. The same seed gives the same run.
 */
export function simulatedRun(label: string, { seed = 1, rpcCount = 40, slowdown = 1 } = {}): Profile {
  const random = new Random(seed);
  let now = 0;
  const profiler = new Profiler({ nowNs: () => now, originEpochMs: 1_780_000_000_000 });
  const used = profiler.track('memory.used', 'gpu0', 'bytes');
  const reserved = profiler.track('memory.reserved', 'gpu0', 'bytes');
  const wait = (ns: number): void => void (now += ns * random.between(0.8, 1.2));
  for (let rpc = 0; rpc < rpcCount; rpc++) {
    using _request = profiler.scope('crossmatch.match');
    wait(40_000);
    {
      using join = profiler.scope('sky.join');
      wait(1_200_000);
      profiler.scope('sky.join.order').end();
      join.add({ kernelNs: 1_000_000, bytes: 48_000_000, flops: 24_000_000 });
    }
    const open: { handle: number; kernelNs: number }[] = [];
    for (let chunk = 0; chunk < 4; chunk++) {
      const handle = profiler.begin('gpu.matmul', 'gpu0');
      const kernelNs = 400_000 * slowdown * random.between(0.9, 1.3);
      profiler.add(handle, {
        queueNs: 20_000,
        uploadNs: 150_000,
        kernelNs,
        readbackNs: 60_000,
        decision: rpc * 4 + chunk,
      });
      profiler.add(handle, { bytes: 12_582_912, flops: 2_147_483_648, memoryBytes: 3e9 });
      open.push({ handle, kernelNs });
      profiler.count(used, (1 + chunk + (rpc % 20) / 5) * 2 ** 30);
      profiler.count(reserved, (3 + Math.floor(rpc / 15) * 2 + chunk / 2) * 2 ** 30);
      wait(200_000);
    }
    for (const { handle, kernelNs } of open) {
      wait(kernelNs / 2);
      profiler.end(handle);
    }
    wait(30_000);
  }
  profiler.begin('gpu.reduce', 'gpu0');
  wait(500_000);
  return profiler.profile(label, 'simulated');
}
