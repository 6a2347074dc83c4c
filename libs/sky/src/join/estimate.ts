import { type Positions, positionStatus, RowStatus } from '../positions/positions.js';
import { normaliseRa } from '../separation/separation.js';
import { CELL, GRID } from './layout.js';
import type { WasmIndex } from './wasm-index.js';

const RADIANS = Math.PI / 180;

/** Expected pairs: rows are taken as spread evenly within the part of a cell's fine grid that a window touches. */
export function estimatePairCount(index: WasmIndex, sample: Positions, radiusArcsec: number): number {
  const { heap, grid, cellCount } = index;
  const view = new DataView(heap.buffer);
  const cells = view.getUint32(grid + GRID.cells, true);
  const radius = radiusArcsec / 3600;
  let pairCount = 0;
  for (let i = 0; i < sample.ra.length; i++) {
    if (sample.nulls?.[i] || positionStatus(sample.ra[i], sample.dec[i]) !== RowStatus.ok) continue;
    const window = windowOf(normaliseRa(sample.ra[i]), sample.dec[i], radius);
    for (let c = 0; c < cellCount; c++) {
      const cell = cells + c * CELL.bytes;
      const decMin = view.getFloat64(cell + CELL.decMin, true);
      const decMax = view.getFloat64(cell + CELL.decMax, true);
      if (decMin > window.decHigh || decMax < window.decLow) continue;
      for (const part of window.parts) pairCount += rowsWithin(view, cell, part, window) * window.share;
    }
  }
  return pairCount;
}

interface Window {
  readonly decLow: number;
  readonly decHigh: number;
  readonly parts: readonly (readonly [number, number])[];
  /** Area of the cap over the area of the window. */
  readonly share: number;
}

function windowOf(ra: number, dec: number, radius: number): Window {
  const decLow = Math.max(-90, dec - radius);
  const decHigh = Math.min(90, dec + radius);
  const ratio = radius >= 90 ? 2 : Math.sin(radius * RADIANS) / Math.cos(dec * RADIANS);
  const reach = ratio < 1 && Math.abs(dec) + radius < 90 ? Math.asin(ratio) / RADIANS : 180;
  const parts: [number, number][] = reach >= 180 ? [[0, 360]] : [[ra - reach, ra + reach]];
  if (reach < 180 && ra - reach < 0) parts.push([ra - reach + 360, 360]);
  if (reach < 180 && ra + reach > 360) parts.push([0, ra + reach - 360]);
  const cap = 2 * Math.PI * 2 * Math.sin((radius * RADIANS) / 2) ** 2;
  const box = (Math.sin(decHigh * RADIANS) - Math.sin(decLow * RADIANS)) * 2 * reach * RADIANS;
  return { decLow, decHigh, parts, share: box > 0 ? Math.min(1, cap / box) : 1 };
}

/** Rows of one cell within the window, by the share of the touched fine cells that the window covers. */
function rowsWithin(
  view: DataView,
  cell: number,
  [raLow, raHigh]: readonly [number, number],
  { decLow, decHigh }: Window,
): number {
  const field = (at: number): number => view.getFloat64(cell + at, true);
  const [raMin, raMax, decMin, decMax] = [field(CELL.raMin), field(CELL.raMax), field(CELL.decMin), field(CELL.decMax)];
  if (raMin > raHigh || raMax < raLow || raMin > raMax) return 0;
  const count = view.getInt32(cell + CELL.count, true);
  if (raLow <= raMin && raMax <= raHigh && decLow <= decMin && decMax <= decHigh) return count;
  const nx = view.getInt32(cell + CELL.nx, true);
  const x = touched(raLow, raHigh, raMin, field(CELL.raScale), nx);
  const y = touchedStrips(view, cell, decLow, decHigh);
  const offsets = view.getUint32(cell + CELL.offsets, true);
  let rows = 0;
  for (let strip = y.first; strip <= y.last; strip++) {
    const from = view.getInt32(offsets + 4 * (strip * nx + x.first), true);
    rows += view.getInt32(offsets + 4 * (strip * nx + x.last + 1), true) - from;
  }
  return rows * x.covered * y.covered;
}

/** Bins that [low, high] touches and the part of them that it covers. */
function touched(
  low: number,
  high: number,
  min: number,
  scale: number,
  bins: number,
): { first: number; last: number; covered: number } {
  const from = Math.min(bins, Math.max(0, (low - min) * scale));
  const to = Math.min(bins, Math.max(0, (high - min) * scale));
  const first = Math.min(bins - 1, Math.trunc(from));
  const last = Math.min(bins - 1, Math.trunc(to));
  return { first, last, covered: scale > 0 ? Math.min(1, (to - from) / (last - first + 1)) : 1 };
}

/** Strips that [low, high] touches and the part of them that it covers; strips are runs of even bins. */
function touchedStrips(
  view: DataView,
  cell: number,
  low: number,
  high: number,
): { first: number; last: number; covered: number } {
  const min = view.getFloat64(cell + CELL.decMin, true);
  const scale = view.getFloat64(cell + CELL.decScale, true);
  const bins = touched(low, high, min, scale, view.getInt32(cell + CELL.bins, true));
  const strips = view.getUint32(cell + CELL.strips, true);
  const edges = view.getUint32(cell + CELL.edges, true);
  const first = view.getUint16(strips + 2 * bins.first, true);
  const last = view.getUint16(strips + 2 * bins.last, true);
  const size = view.getUint16(edges + 2 * (last + 1), true) - view.getUint16(edges + 2 * first, true);
  return { first, last, covered: Math.min(1, ((bins.last - bins.first + 1) * bins.covered) / Math.max(1, size)) };
}
