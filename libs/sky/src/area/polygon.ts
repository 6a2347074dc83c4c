import { fail, type Problem } from '@armilla/base';
import { type Area, isPosition } from './area.js';
import { angleBetween, cross, dot, length, normalised, plus, unitVector, type Vector } from './vector.js';

/** All pairs of edges are compared when a polygon is made. */
export const MAX_VERTEX_COUNT = 2000;
/** Edges shorter than this, in radians (0.02 mas), are taken for a vertex that is given twice. */
const LEAST_EDGE = 1e-10;

export interface Vertex {
  readonly ra: number; // degrees
  readonly dec: number; // degrees
}

/**
 * The smaller of the two parts of the sky that a closed line of great-circle arcs leaves, whichever way it is given. The
 * line may go around a pole, and be wider than a hemisphere. A position on an edge may fall to either side, by rounding.
 */
export class Polygon implements Area {
  /** A frame whose pole is far from all edges: a position is told by the edges that lie between it and the pole. */
  readonly #axes: readonly [Vector, Vector, Vector];
  readonly #edges: readonly Edge[];
  /** Whether an odd number of edges lies between the pole and a position of the area. */
  readonly #insideIsOdd: boolean;
  readonly #points: readonly Vector[];
  readonly #cap: { readonly decDeg: number; readonly radiusDeg: number };

