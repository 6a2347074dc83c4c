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
    if (v128.any_true(f64x2.gt(key, splat(0.25))) || i + 1 == count) {
      store<f64>(at, separationOfKey(lane0(key)));
      if (i + 1 < count) store<f64>(at, separationOfKey(lane1(key)), 8);
      continue;
    }
    const x = f64x2.sqrt(key);
    const z = f64x2.mul(x, x);
    let p = f64x2.add(splat(A12), f64x2.mul(z, splat(A13)));
    p = f64x2.add(splat(A11), f64x2.mul(z, p));
    p = f64x2.add(splat(A10), f64x2.mul(z, p));
    p = f64x2.add(splat(A9), f64x2.mul(z, p));
    p = f64x2.add(splat(A8), f64x2.mul(z, p));
    p = f64x2.add(splat(A7), f64x2.mul(z, p));
    p = f64x2.add(splat(A6), f64x2.mul(z, p));
    p = f64x2.add(splat(A5), f64x2.mul(z, p));
    p = f64x2.add(splat(A4), f64x2.mul(z, p));
    p = f64x2.add(splat(A3), f64x2.mul(z, p));
    p = f64x2.add(splat(A2), f64x2.mul(z, p));
    p = f64x2.add(splat(A1), f64x2.mul(z, p));
    const asin = f64x2.add(x, f64x2.mul(x, f64x2.mul(z, p)));
    v128.store(at, f64x2.mul(f64x2.mul(f64x2.mul(splat(2), asin), splat(DEGREES_PER_RADIAN)), splat(3600)));
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
function splat(x: f64): v128 {
  return f64x2.splat(x);
}

// @ts-ignore: decorator
@inline
function sinSmall2(r: v128): v128 {
  const z = f64x2.mul(r, r);
  let p = f64x2.add(splat(S5), f64x2.mul(z, splat(S6)));
  p = f64x2.add(splat(S4), f64x2.mul(z, p));
  p = f64x2.add(splat(S3), f64x2.mul(z, p));
  p = f64x2.add(splat(S2), f64x2.mul(z, p));
  p = f64x2.add(splat(S1), f64x2.mul(z, p));
  return f64x2.add(r, f64x2.mul(r, f64x2.mul(z, p)));
}

// @ts-ignore: decorator
@inline
function cosSmall2(r: v128): v128 {
  const z = f64x2.mul(r, r);
  let p = f64x2.add(splat(C5), f64x2.mul(z, splat(C6)));
  p = f64x2.add(splat(C4), f64x2.mul(z, p));
  p = f64x2.add(splat(C3), f64x2.mul(z, p));
  p = f64x2.add(splat(C2), f64x2.mul(z, p));
  p = f64x2.add(splat(C1), f64x2.mul(z, p));
  return f64x2.sub(splat(1), f64x2.sub(f64x2.mul(splat(0.5), z), f64x2.mul(f64x2.mul(z, z), p)));
}

/** cosDeg of two declinations. */
// @ts-ignore: decorator
@inline
export function cosDeg2(dec: v128): v128 {
  const t = f64x2.abs(dec);
  const steep = f64x2.gt(t, splat(45));
  const r = f64x2.mul(v128.bitselect(f64x2.sub(splat(90), t), t, steep), splat(RADIANS_PER_DEGREE));
  return v128.bitselect(sinSmall2(r), cosSmall2(r), steep);
}

/** The keys of two pairs, written to `out`. */
// @ts-ignore: decorator
@inline
export function keys2(ra1: v128, dec1: v128, cos1: v128, ra2: v128, dec2: v128, out: usize): void {
  const straight = f64x2.sub(ra2, ra1);
  const east = f64x2.gt(straight, splat(180));
  const west = f64x2.lt(straight, splat(-180));
  const deltaRa = f64x2.sub(
    v128.bitselect(f64x2.sub(ra2, splat(360)), ra2, east),
    v128.bitselect(f64x2.sub(ra1, splat(360)), ra1, west),
  );
  const halfDec = f64x2.abs(f64x2.mul(f64x2.sub(dec2, dec1), splat(0.5)));
  const halfRa = f64x2.abs(f64x2.mul(deltaRa, splat(0.5)));
  if (v128.any_true(f64x2.gt(f64x2.max(halfDec, halfRa), splat(45)))) {
    store<f64>(out, keyOf(lane0(ra1), lane0(dec1), lane0(cos1), lane0(ra2), lane0(dec2)));
    store<f64>(out + 8, keyOf(lane1(ra1), lane1(dec1), lane1(cos1), lane1(ra2), lane1(dec2)));
    return;
  }
  const sinDec = sinSmall2(f64x2.mul(halfDec, splat(RADIANS_PER_DEGREE)));
  const sinRa = sinSmall2(f64x2.mul(halfRa, splat(RADIANS_PER_DEGREE)));
  const cosines = f64x2.mul(cos1, cosDeg2(dec2));
  const h = f64x2.add(f64x2.mul(sinDec, sinDec), f64x2.mul(cosines, f64x2.mul(sinRa, sinRa)));
  if (v128.any_true(f64x2.gt(h, splat(0.5)))) {
    store<f64>(out, keyOf(lane0(ra1), lane0(dec1), lane0(cos1), lane0(ra2), lane0(dec2)));
    store<f64>(out + 8, keyOf(lane1(ra1), lane1(dec1), lane1(cos1), lane1(ra2), lane1(dec2)));
    return;
  }
  v128.store(out, h);
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
