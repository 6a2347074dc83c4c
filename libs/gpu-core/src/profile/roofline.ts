/** What a device can reach at most, measured. */
export interface Roofline {
  readonly device: string;
  readonly peakGflopPerS: number;
  readonly peakGbPerS: number;
}

/** Rates of some work, and how near they come to the roof; NaN where nothing is known. */
export interface Rates {
  readonly gbPerS: number;
  readonly gflopPerS: number;
  /** flop/byte. */
  readonly intensity: number;
  /** Of what the roofline allows at this intensity, in %. */
  readonly rooflinePercent: number;
}

/**
 * Rates of work that took `ns`. The roof is min(peak rate, intensity x peak bandwidth) (Williams, Waterman & Patterson 2009);
 * work without flops is held against the bandwidth.
 */
export function ratesOf(bytes: number, flops: number, ns: number, roof?: Roofline): Rates {
  const gbPerS = ns > 0 && bytes > 0 ? bytes / ns : NaN;
  const gflopPerS = ns > 0 && flops > 0 ? flops / ns : NaN;
  const intensity = bytes > 0 && flops > 0 ? flops / bytes : NaN;
  let rooflinePercent = NaN;
  if (roof !== undefined) {
    if (flops > 0) rooflinePercent = (100 * gflopPerS) / roofAt(roof, intensity);
    else if (bytes > 0) rooflinePercent = (100 * gbPerS) / roof.peakGbPerS;
  }
  return { gbPerS, gflopPerS, intensity, rooflinePercent };
}

/** GFLOP/s that the device can reach at an intensity in flop/byte; NaN: no bytes are moved. */
export function roofAt(roof: Roofline, intensity: number): number {
  return Number.isNaN(intensity) ? roof.peakGflopPerS : Math.min(roof.peakGflopPerS, intensity * roof.peakGbPerS);
}
