import { type Interval, lengthOf, sharedLength, union } from './intervals.js';
import { endNs, type Profile } from './profile.js';

export interface Overlap {
  readonly device: string;
  /** Time in which an upload or a readback ran. */
  readonly transferNs: number;
  /** Of these the time in which a kernel ran as well, in [0, 1]; NaN where nothing was transferred. */
  readonly share: number;
}

/** How much of the transfers of each device ran beside a kernel: 1 hides all of them. */
export function overlaps(profile: Profile): Overlap[] {
  const rows = profile.devices.map((device) => ({ device, transfers: [] as Interval[], kernels: [] as Interval[] }));
  const { device } = profile.spans;
  for (let i = 0; i < device.length; i++) {
    const { upload, kernel, readback } = partIntervals(profile, i);
    rows[device[i]].transfers.push(upload, readback);
    rows[device[i]].kernels.push(kernel);
  }
  return rows.flatMap(({ device, transfers, kernels }) => {
    const transferTimes = union(transfers);
    const transferNs = lengthOf(transferTimes);
    if (transferNs === 0) return [];
    return [{ device, transferNs, share: sharedLength(transferTimes, union(kernels)) / transferNs }];
  });
}

/**
 * Where the parts of span `i` lie: a span knows how long they took. Queue and upload follow each other from its start; kernel and
 * readback end it where the times of all parts add up to it, since what a job waits for between is the kernel of another one.
 */
export function partIntervals(profile: Profile, i: number): Record<'upload' | 'kernel' | 'readback', Interval> {
  const { startNs, queueNs, uploadNs, kernelNs, readbackNs } = profile.spans;
  const end = endNs(profile, i);
  let at = Math.min(end, startNs[i] + queueNs[i]);
  const next = (ns: number): Interval => [at, (at = Math.min(end, at + ns))];
  const upload = next(uploadNs[i]);
  at = Math.max(at, end - kernelNs[i] - readbackNs[i]);
  return { upload, kernel: next(kernelNs[i]), readback: next(readbackNs[i]) };
}
