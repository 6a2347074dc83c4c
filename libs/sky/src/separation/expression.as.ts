// The separation key in wasm: the same operations in the same order as separation.ts and trigonometry.ts, so the same
// bits. `keys2` evaluates two pairs at a time.

const RADIANS_PER_DEGREE: f64 = 0.017453292519943295;
const HALF_PI: f64 = 1.5707963267948966;
export const DEGREES_PER_RADIAN: f64 = 57.29577951308232;

const S1: f64 = -0.16666666666666666;
const S2: f64 = 0.008333333333330948;
const S3: f64 = -0.00019841269836756774;
const S4: f64 = 2.7557316101617874e-6;
const S5: f64 = -2.5051131650235178e-8;
const S6: f64 = 1.5915118263265747e-10;

const C1: f64 = 0.041666666666666664;
const C2: f64 = -0.0013888888888887398;
const C3: f64 = 2.480158729876456e-5;
const C4: f64 = -2.7557317271145144e-7;
const C5: f64 = 2.087614614655861e-9;
const C6: f64 = -1.1382623647474462e-11;

const A1: f64 = 0.16666666666666669;
const A2: f64 = 0.07499999999998425;
const A3: f64 = 0.04464285714637338;
const A4: f64 = 0.030381944137085216;
const A5: f64 = 0.0223721730020056;
const A6: f64 = 0.0173523912659092;
const A7: f64 = 0.013971235301124917;
const A8: f64 = 0.011478952690254089;
const A9: f64 = 0.010324318288763578;
const A10: f64 = 0.005450878187643824;
const A11: f64 = 0.017419357965078285;
const A12: f64 = -0.0148814093931001;
const A13: f64 = 0.02877844261277394;

// The same numbers in memory: an engine makes a vector of a constant anew at each use, in several instructions, but loads
// it in one.
const TABLE: usize = memory.data<f64>([
  S1, S2, S3, S4, S5, S6, C1, C2, C3, C4, C5, C6, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, RADIANS_PER_DEGREE, DEGREES_PER_RADIAN, 0.5, 1, 2, 0.25, 45, 90, 3600, 59, 0.008726646259971648,
]);
const K_S1: usize = 0;
const K_S2: usize = 8;
const K_S3: usize = 16;
const K_S4: usize = 24;
const K_S5: usize = 32;
const K_S6: usize = 40;
const K_C1: usize = 48;
const K_C2: usize = 56;
const K_C3: usize = 64;
const K_C4: usize = 72;
const K_C5: usize = 80;
const K_C6: usize = 88;
const K_A1: usize = 96;
const K_A2: usize = 104;
const K_A3: usize = 112;
const K_A4: usize = 120;
const K_A5: usize = 128;
const K_A6: usize = 136;
const K_A7: usize = 144;
const K_A8: usize = 152;
const K_A9: usize = 160;
const K_A10: usize = 168;
const K_A11: usize = 176;
const K_A12: usize = 184;
const K_A13: usize = 192;
const K_RADIANS: usize = 200;
const K_DEGREES: usize = 208;
const K_HALF: usize = 216;
const K_ONE: usize = 224;
const K_TWO: usize = 232;
const K_QUARTER: usize = 240;
const K_STEEP: usize = 248;
const K_RIGHT: usize = 256;
const K_ARCSEC: usize = 264;
const K_NEAR: usize = 272;
const K_HALF_RADIANS: usize = 280;

/** Both lanes of a number of the table. */
// @ts-ignore: decorator
@inline
function both(at: usize): v128 {
  return v128.load64_splat(TABLE + at);
}

// @ts-ignore: decorator
@inline
function sinSmall(r: f64): f64 {
  const z = r * r;
  return r + r * (z * (S1 + z * (S2 + z * (S3 + z * (S4 + z * (S5 + z * S6))))));
}

// @ts-ignore: decorator
@inline
function cosSmall(r: f64): f64 {
  const z = r * r;
  return 1 - (0.5 * z - z * z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6))))));
}

