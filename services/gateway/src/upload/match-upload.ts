import { fail } from '@armilla/base';
import { SelfMatch } from '@armilla/proto';
import { CROSSMATCH_OPTIONS, emptyMatchDraft, type MatchDraft } from '../options/match-options.js';
import { type GivenOptions } from '../options/option.js';
import { type FormPart } from './multipart.js';
import { type Spool, type SpoolFile } from './spool.js';

/** A table of the request on its way to the service. */
export interface UploadedTable {
  /** As in ArrowFrame.table: 0 left or only, 1 right; of several tables 0 to 9. */
  readonly table: number;
  /** Names it in messages. */
  readonly where: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const MAX_OPTIONS_BYTES = 1 << 20;
const NUMBER_OF_PART: Readonly<Record<string, 0 | 1>> = { left: 0, right: 1 };

/** Reads the options of a match; the radius has no default. */
export function readMatchDraft(given: GivenOptions): MatchDraft {
  const draft = emptyMatchDraft();
  given.read(CROSSMATCH_OPTIONS, draft);
  if (draft.options.radiusArcsec === 0)
    throw fail('OPTION_INVALID', { field: 'radius', expected: 'given (for example 1arcsec)', got: 'nothing' });
  if (draft.rightTable !== '' && draft.options.selfMatch !== SelfMatch.UNSPECIFIED) {
    throw fail('OPTIONS_CONFLICT', {
      field: 'self_match',
      detail: 'a self-match has no right table: leave out right or self_match',
    });
  }
  if (draft.leftTable !== '' && draft.rightTable === '')
    throw fail('OPTIONS_CONFLICT', {
      field: 'left',
      detail:
        'with a stored left table the right one has to be stored as well: give right=NAME (a table with itself is named by right alone)',
    });
  return draft;
}

export const hasRightUpload = (draft: MatchDraft): boolean =>
  draft.rightTable === '' && draft.options.selfMatch === SelfMatch.UNSPECIFIED;

/**
 * The tables of a form in the order that the service wants them, right before left. A part that can be passed on when
 * it comes is streamed; one that comes too early (left before right, or a table before the options) waits on disk.
 * `onOptions` is called once, before the first table.
 */
export async function* orderedTables(
  parts: AsyncIterable<FormPart>,
  given: GivenOptions,
  spool: Spool,
  onOptions: (draft: MatchDraft) => void,
): AsyncGenerator<UploadedTable, void, undefined> {
  const spooled = new Map<0 | 1, { file: SpoolFile; where: string }>();
  const seen = new Set<string>();
  let draft: MatchDraft | undefined;
  const settle = (): MatchDraft => {
    if (draft === undefined) onOptions((draft = readMatchDraft(given)));
    return draft;
  };
  try {
    for await (const part of parts) {
      if (seen.has(part.name))
        throw fail('REQUEST_INVALID', {
          field: part.name.slice(0, 64),
          detail: `the part '${part.name.slice(0, 64)}' comes twice`,
        });
      seen.add(part.name);
      if (!(part.name in NUMBER_OF_PART) || part.kind === 'field') {
        if (draft !== undefined)
          throw fail('STREAM_ORDER', {
            where: 'multipart body',
            detail: `the part '${part.name.slice(0, 64)}' comes after the tables; send options first`,
          });
        await addOptions(part, given);
        continue;
      }
      // Once the radius is known nothing that matters can be missing: options that still come are refused.
      if (given.has('radius') || given.has('radius_arcsec')) settle();
      refuseRightOf(draft, part.name);
      if (draft !== undefined && draft.leftTable !== '') refuseLeft();
      const table = NUMBER_OF_PART[part.name];
      const where = titleOf(part);
      if (draft !== undefined && (table === 1 || !hasRightUpload(draft) || (seen.has('right') && !spooled.has(1)))) {
        yield { table, where, bytes: part.bytes };
      } else {
        const file = await spool.create(part.name);
        spooled.set(table, { file, where });
        for await (const chunk of part.bytes) await file.append(chunk);
      }
    }
    const final = settle();
    if (final.leftTable !== '') {
      if (seen.has('left') || seen.has('right')) refuseLeft();
      return;
    }
    if (!seen.has('left')) throw fail('REQUEST_INVALID', { field: 'left', detail: "the part 'left' is missing" });
    if (hasRightUpload(final) && !seen.has('right'))
      throw fail('REQUEST_INVALID', {
        field: 'right',
        detail: "the part 'right' is missing; send it, or name a stored table with right=NAME",
      });
    for (const table of [1, 0] as const) {
      const waiting = spooled.get(table);
      if (waiting === undefined) continue;
      if (table === 1) refuseRightOf(final, 'right');
      yield { table, where: waiting.where, bytes: waiting.file.chunks() };
    }
  } finally {
    for (const { file } of spooled.values()) await file.remove();
  }
}

/** What messages call the table of a part. */
export function titleOf({ name, filename }: Extract<FormPart, { kind: 'file' }>): string {
  return filename === undefined || filename === '' ? name : `${name} (${filename.slice(0, 100)})`;
}

export function refuseLeft(): never {
  throw fail('OPTIONS_CONFLICT', {
    field: 'left',
    detail: 'a table is sent, but the options name stored ones for both sides: leave the body out',
  });
}

function refuseRightOf(draft: MatchDraft | undefined, name: string): void {
  if (name === 'right' && draft !== undefined && !hasRightUpload(draft)) {
    throw fail('OPTIONS_CONFLICT', {
      field: 'right',
      detail: 'a right table is uploaded, but the options name a stored one or a self-match',
    });
  }
}

/** The options of a part: `options` is a JSON object; any other part that is no table is one option by its name. */
export async function addOptions(part: FormPart, given: GivenOptions): Promise<void> {
  if (part.name !== 'options') {
    given.add(part.name, part.kind === 'field' ? part.value : await readText(part.bytes, part.name), 'form field');
    return;
  }
  const text = part.kind === 'field' ? part.value : await readText(part.bytes, part.name);
  addJsonOptions(text, given);
}

/** Options as a JSON object of the names and values that the query takes. */
export function addJsonOptions(text: string, given: GivenOptions): void {
  let options: unknown;
  try {
    options = JSON.parse(text);
  } catch (error) {
    throw fail(
      'REQUEST_INVALID',
      { field: 'options', detail: `options are not valid JSON: ${(error as Error).message.slice(0, 200)}` },
      { cause: error },
    );
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw fail('REQUEST_INVALID', { field: 'options', detail: 'options must be a JSON object' });
  for (const [name, value] of Object.entries(options)) given.add(name, value, 'options part');
}

/** The text of a short body or part. */
export async function readText(bytes: AsyncIterable<Uint8Array>, where: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of bytes) {
    byteCount += chunk.length;
    if (byteCount > MAX_OPTIONS_BYTES)
      throw fail('MESSAGE_TOO_LARGE', { where, got: `more than ${MAX_OPTIONS_BYTES}`, limit: MAX_OPTIONS_BYTES });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
