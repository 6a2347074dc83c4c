import { readFile } from 'node:fs/promises';
import type { Format } from './format.js';
import type { TableReader } from './reader.js';

/** The key under which tables carry the document that says where they come from. */
export const PROVENANCE_KEY = 'armilla.provenance';

const SIDECAR_ENDING = '.provenance.json';
/** A document that is longer was not written by us. */
const MAX_SIDECAR_BYTES = 16 << 20;

/** One file of a table, or the whole of a table that is no file. */
export interface TablePart {
  readonly where: string;
  readonly format: Format;
  /** Where the format says it before it is read. */
  readonly rowCount: number | undefined;
  /** The document that it carries, as it stands there. */
  readonly provenance: string | undefined;
}

/** The files of a table, in order. */
export function partsOf(reader: TableReader): readonly TablePart[] {
  return reader.parts ?? [partOf(reader)];
}

export function partOf({ where, format, rowCount, schema }: TableReader): TablePart {
  return { where, format, rowCount, provenance: schema.metadata.get(PROVENANCE_KEY) };
}

/** True for formats without a place for metadata: what is known of their tables lies in a file beside them. */
export function needsSidecar(format: Format): boolean {
  return format === 'csv' || format === 'tsv' || format === 'jsonl';
}

export function sidecarPath(path: string): string {
  return `${path}${SIDECAR_ENDING}`;
}

/** The document beside a file of `byteCount` bytes; undefined where there is none, or one that was written for other bytes. */
export async function readSidecar(path: string, byteCount: number): Promise<string | undefined> {
  const text = await readFile(sidecarPath(path), 'utf8').catch(() => undefined);
  if (text === undefined || text.length > MAX_SIDECAR_BYTES) return undefined;
  const document = parseProvenance(text) as { output?: { byte_count?: unknown } } | undefined;
  return document?.output?.byte_count === byteCount ? text : undefined;
}

/** The document in `text`; undefined for what is none. */
export function parseProvenance(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null && !Array.isArray(document)
      ? (document as Record<string, unknown>)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