export function sinAbsDeg(x: f64): f64 {
  const t = abs(x);
  return t > 45 ? cosSmall((90 - t) * RADIANS_PER_DEGREE) : sinSmall(t * RADIANS_PER_DEGREE);
}

export function cosDeg(x: f64): f64 {
  const t = abs(x);
  return t > 45 ? sinSmall((90 - t) * RADIANS_PER_DEGREE) : cosSmall(t * RADIANS_PER_DEGREE);
}

// @ts-ignore: decorator
@inline
function asinSmall(x: f64): f64 {
  const z = x * x;
  const high = A7 + z * (A8 + z * (A9 + z * (A10 + z * (A11 + z * (A12 + z * A13)))));
  return x + x * (z * (A1 + z * (A2 + z * (A3 + z * (A4 + z * (A5 + z * (A6 + z * high)))))));
}

export function asinSqrt(h: f64): f64 {
  const x = sqrt<f64>(h);
  return x <= 0.5 ? asinSmall(x) : HALF_PI - 2 * asinSmall(sqrt<f64>(0.5 * (1 - x)));
}

/** Separation in arcsec of a key. */
export function separationOfKey(key: f64): f64 {
  if (key <= 1) return 2 * asinSqrt(key) * DEGREES_PER_RADIAN * 3600;
  return (180 - 2 * asinSqrt(1 / key) * DEGREES_PER_RADIAN) * 3600;
}

/** Keys of `count` pairs become arcsec, in place. `keys` has room for one more. */
export function separationsOfKeys(keys: usize, count: usize): void {
  for (let i: usize = 0; i < count; i += 2) {
    const at = keys + (i << 3);
    const key = v128.load(at);
    if (v128.any_true(f64x2.gt(key, both(K_QUARTER))) || i + 1 == count) {
      store<f64>(at, separationOfKey(lane0(key)));
      if (i + 1 < count) store<f64>(at, separationOfKey(lane1(key)), 8);
      continue;
    }
    const x = f64x2.sqrt(key);
    const z = f64x2.mul(x, x);
    let p = f64x2.add(both(K_A12), f64x2.mul(z, both(K_A13)));
    p = f64x2.add(both(K_A11), f64x2.mul(z, p));
    p = f64x2.add(both(K_A10), f64x2.mul(z, p));
    p = f64x2.add(both(K_A9), f64x2.mul(z, p));
    p = f64x2.add(both(K_A8), f64x2.mul(z, p));
    p = f64x2.add(both(K_A7), f64x2.mul(z, p));
    p = f64x2.add(both(K_A6), f64x2.mul(z, p));
    p = f64x2.add(both(K_A5), f64x2.mul(z, p));
    p = f64x2.add(both(K_A4), f64x2.mul(z, p));
    p = f64x2.add(both(K_A3), f64x2.mul(z, p));
    p = f64x2.add(both(K_A2), f64x2.mul(z, p));
    p = f64x2.add(both(K_A1), f64x2.mul(z, p));
    const asin = f64x2.add(x, f64x2.mul(x, f64x2.mul(z, p)));
    v128.store(at, f64x2.mul(f64x2.mul(f64x2.mul(both(K_TWO), asin), both(K_DEGREES)), both(K_ARCSEC)));
  }
}

/** The key of one pair; cos1 = cosDeg(dec1). */
export function keyOf(ra1: f64, dec1: f64, cos1: f64, ra2: f64, dec2: f64): f64 {
  const straight = ra2 - ra1;
  const deltaRa = straight > 180 ? ra2 - 360 - ra1 : straight < -180 ? ra2 - (ra1 - 360) : straight;
  const sinDec = sinAbsDeg((dec2 - dec1) * 0.5);
  const sinRa = sinAbsDeg(deltaRa * 0.5);
  const cosines = cos1 * cosDeg(dec2);
  const h = sinDec * sinDec + cosines * (sinRa * sinRa);
  if (h <= 0.5) return h;
  const sinSum = sinAbsDeg((dec1 + dec2) * 0.5);
  const sinRest = sinAbsDeg((180 - abs(deltaRa)) * 0.5);
  return 1 / (sinSum * sinSum + cosines * (sinRest * sinRest));
}

