import { isProblem } from '@armilla/base';
import type { DeclaredColumn } from '../declared/declared-column.js';
import { votableInvalid } from './fault.js';
import { XmlTokens, xmlAttributes } from './xml.js';

/** Beyond this no table is described but something else is tried. */
const MAX_CHARS = 2 ** 22;
const MAX_FIELDS = 16_384;

/**
 * The FIELDs of the first TABLE of a VOTable without rows, as it stands in the metadata of other formats. Undefined for what is no VOTable: a table
 * does not depend on it.
 */
export function declaredFields(xml: string): readonly DeclaredColumn[] | undefined {
  if (xml.length > MAX_CHARS) return undefined;
  const fields: DeclaredColumn[] = [];
  let inTable = false;
  try {
    for (const token of new XmlTokens((detail) => votableInvalid('VOTable', detail)).push(xml, true)) {
      if (token.kind !== 'start') continue;
      if (token.name === 'TABLE') {
        if (inTable) break;
        inTable = true;
      }
      if (token.name !== 'FIELD' || !inTable) continue;
      if (fields.length === MAX_FIELDS) return undefined;
      const of = xmlAttributes(token.attributes);
      const name = of.get('name');
      if (name !== undefined)
        fields.push({ name, unit: of.get('unit'), ucd: of.get('ucd'), datatype: of.get('datatype') });
    }
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
  return inTable ? fields : undefined;
}
