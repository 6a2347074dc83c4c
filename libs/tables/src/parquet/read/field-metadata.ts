import { parseAstropyHeader } from '../../declared/astropy-yaml.js';
import { type DeclaredColumn, declaredMetadata } from '../../declared/declared-column.js';
import { declaredFields } from '../../votable/declared-fields.js';
import { arrowFieldMetadata } from '../arrowSchema.js';

/** Where a file says what its columns are, besides the Arrow schema; the first that has a column counts. */
const SOURCES: readonly [key: string, read: (text: string) => readonly DeclaredColumn[] | undefined][] = [
  // IVOA note VOParquet 1.0: as TOPCAT, STILTS and astropy write it.
  ['IVOA.VOTable-Parquet.content', declaredFields],
  ['table_meta_yaml', (text) => parseAstropyHeader(text)?.columns],
];

/**
 * Units, UCDs and descriptions by column name: of the Arrow schema, of a VOTable, or as astropy writes them. None of them that
 * cannot be read is an error: the table does not depend on it.
 */
export function fieldMetadata(keyValues: ReadonlyMap<string, string>): ReadonlyMap<string, Map<string, string>> {
  const found = arrowFieldMetadata(keyValues);
  for (const [key, read] of SOURCES) {
    const text = keyValues.get(key);
    for (const { name, ...declared } of (text === undefined ? undefined : read(text)) ?? []) {
      const metadata = found.get(name) ?? new Map<string, string>();
      for (const [what, value] of declaredMetadata(declared)) if (!metadata.has(what)) metadata.set(what, value);
      if (metadata.size > 0) found.set(name, metadata);
    }
  }
  return found;
}