// @ts-ignore: decorator
@inline
export function sinSmall2(r: v128): v128 {
  const z = f64x2.mul(r, r);
  let p = f64x2.add(both(K_S5), f64x2.mul(z, both(K_S6)));
  p = f64x2.add(both(K_S4), f64x2.mul(z, p));
  p = f64x2.add(both(K_S3), f64x2.mul(z, p));
  p = f64x2.add(both(K_S2), f64x2.mul(z, p));
  p = f64x2.add(both(K_S1), f64x2.mul(z, p));
  return f64x2.add(r, f64x2.mul(r, f64x2.mul(z, p)));
}

// @ts-ignore: decorator
@inline
export function cosSmall2(r: v128): v128 {
  const z = f64x2.mul(r, r);
  let p = f64x2.add(both(K_C5), f64x2.mul(z, both(K_C6)));
  p = f64x2.add(both(K_C4), f64x2.mul(z, p));
  p = f64x2.add(both(K_C3), f64x2.mul(z, p));
  p = f64x2.add(both(K_C2), f64x2.mul(z, p));
  p = f64x2.add(both(K_C1), f64x2.mul(z, p));
  return f64x2.sub(both(K_ONE), f64x2.sub(f64x2.mul(both(K_HALF), z), f64x2.mul(f64x2.mul(z, z), p)));
}

/** cosDeg of two declinations. */
// @ts-ignore: decorator
@inline
export function cosDeg2(dec: v128): v128 {
  const t = f64x2.abs(dec);
  const steep = f64x2.gt(t, both(K_STEEP));
  const sides = i64x2.bitmask(steep);
  // Neighbours mostly lie on the same side of 45 degrees.
  if (sides == 0) return cosSmall2(f64x2.mul(t, both(K_RADIANS)));
  const fromPole = f64x2.mul(f64x2.sub(both(K_RIGHT), t), both(K_RADIANS));
  if (sides == 3) return sinSmall2(fromPole);
  return v128.bitselect(sinSmall2(fromPole), cosSmall2(f64x2.mul(t, both(K_RADIANS))), steep);
}

/** The keys of two pairs, written to `out`. */
// @ts-ignore: decorator
@inline
export function keys2(ra1: v128, dec1: v128, cos1: v128, ra2: v128, dec2: v128, out: usize): void {
  const deltaRa = f64x2.sub(ra2, ra1);
  const deltaDec = f64x2.sub(dec2, dec1);
  // Below 60 degrees each the haversine stays below a half, and no turn has to be taken off.
  if (v128.any_true(f64x2.gt(f64x2.max(f64x2.abs(deltaDec), f64x2.abs(deltaRa)), both(K_NEAR)))) {
    store<f64>(out, keyOf(lane0(ra1), lane0(dec1), lane0(cos1), lane0(ra2), lane0(dec2)));
    store<f64>(out + 8, keyOf(lane1(ra1), lane1(dec1), lane1(cos1), lane1(ra2), lane1(dec2)));
    return;
  }
  // Halving is exact, and the sign is lost in the square: the same bits as by |delta| * 0.5.
  const sinDec = sinSmall2(f64x2.mul(deltaDec, both(K_HALF_RADIANS)));
  const sinRa = sinSmall2(f64x2.mul(deltaRa, both(K_HALF_RADIANS)));
  const cosines = f64x2.mul(cos1, cosDeg2(dec2));
  v128.store(out, f64x2.add(f64x2.mul(sinDec, sinDec), f64x2.mul(cosines, f64x2.mul(sinRa, sinRa))));
}

// @ts-ignore: decorator
@inline
function lane0(x: v128): f64 {
  return f64x2.extract_lane(x, 0);
}

// @ts-ignore: decorator
@inline
function lane1(x: v128): f64 {
  return f64x2.extract_lane(x, 1);
}
