import { Field, Float64, makeData, RecordBatch, Schema, Struct, type Table } from 'apache-arrow';
import type { Evidence } from './assess.js';
import type { MatchCurve } from './curve.js';

/** Metadata of the schema that has the curve as JSON. */
const CURVE_KEY = 'armilla.curve';
const COLUMNS = ['ra', 'dec', 'magnitude', 'nearest_arcsec', 'offset_east_arcsec', 'offset_north_arcsec'] as const;

/**
 * Evidence as a table with a row for each sampled left row: NaN where it has no magnitude, no right row within twice the
 * radius, no pair that is nearest in both directions. Without magnitudes that column is left out.
 */
export function evidenceBatch({ sample, nearestArcsec, offsets, curve }: Evidence): RecordBatch {
  const length = sample.ra.length;
  const [east, north] = [new Float64Array(length).fill(NaN), new Float64Array(length).fill(NaN)];
  for (let p = 0; p < offsets.left.length; p++) {
    east[offsets.left[p]] = offsets.eastArcsec[p];
    north[offsets.left[p]] = offsets.northArcsec[p];
  }
  const all = [sample.ra, sample.dec, sample.magnitude, nearestArcsec, east, north];
  const columns = COLUMNS.flatMap((name, i) => {
    const values = all[i];
    return values ? [{ name, values }] : [];
  });
  const curveJson = JSON.stringify(
    Object.fromEntries(Object.entries(curve).map(([name, of]) => [name, Array.from(of)])),
  );
  const schema = new Schema(
    columns.map(({ name }) => new Field(name, new Float64(), false)),
    new Map([[CURVE_KEY, curveJson]]),
  );
  const children = columns.map(({ values }) => makeData({ type: new Float64(), length, nullCount: 0, data: values }));
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
}

/** The evidence of such a table. What it does not tell, the right row of an offset, is -1. */
export function evidenceOf(table: Table): Evidence {
  const column = (name: (typeof COLUMNS)[number]): Float64Array | undefined => {
    const values = table.getChild(name)?.toArray() as Float64Array | undefined;
    return values && Float64Array.from(values);
  };
  const whole = (name: (typeof COLUMNS)[number]): Float64Array => column(name) ?? new Float64Array(0);
  const [east, north] = [whole('offset_east_arcsec'), whole('offset_north_arcsec')];
  const left = Int32Array.from(Array.from(east.keys()).filter((row) => !Number.isNaN(east[row])));
  const curve = JSON.parse(table.schema.metadata.get(CURVE_KEY) ?? '{}') as Record<keyof MatchCurve, number[]>;
  const shares = (name: keyof MatchCurve): Float64Array => Float64Array.from(curve[name] ?? []);
  return {
    sample: { ra: whole('ra'), dec: whole('dec'), magnitude: column('magnitude') },
    nearestArcsec: whole('nearest_arcsec'),
    offsets: {
      left,
      right: new Int32Array(left.length).fill(-1),
      eastArcsec: Float64Array.from(left, (row) => east[row]),
      northArcsec: Float64Array.from(left, (row) => north[row]),
    },
    curve: {
      radiusArcsec: shares('radiusArcsec'),
      matched: shares('matched'),
      chance: shares('chance'),
      counterpart: shares('counterpart'),
      right: shares('right'),
    },
  };
}
