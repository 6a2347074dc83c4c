import { fail } from '@armilla/base';
import { hasMotion, largestMove, moveRow, type Positions } from '@armilla/sky';
import type { Astrometry } from '../astrometry/astrometry.js';
import { type AstrometryColumns, hintText } from '../astrometry/astrometry-columns.js';

/** Rows of a table where they stand in one year. */
export class MovedRows {
  readonly #moved = new Float64Array(2);
  /** The position of the row last moved, in degrees. */
  ra = 0;
  dec = 0;

  constructor(
    private readonly positions: Positions,
    private readonly astrometry: Astrometry | undefined,
    private readonly columns: AstrometryColumns,
    private readonly year: number,
  ) {}

  /** Refuses a table of which the epoch or the motions are not known (OPTIONS_CONFLICT). */
  static check({ epoch, epochHint, motion }: AstrometryColumns, where: string): void {
    const refuse = (detail: string): never => {
      throw fail('OPTIONS_CONFLICT', { field: 'at_epoch', detail: `${where}: at_epoch needs ${detail}` });
    };
    if (!epoch) refuse(`the epoch of the table: give epoch, such as J2016.0 or a column${hintText(epochHint)}`);
    if (!motion) refuse('proper motions, and none were found: give pm_ra_cosdec and pm_dec');
  }

  /** Whether the proper motion of row `i` is known. */
  has(i: number): boolean {
    const motions = this.astrometry?.motions;
    return motions !== undefined && hasMotion(motions, i);
  }

  /** Sets `ra` and `dec` to where row `i` stands then; NaN where its own epoch is not known. */
  move(i: number): void {
    const { positions, astrometry } = this;
    const years = this.#years(i);
    this.ra = positions.ra[i];
    this.dec = positions.dec[i];
    if (Number.isNaN(years)) this.dec = NaN;
    else if (astrometry?.motions) {
      moveRow(this.ra, this.dec, astrometry.motions, i, years, this.#moved);
      [this.ra, this.dec] = this.#moved;
    }
  }

  /** At least what row `i` moves until then, in arcsec. */
  mostMoveArcsec(i: number): number {
    const motions = this.astrometry?.motions;
    const years = this.#years(i);
    return motions && !Number.isNaN(years) ? largestMove(motions, i, years) : 0;
  }

  #years(i: number): number {
    const { epoch } = this.columns;
    const own = this.astrometry?.epoch?.[i] ?? (epoch && 'year' in epoch ? epoch.year : NaN);
    return this.year - own;
  }
}
