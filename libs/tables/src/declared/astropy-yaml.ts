import {
  defineMappingTag,
  defineScalarTag,
  defineSequenceTag,
  load,
  realMapTag,
  Schema,
  seqTag,
  strTag,
  YAMLException,
} from 'js-yaml';
import type { DeclaredColumn } from './declared-column.js';

/** The YAML that describes a table in ECSV files and in the Parquet files of astropy. */
interface AstropyHeader {
  readonly delimiter: string | undefined;
  readonly columns: readonly DeclaredColumn[];
}

/** Beyond this no table is described but something else is tried. */
const MAX_CHARS = 2 ** 22;
const MAX_ALIASES = 100;

/** Every scalar is text, and what has a tag of its own (units, times, arrays of astropy) is read as if it had none. */
const TEXT_ONLY = new Schema([strTag, seqTag, realMapTag, ...['!', 'tag:'].flatMap(ignoredTags)]);

/**
 * Reads the header of ECSV (astropy proposal for enhancement 6): `datatype` is a list of columns with name, unit, datatype,
 * description and meta, in which a UCD may stand. Undefined for what is no such text: a table does not depend on it.
 */
export function parseAstropyHeader(text: string): AstropyHeader | undefined {
  if (text.length > MAX_CHARS) return undefined;
  let header: unknown;
  try {
    header = load(text, { schema: TEXT_ONLY, maxAliases: MAX_ALIASES });
  } catch (error) {
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
  const list = entryOf(header, 'datatype');
  if (!Array.isArray(list)) return undefined;
  const columns = list.flatMap((item): DeclaredColumn[] => {
    const name = textOf(entryOf(item, 'name'));
    if (name === undefined) return [];
    const [unit, description, datatype] = ['unit', 'description', 'datatype'].map((key) => textOf(entryOf(item, key)));
    return [{ name, unit, description, datatype, ucd: textOf(entryOf(entryOf(item, 'meta'), 'ucd')) }];
  });
  return { delimiter: textOf(entryOf(header, 'delimiter')), columns };
}

/** The value under `key` of a mapping, or of the pairs that an ordered mapping is written as. */
function entryOf(value: unknown, key: string): unknown {
  const pairs = Array.isArray(value) ? value : [value];
  return pairs.find((pair): pair is Map<unknown, unknown> => pair instanceof Map && pair.has(key))?.get(key);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function ignoredTags(prefix: string) {
  const any = { matchByTagPrefix: true, identify: () => false };
  return [
    defineScalarTag(prefix, { ...any, resolve: (text) => text }),
    defineSequenceTag<unknown[]>(prefix, { ...any, create: () => [], addItem: (list, item) => void list.push(item) }),
    defineMappingTag<Map<unknown, unknown>>(prefix, {
      ...any,
      create: () => new Map(),
      addPair: (map, key, value) => {
        map.set(key, value);
        return '';
      },
      has: (map, key) => map.has(key),
      keys: (map) => map.keys(),
      get: (map, key) => map.get(key),
    }),
  ];
}
