/**
 * Whether a value of a child column belongs to a row that is not null. Under null rows of the parent a child may hold
 * anything, also indices that no dictionary has; undefined stands for "all rows are reachable". Asked only when
 * something is wrong, so that it may be slow.
 */
export type Reachable = ((row: number) => boolean) | undefined;

export function isValid(validity: Uint8Array | undefined, row: number): boolean {
  return !validity || ((validity[row >>> 3] >>> (row & 7)) & 1) === 1;
}

/** Child rows that stand at the place of their parent's row, `perRow` of them. */
export function reachableInPlace(validity: Uint8Array | undefined, perRow: number, parent: Reachable): Reachable {
  if (!validity && !parent) return undefined;
  return (row) => {
    const above = perRow === 1 ? row : Math.floor(row / perRow);
    return isValid(validity, above) && (parent?.(above) ?? true);
  };
}

/** Child rows of lists. @param offsets ascending */
export function reachableByOffsets(
  offsets: Int32Array,
  validity: Uint8Array | undefined,
  parent: Reachable,
): Reachable {
  return (row) => {
    // The last list that starts at or before the row.
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (offsets[middle] <= row) low = middle + 1;
      else high = middle;
    }
    const above = low - 1;
    return above >= 0 && above < offsets.length - 1 && isValid(validity, above) && (parent?.(above) ?? true);
  };
}

export interface Nulls {
  /** Bitmap, undefined without nulls. */
  readonly validity: Uint8Array | undefined;
  readonly nullCount: number;
}

/** Nulls of a column with more rows made null; the bitmap that came is left as it is. */
export class ClearedRows implements Nulls {
  #own: Uint8Array | undefined;
  #count = 0;

  constructor(
    private readonly given: Uint8Array | undefined,
    private readonly givenCount: number,
    private readonly rowCount: number,
  ) {}

  get validity(): Uint8Array | undefined {
    return this.#own ?? this.given;
  }

  get nullCount(): number {
    return this.givenCount + this.#count;
  }

  /** Makes a row null that is not yet. */
  clear(row: number): void {
    this.#own ??= this.given?.slice() ?? new Uint8Array((this.rowCount + 7) >>> 3).fill(255);
    this.#own[row >>> 3] &= ~(1 << (row & 7));
    this.#count++;
  }
}