  constructor(readonly vertices: readonly Vertex[]) {
    const points = checkedPoints(vertices);
    refuseCrossings(points);
    this.#points = points;
    this.#cap = capOf(points);
    this.#axes = frameFor(points);
    this.#edges = points.map((point, i) => edgeIn(this.#axes, point, points[(i + 1) % points.length]));
    // Beside the middle of the first edge: its left is north of it when it goes east.
    const [first] = this.#edges;
    const middle = inFrame(this.#axes, normalised(plus(points[0], points[1])));
    const longitude = Math.atan2(middle[1], middle[0]);
    const above = this.#edges.filter((edge) => edge !== first && isAbove(edge, middle, longitude)).length;
    const leftIsOdd = (above + (first.eastward ? 0 : 1)) % 2 === 1;
    this.#insideIsOdd = areaOnTheLeft(points) <= 2 * Math.PI ? leftIsOdd : !leftIsOdd;
  }

  get text(): string {
    return `polygon(${this.vertices.map(({ ra, dec }) => `${ra} ${dec}`).join(', ')})`;
  }

  contains(raDeg: number, decDeg: number): boolean {
    // Most rows of a large table are told by their declination.
    if (!(Math.abs(decDeg - this.#cap.decDeg) <= this.#cap.radiusDeg) || !isPosition(raDeg, decDeg)) return false;
    return this.#holds(inFrame(this.#axes, unitVector(raDeg, decDeg)));
  }

  near(radiusArcsec: number): (raDeg: number, decDeg: number) => boolean {
    const radius = ((radiusArcsec / 3600) * Math.PI) / 180 + 1e-12;
    const points = this.#points;
    return (ra, dec) => {
      if (!isPosition(ra, dec)) return false;
      const place = unitVector(ra, dec);
      if (this.#holds(inFrame(this.#axes, place))) return true;
      return points.some((point, i) => distanceToArc(place, point, points[(i + 1) % points.length]) <= radius);
    };
  }

  #holds(place: Vector): boolean {
    let odd = false;
    const edges = this.#edges;
    const longitude = Math.atan2(place[1], place[0]);
    for (let e = 0; e < edges.length; e++) if (isAbove(edges[e], place, longitude)) odd = !odd;
    return odd === this.#insideIsOdd;
  }
}

/** An edge in the frame of a polygon. */
interface Edge {
  /** Longitude in (-pi, pi] of the ends from west to east. */
  readonly west: number;
  readonly east: number;
  /** Whether the way from west to east goes over the longitude of +-pi. */
  readonly wraps: boolean;
  /** Whether the edge runs from west to east. */
  readonly eastward: boolean;
  /** Of the plane of the edge, to the north. */
  readonly normal: Vector;
}

function edgeIn(axes: readonly [Vector, Vector, Vector], from: Vector, to: Vector): Edge {
  const [a, b] = [inFrame(axes, from), inFrame(axes, to)];
  const normal = cross(a, b);
  const eastward = normal[2] > 0;
  const [west, east] = eastward ? [a, b] : [b, a];
  const [westward, onward] = [Math.atan2(west[1], west[0]), Math.atan2(east[1], east[0])];
  return {
    west: westward,
    east: onward,
    wraps: westward > onward,
    eastward,
    normal: eastward ? normal : [-normal[0], -normal[1], -normal[2]],
  };
}

/** Whether the edge lies between `place` and the pole of the frame. Half-open in longitude: a vertex belongs to one edge. */
function isAbove({ west, east, wraps, normal }: Edge, place: Vector, longitude: number): boolean {
  const spans = wraps ? longitude >= west || longitude < east : longitude >= west && longitude < east;
  return spans && dot(normal, place) < 0;
}

function inFrame([x, y, z]: readonly [Vector, Vector, Vector], v: Vector): Vector {
  return [dot(x, v), dot(y, v), dot(z, v)];
}

/** Axes whose pole is far from the great circles of all edges, of those that spread evenly over the sphere. */
function frameFor(points: readonly Vector[]): readonly [Vector, Vector, Vector] {
  const normals = points.map((point, i) => normalised(cross(point, points[(i + 1) % points.length])));
  let [best, pole]: [number, Vector] = [-1, [0, 0, 1]];
  for (let i = 0; i < 64; i++) {
    // A golden spiral.
    const z = (i + 0.5) / 64;
    const turn = i * 2.399963229728653;
    const r = Math.sqrt(1 - z * z);
    const axis: Vector = [r * Math.cos(turn), r * Math.sin(turn), z];
    const least = normals.reduce((sum, normal) => Math.min(sum, Math.abs(dot(normal, axis))), 1);
    if (least > best) [best, pole] = [least, axis];
  }
  const x = normalised(cross(Math.abs(pole[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0], pole));
  return [x, cross(pole, x), pole];
}

/** Declination of the middle and the radius of a cap that holds the area; all of the sky where it may be as wide. */
function capOf(points: readonly Vector[]): { decDeg: number; radiusDeg: number } {
  const sum = points.reduce(plus);
  const middle: Vector = length(sum) > 1e-6 ? normalised(sum) : [0, 0, 1];
  const widest = points.reduce((most, point) => Math.max(most, angleBetween(middle, point)), 0);
  // A cap up to a hemisphere holds the arcs between its points, and what it leaves is the larger part of the sky.
  const radiusDeg = widest < Math.PI / 2 - 1e-9 ? (widest * 180) / Math.PI + 1e-9 : 180;
  return { decDeg: (Math.asin(Math.max(-1, Math.min(1, middle[2]))) * 180) / Math.PI, radiusDeg };
}

/** Solid angle on the left of the line, in (0, 4 pi): 2 pi less all turns of the line (Gauss and Bonnet). */
function areaOnTheLeft(points: readonly Vector[]): number {
  const n = points.length;
  let turns = 0;
  for (let i = 0; i < n; i++) {
    const [before, at, after] = [points[(i + n - 1) % n], points[i], points[(i + 1) % n]];
    const [into, out] = [cross(before, at), cross(at, after)];
    turns += Math.atan2(dot(at, cross(into, out)), dot(into, out));
  }
  return 2 * Math.PI - turns;
}

/** The unit vectors of a polygon; throws AREA_INVALID. */
function checkedPoints(vertices: readonly Vertex[]): Vector[] {
  for (const [i, { ra, dec }] of vertices.entries())
    if (!isPosition(ra, dec)) throw invalid(`vertex ${i + 1} is at ${ra} ${dec}, no position in degrees`);
  const points = vertices.map(({ ra, dec }) => unitVector(ra, dec));
  // A line may be closed by giving its first vertex again.
  if (points.length > 1 && angleBetween(points[0], points[points.length - 1]) < LEAST_EDGE) points.pop();
  if (points.length < 3) throw invalid(`a polygon needs at least 3 different vertices, got ${points.length}`);
  if (points.length > MAX_VERTEX_COUNT)
    throw invalid(`a polygon may have ${MAX_VERTEX_COUNT} vertices, got ${points.length}; use a MOC`);
  for (const [i, point] of points.entries()) {
    const size = angleBetween(point, points[(i + 1) % points.length]);
    const name = edgeName(i, points.length);
    if (size < LEAST_EDGE) throw invalid(`${name} joins a position with itself`);
    if (size > Math.PI - LEAST_EDGE)
      throw invalid(`${name} joins antipodes, between which there is no one great circle`);
  }
  return points;
}

function refuseCrossings(points: readonly Vector[]): void {
  const n = points.length;
  const normals = points.map((point, i) => normalised(cross(point, points[(i + 1) % n])));
  for (let i = 0; i < n; i++) {
    const [a, b] = [points[i], points[(i + 1) % n]];
    const after = points[(i + 2) % n];
    if (onArc(after, a, b) || onArc(a, b, after)) throw invalid(`${edgeName(i, n)} and the next lie on each other`);
    for (let j = i + 2; j < n; j++) {
      if (i === 0 && j === n - 1) continue;
      if (arcsMeet(a, b, normals[i], points[j], points[(j + 1) % n], normals[j]))
        throw invalid(`it crosses itself: ${edgeName(i, n)} meets ${edgeName(j, n)}; split it`);
    }
  }
}

/** Whether two arcs have a place in common; `ab` and `cd` are the normals of their planes. */
function arcsMeet(a: Vector, b: Vector, ab: Vector, c: Vector, d: Vector, cd: Vector): boolean {
  const [cSide, dSide, aSide, bSide] = [dot(ab, c), dot(ab, d), dot(cd, a), dot(cd, b)];
  // An end on the other arc lies on its great circle first of all.
  if (isNone(cSide) || isNone(dSide) || isNone(aSide) || isNone(bSide)) {
    if (onArc(c, a, b) || onArc(d, a, b) || onArc(a, c, d) || onArc(b, c, d)) return true;
  }
  if (cSide * dSide >= 0 || aSide * bSide >= 0) return false;
  // Both circles cut each other twice: the arcs meet when it is the same cut.
  const cut = cross(ab, cd);
  return dot(cut, plus(a, b)) * dot(cut, plus(c, d)) > 0;
}

const isNone = (side: number): boolean => Math.abs(side) < LEAST_EDGE;

/** Whether `p` lies on the arc, ends included, within what is taken for one place. */
function onArc(p: Vector, a: Vector, b: Vector): boolean {
  return distanceToArc(p, a, b) < LEAST_EDGE;
}

function distanceToArc(p: Vector, a: Vector, b: Vector): number {
  const normal = cross(a, b);
  // Between the ends when p is on the inner side of the planes through them.
  if (dot(cross(normal, a), p) > 0 && dot(cross(b, normal), p) > 0)
    return Math.abs(Math.asin(Math.max(-1, Math.min(1, dot(normal, p) / length(normal)))));
  return Math.min(angleBetween(p, a), angleBetween(p, b));
}

const edgeName = (i: number, n: number): string => `the edge from vertex ${i + 1} to ${((i + 1) % n) + 1}`;

function invalid(detail: string): Problem {
  return fail('AREA_INVALID', { detail: `polygon: ${detail}` });
}
