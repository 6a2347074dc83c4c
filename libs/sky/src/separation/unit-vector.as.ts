// Unit vectors in wasm: the same operations in the same order as unit-vector.ts, so the same bits, two at a time.
import { cosSmall2, sinSmall2 } from './expression.as';

const RADIANS_PER_DEGREE: f64 = 0.017453292519943295;
const SIGN: i64 = i64.MIN_VALUE;

/** Unit vectors of two positions, right ascensions in [0, 360) and declinations in degrees, to two places of each column. */
// @ts-ignore: decorator
@inline
export function unitVectors2(ra: v128, dec: v128, outX: usize, outY: usize, outZ: usize): void {
  const straight = f64x2.splat(180);
  const west = v128.bitselect(f64x2.sub(ra, f64x2.splat(360)), ra, f64x2.gt(ra, straight));
  const turn = f64x2.abs(west);
  const rest = f64x2.sub(straight, turn);
  const obtuse = f64x2.gt(turn, f64x2.splat(90));
  // Both lie in [0, 90] degrees.
  const turned = v128.bitselect(rest, turn, obtuse);
  const raised = f64x2.abs(dec);
  const steepRa = f64x2.gt(turned, f64x2.splat(45));
  const steepDec = f64x2.gt(raised, f64x2.splat(45));
  const fromRa = radians(turned, steepRa);
  const fromDec = radians(raised, steepDec);
  const sinFromRa = sinSmall2(fromRa);
  const cosFromRa = cosSmall2(fromRa);
  const sinFromDec = sinSmall2(fromDec);
  const cosFromDec = cosSmall2(fromDec);
  const sign = i64x2.splat(SIGN);
  const cosRa = v128.xor(v128.bitselect(sinFromRa, cosFromRa, steepRa), v128.and(obtuse, sign));
  const sinRa = v128.bitselect(cosFromRa, sinFromRa, steepRa);
  const cosDec = v128.bitselect(sinFromDec, cosFromDec, steepDec);
  const sinDec = v128.bitselect(cosFromDec, sinFromDec, steepDec);
  v128.store(outX, f64x2.mul(cosDec, cosRa));
  v128.store(outY, v128.xor(f64x2.mul(cosDec, sinRa), v128.and(west, sign)));
  v128.store(outZ, v128.xor(sinDec, v128.and(dec, sign)));
}

/** From 0 or, where it is steep, from 90 degrees. */
// @ts-ignore: decorator
@inline
function radians(degrees: v128, steep: v128): v128 {
  return f64x2.mul(v128.bitselect(f64x2.sub(f64x2.splat(90), degrees), degrees, steep), f64x2.splat(RADIANS_PER_DEGREE));
}
