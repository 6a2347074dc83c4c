import { fail, parseAngleArcsec, type Problem } from '@armilla/base';
import type { Area } from './area.js';
import { Box } from './box.js';
import { Cone } from './cone.js';
import { type CellRange, Moc } from './moc.js';
import { isFits, parseMocFits } from './moc-fits.js';
import { parseMocText } from './moc-text.js';
import { Polygon } from './polygon.js';

/** Characters that an area may have as text. */
export const MAX_AREA_LENGTH = 2 ** 24;

const SHAPES = {
  cone: readCone,
  box: readBox,
  polygon: readPolygon,
  healpix: readHealpix,
  moc: (inner: string) => parseMocText(inner, 'area'),
} as const;

/**
 * Reads an area: `cone(RA, DEC, RADIUS)`, `box(RA, DEC, RA, DEC)`, `polygon(RA DEC, RA DEC, RA DEC)`,
 * `healpix(ORDER; PIXEL, FROM-TO)` in nested numbering, or `moc(...)` with ASCII or JSON. Degrees; a radius with a unit, else in
 * arcsec. Throws AREA_INVALID or MOC_INVALID.
 */
export function parseArea(text: string): Area {
  if (text.length > MAX_AREA_LENGTH)
    throw fail('AREA_INVALID', { detail: `it has ${text.length} characters, at most ${MAX_AREA_LENGTH} are read` });
  const match = /^\s*([a-z]+)\s*\(([^()]*)\)\s*$/i.exec(text);
  const shape = match?.[1].toLowerCase() ?? '';
  if (!match || !Object.hasOwn(SHAPES, shape))
    throw invalid(
      `expected one of ${Object.keys(SHAPES).join(', ')} with its values in parentheses, got '${cut(text)}'`,
    );
  return SHAPES[shape as keyof typeof SHAPES](match[2]);
}

/** Reads a MOC of a file: FITS, ASCII or JSON, by its content. Throws MOC_INVALID. */
export function parseMoc(bytes: Uint8Array, where: string): Moc {
  return isFits(bytes) ? parseMocFits(bytes, where) : parseMocText(Buffer.from(bytes).toString('latin1'), where);
}

function readCone(inner: string): Area {
  const parts = inner.split(',');
  if (parts.length !== 3) throw invalid(`cone(RA, DEC, RADIUS) has three values, got ${parts.length}`);
  return new Cone(degrees(parts[0]), degrees(parts[1]), parseAngleArcsec(parts[2], 'area: the radius of the cone'));
}

function readBox(inner: string): Area {
  const parts = inner.split(',');
  if (parts.length !== 4) throw invalid(`box(RA, DEC, RA, DEC) has four values, got ${parts.length}`);
  const [raFrom, decFrom, raTo, decTo] = parts.map(degrees);
  return new Box(raFrom, decFrom, raTo, decTo);
}

function readPolygon(inner: string): Area {
  const vertices = inner.split(',').map((pair) => {
    const parts = pair.trim().split(/\s+/);
    if (parts.length !== 2) throw invalid(`a vertex of a polygon is RA DEC, got '${cut(pair)}'`);
    return { ra: degrees(parts[0]), dec: degrees(parts[1]) };
  });
  return new Polygon(vertices);
}

function readHealpix(inner: string): Area {
  const parts = inner.split(';');
  if (parts.length !== 2 || !/^\s*\d{1,2}\s*$/.test(parts[0]))
    throw invalid(`healpix(ORDER; PIXEL, FROM-TO) has an order, ';' and pixels, got '${cut(inner)}'`);
  const order = Number(parts[0]);
  const cells = parts[1].split(',').map((item): CellRange => {
    const match = /^\s*(\d{1,20})(?:\s*-\s*(\d{1,20}))?\s*$/.exec(item);
    if (!match) throw invalid(`a pixel is a whole number or a range FROM-TO, got '${cut(item)}'`);
    return { order, from: BigInt(match[1]), to: BigInt(match[2] ?? match[1]) };
  });
  return Moc.of(cells, 'area');
}

function degrees(text: string): number {
  if (!/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text))
    throw invalid(`a number in degrees was expected, got '${cut(text)}'`);
  return Number(text);
}

const cut = (text: string): string => text.trim().slice(0, 60);

function invalid(detail: string): Problem {
  return fail('AREA_INVALID', { detail });
}
