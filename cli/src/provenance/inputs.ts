import { stat } from 'node:fs/promises';
import {
  type FileFacts,
  fileFacts,
  needsSidecar,
  parseProvenance,
  partsOf,
  readSidecar,
  type TablePart,
  type TableReader,
} from '@armilla/tables';
import { STANDARD } from '../table/flags.js';

/** Documents of inputs are carried along up to so many characters for each of them. */
const MAX_HISTORY_LENGTH = 1 << 18;

/** An input as provenance tells it. */
export interface DescribedInput {
  readonly json: Readonly<Record<string, unknown>>;
  /** When a file of it changed last; undefined for what is no file. */
  readonly modified: Date | undefined;
}

/** Describes the inputs that `reader` gives as one table; `names` as the user gave them. */
export async function describeInputs(
  names: readonly string[],
  reader: TableReader,
  signal: AbortSignal,
): Promise<DescribedInput[]> {
  const parts = partsOf(reader);
  if (names.length === 1) return [await describe(names[0], parts, signal)];
  const places = new Map(parts.map((part) => [part.where, part]));
  const described: DescribedInput[] = [];
  for (const name of names) described.push(await describe(name, places, signal));
  return described;
}

async function describe(
  name: string,
  parts: readonly TablePart[] | ReadonlyMap<string, TablePart>,
  signal: AbortSignal,
): Promise<DescribedInput> {
  const facts = name === STANDARD ? undefined : await fileFacts(name, signal);
  const own = parts instanceof Map ? ofFiles(facts?.files ?? [name], parts) : (parts as readonly TablePart[]);
  const rowCount = own.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part.rowCount === undefined ? undefined : sum + part.rowCount),
    0,
  );
  const json = {
    name,
    format: own[0]?.format,
    ...(rowCount !== undefined && { row_count: rowCount }),
    ...(facts && factsJson(facts)),
    ...(await history(own, facts)),
  };
  return { json, modified: facts?.modified };
}

const ofFiles = (files: readonly string[], parts: ReadonlyMap<string, TablePart>): TablePart[] =>
  files.flatMap((file) => parts.get(file) ?? []);

function factsJson({ files, byteCount, sha256, endByteCount }: FileFacts): object {
  return {
    file_count: files.length,
    byte_count: byteCount,
    ...(endByteCount === undefined ? { sha256 } : { sha256_of_ends: sha256, end_byte_count: endByteCount }),
  };
}

/** What the files say of themselves, each document once. */
async function history(parts: readonly TablePart[], facts: FileFacts | undefined): Promise<object> {
  const texts = new Set<string>();
  for (const { where, format, provenance } of parts) {
    const text = provenance ?? (facts && needsSidecar(format) ? await beside(where) : undefined);
    if (text !== undefined) texts.add(text);
  }
  const documents: object[] = [];
  let length = 0;
  for (const text of texts) {
    const document = parseProvenance(text);
    if (document === undefined) continue;
    length += text.length;
    if (length > MAX_HISTORY_LENGTH) break;
    // What differs between two runs of the same would make the results of two runs differ.
    const { run: _, ...lasting } = document;
    documents.push(lasting);
  }
  return {
    ...(documents.length > 0 && { history: documents }),
    ...(length > MAX_HISTORY_LENGTH && { history_left_out_count: texts.size - documents.length }),
  };
}

async function beside(path: string): Promise<string | undefined> {
  return readSidecar(path, (await stat(path)).size);
}
