import { isBlankColumn, markNulls, numbersOf } from '@armilla/tables';
import { DataType, type Field, type RecordBatch, type Schema, type Vector } from 'apache-arrow';

// Names that surveys give to the magnitude that most of their rows have (Gaia, VizieR, SDSS, 2MASS, WISE, Pan-STARRS,
// SExtractor), in lower case, the likeliest first.
const NAMES = [
  'mag',
  'magnitude',
  'phot_g_mean_mag',
  'gmag',
  'rmag',
  'vmag',
  'imag',
  'rpmag',
  'bpmag',
  'jmag',
  'j_m',
  'hmag',
  'kmag',
  'ksmag',
  'w1mag',
  'w1mpro',
  'psfmag_r',
  'modelmag_r',
  'rmeanpsfmag',
  'gmeanpsfmag',
  'mag_auto',
  'hpmag',
  'vtmag',
  'btmag',
  'bmag',
  'umag',
  'zmag',
];

/** The column that holds a magnitude: by UCD `phot.mag`, else by common names; undefined where there is none. */
export function guessMagnitude(schema: Schema): string | undefined {
  const numeric = schema.fields.filter(isNumber);
  const ucd = (field: Field): string => (field.metadata.get('ucd') ?? '').trim().toLowerCase();
  const byUcd = numeric.filter((field) => /^phot\.mag(;|$)/.test(ucd(field)));
  const main = byUcd.find((field) => ucd(field).endsWith(';meta.main')) ?? byUcd[0];
  if (main) return main.name;
  for (const name of NAMES) {
    const field = numeric.find((candidate) => candidate.name.trim().toLowerCase() === name);
    if (field) return field.name;
  }
  return undefined;
}

/** Its values; NaN where they are null. */
export function magnitudesOf(batch: RecordBatch, column: string): Float64Array {
  const vector = batch.getChild(column) as Vector;
  const values = Float64Array.from(numbersOf(vector, batch.numRows));
  if (vector.nullCount === 0) return values;
  const nulls = new Uint8Array(batch.numRows);
  markNulls(vector, nulls);
  for (let i = 0; i < values.length; i++) if (nulls[i] === 1) values[i] = NaN;
  return values;
}

function isNumber(field: Field): boolean {
  const { type } = field;
  return !isBlankColumn(field) && (DataType.isFloat(type) || DataType.isInt(type) || DataType.isDecimal(type));
}
