import { PositionColumns } from '@armilla/proto';
import type { SideOptions } from '../../options.js';
import type { JsonFields } from './json-fields.js';

/** What is known of one table, by the names of the options over HTTP without `prefix`: none, `left_`, `right_`, or `3.`. */
export function sideFields(fields: JsonFields, prefix: string): SideOptions {
  return Object.fromEntries(
    Object.keys(PositionColumns.fromPartial({})).flatMap((key) => {
      const value = fields.text(prefix + key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
      return value === undefined ? [] : [[key, value]];
    }),
  );
}
