import { fail, formatBytes } from '@armilla/base';

export interface ChunkLimits {
  /** Smallest chunk that makes sense; 1 if left out. */
  readonly least?: number;
  /** Largest that a device can do at once, for example its dispatch limit. */
  readonly most?: number;
  /** Chunks are multiples of this (a workgroup), apart from the last. */
  readonly multiple?: number;
}

/** Part `[start, end)` of the rows. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
}

/**
 * Rows that fit into the budget at once: the largest count in the limits for which `bytesOf` (not falling with the
 * count) says no more than `budgetBytes`. Throws MEMORY_OVER_LIMIT where the least does not fit.
 */
export function chunkRows(budgetBytes: number, bytesOf: (rows: number) => number, limits: ChunkLimits = {}): number {
  const { multiple = 1 } = limits;
  const least = Math.max(1, Math.ceil((limits.least ?? 1) / multiple));
  const most = Math.floor(Math.min(limits.most ?? 2 ** 32, 2 ** 52) / multiple);
  if (most < least || bytesOf(least * multiple) > budgetBytes) {
    throw fail('MEMORY_OVER_LIMIT', {
      needed: formatBytes(bytesOf(least * multiple)),
      limit: formatBytes(budgetBytes),
    });
  }
  let fits = least;
  let over = most + 1;
  while (over - fits > 1) {
    const middle = fits + Math.floor((over - fits) / 2);
    if (bytesOf(middle * multiple) <= budgetBytes) fits = middle;
    else over = middle;
  }
  return fits * multiple;
}

/** As few chunks as `maxRows` allows, alike in size up to one `multiple`: no short last one that wastes a launch. */
export function cutEvenly(rowCount: number, maxRows: number, multiple = 1): Chunk[] {
  const most = Math.floor(maxRows / multiple) * multiple;
  if (!(most >= 1)) throw fail('OPTION_INVALID', { field: 'maxRows', expected: `at least ${multiple}`, got: maxRows });
  const units = Math.ceil(rowCount / multiple);
  const count = Math.ceil(rowCount / most);
  return Array.from({ length: count }, (_, i) => ({
    start: Math.floor((units * i) / count) * multiple,
    end: Math.min(rowCount, Math.floor((units * (i + 1)) / count) * multiple),
  }));
}
