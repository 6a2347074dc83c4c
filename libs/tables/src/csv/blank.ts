import type { Field } from 'apache-arrow';

const KEY = 'armilla.blank';

/** Field metadata of a text column in which the whole file has no value: text is then only a guess. */
export const BLANK_METADATA: readonly [string, string] = [KEY, 'true'];

/** Whether the column is known to hold nothing but nulls, so that its type says nothing. Travels with Arrow streams. */
export function isBlankColumn(field: Field): boolean {
  return field.metadata.get(KEY) === 'true';
}
