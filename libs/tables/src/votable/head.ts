import type { Problem } from '@armilla/base';
import { votableColumn, type VotableColumn, type VotableField } from './field.js';
import { votableInvalid, votableUnsupported } from './fault.js';
import type { TokenSource } from './tokens.js';
import { xmlAttributes } from './xml.js';

const SERIALISATIONS = ['TABLEDATA', 'BINARY', 'BINARY2'] as const;
type Serialisation = (typeof SERIALISATIONS)[number];

const MAX_FIELDS = 16_384;
const MAX_NOTE_CHARS = 2 ** 16;

/** What stands before the rows of the first table. */
export interface VotableHead {
  readonly columns: readonly VotableColumn[];
  /** How the rows are written; undefined where there are none. */
  readonly serialisation: Serialisation | undefined;
}

/** Reads up to the first row. Throws VOTABLE_INVALID, also with what a service says in place of a table, and VOTABLE_UNSUPPORTED. */
export async function readHead(source: TokenSource, where: string): Promise<VotableHead> {
  const fields: VotableField[] = [];
  let inTable = false;
  let field: VotableField | undefined;
  for (;;) {
    const token = await source.take();
    if (!token)
      throw votableInvalid(where, inTable ? 'it ends before the rows of its table' : 'there is no TABLE in it');
    if (token.kind === 'end' && token.name === 'FIELD') field = undefined;
    if (token.kind === 'end' && token.name === 'TABLE' && inTable)
      return { columns: columnsOf(fields, where), serialisation: undefined };
    if (token.kind !== 'start') continue;
    const attributes = xmlAttributes(token.attributes);
    if (token.name === 'INFO') await readInfo(source, token.empty, attributes, where);
    else if (token.name === 'TABLE') inTable = true;
    else if (token.name === 'FIELD' && inTable) {
      field = fieldOf(attributes);
      fields.push(field);
      if (fields.length > MAX_FIELDS) throw votableInvalid(where, `more than ${MAX_FIELDS} columns`);
      if (token.empty) field = undefined;
    } else if (token.name === 'VALUES' && field) field.nullText = attributes.get('null') ?? field.nullText;
    else if (token.name === 'DESCRIPTION' && field && !token.empty) field.description = await readText(source);
    else if (token.name === 'DATA' && inTable) {
      return {
        columns: columnsOf(fields, where),
        serialisation: token.empty ? undefined : await readSerialisation(source, where),
      };
    }
  }
}

/**
 * A service says in INFO QUERY_STATUS how it went (IVOA DALI 1.1, section 4.4), and in INFO Error that it failed (Simple Cone Search 1.03,
 * section 2.3): throws what it says then, and gives what is to be known when the rows were cut.
 */
export async function readInfo(
  source: TokenSource,
  empty: boolean,
  attributes: ReadonlyMap<string, string>,
  where: string,
): Promise<string | undefined> {
  const text = empty ? '' : (await readText(source)).trim();
  const status = attributes.get('value') ?? '';
  const failed = (words: string): Problem =>
    votableInvalid(where, `it is no table but an error that a service reports: ${words || 'without a word'}`);
  if (attributes.get('name')?.toLowerCase() === 'error') throw failed(status || text);
  if (attributes.get('name') !== 'QUERY_STATUS') return undefined;
  if (status === 'ERROR') throw failed(text);
  return status === 'OVERFLOW'
    ? `the service cut the table at its limit of rows (OVERFLOW)${text === '' ? '' : `: ${text}`}`
    : undefined;
}

async function readSerialisation(source: TokenSource, where: string): Promise<Serialisation | undefined> {
  for (;;) {
    const token = await source.take();
    if (!token) throw votableInvalid(where, 'it ends before the rows of its table');
    if (token.kind === 'end' && token.name === 'DATA') return undefined;
    if (token.kind !== 'start') continue;
    const name = SERIALISATIONS.find((known) => known === token.name);
    if (!name)
      throw votableUnsupported(
        where,
        `its rows are written as ${token.name}, which is not read; known are ${SERIALISATIONS.join(', ')}`,
      );
    if (name === 'TABLEDATA' && token.empty) return undefined;
    if (name !== 'TABLEDATA') await readStream(source, where);
    return name;
  }
}

/** The rows of BINARY and BINARY2 stand in a STREAM. */
async function readStream(source: TokenSource, where: string): Promise<void> {
  for (;;) {
    const token = await source.take();
    if (!token) throw votableInvalid(where, 'it ends before the rows of its table');
    if (token.kind !== 'start' || token.name !== 'STREAM') continue;
    const attributes = xmlAttributes(token.attributes);
    if (attributes.has('href'))
      throw votableUnsupported(where, 'its rows stand elsewhere (STREAM href), and are not fetched');
    const encoding = attributes.get('encoding') ?? 'none';
    if (encoding !== 'base64') throw votableUnsupported(where, `its STREAM is encoded as ${encoding}, must be base64`);
    return;
  }
}

/** All text up to the end of the element that was begun. */
async function readText(source: TokenSource): Promise<string> {
  let text = '';
  let depth = 1;
  while (depth > 0) {
    const token = await source.take();
    if (!token) break;
    if (token.kind === 'text' && text.length < MAX_NOTE_CHARS) text += token.text;
    if (token.kind === 'start' && !token.empty) depth++;
    if (token.kind === 'end') depth--;
  }
  return text;
}

function fieldOf(attributes: ReadonlyMap<string, string>): VotableField {
  return {
    name: attributes.get('name') ?? attributes.get('ID') ?? '',
    datatype: attributes.get('datatype') ?? '',
    arraysize: (attributes.get('arraysize') ?? '').trim(),
    unit: attributes.get('unit'),
    ucd: attributes.get('ucd'),
    description: '',
    nullText: undefined,
  };
}

function columnsOf(fields: readonly VotableField[], where: string): VotableColumn[] {
  return fields.map((field, i) => {
    const column = votableColumn({ ...field, name: field.name === '' ? `col${i + 1}` : field.name });
    if (column) return column;
    throw votableInvalid(
      where,
      `column '${field.name}' has datatype '${field.datatype}' and arraysize '${field.arraysize}'`,
    );
  });
}
