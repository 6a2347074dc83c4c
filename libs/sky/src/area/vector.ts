/** A unit vector. */
export type Vector = readonly [number, number, number];

export function unitVector(raDeg: number, decDeg: number): Vector {
  const [ra, dec] = [(raDeg * Math.PI) / 180, (decDeg * Math.PI) / 180];
  const cos = Math.cos(dec);
  return [cos * Math.cos(ra), cos * Math.sin(ra), Math.sin(dec)];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function plus(a: Vector, b: Vector): Vector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function length(a: Vector): number {
  return Math.hypot(a[0], a[1], a[2]);
}

export function normalised(a: Vector): Vector {
  const r = length(a);
  return [a[0] / r, a[1] / r, a[2] / r];
}

/** The angle between two vectors in radians; accurate at all sizes. */
export function angleBetween(a: Vector, b: Vector): number {
  return Math.atan2(length(cross(a, b)), dot(a, b));
}
