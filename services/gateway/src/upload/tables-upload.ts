import { fail } from '@armilla/base';
import type { GivenOptions } from '../options/option.js';
import {
  emptyTablesDraft,
  MOST_TABLES,
  TABLES_OPTION_NAMES,
  TABLES_OPTIONS,
  type TablesDraft,
} from '../options/tables-options.js';
import { addOptions, titleOf, type UploadedTable } from './match-upload.js';
import type { FormPart } from './multipart.js';
import type { Spool, SpoolFile } from './spool.js';

/** Reads the options of a match of several tables; the radius has no default. */
export function readTablesDraft(given: GivenOptions): TablesDraft {
  const draft = emptyTablesDraft();
  given.read(TABLES_OPTIONS, draft, TABLES_OPTION_NAMES);
  if (draft.options.radiusArcsec === 0)
    throw fail('OPTION_INVALID', { field: 'radius', expected: 'given (for example 1arcsec)', got: 'nothing' });
  return draft;
}

/** How many tables the request has: as it says, else as many as it names. Throws OPTION_INVALID for fewer than two. */
export function countTables(draft: TablesDraft, sent: Iterable<number> = []): number {
  const stored = draft.tables.findLastIndex((table) => table.stored !== '') + 1;
  const count = draft.tableCount ?? Math.max(stored, ...sent);
  if (count >= 2) return count;
  throw fail('OPTION_INVALID', { field: 'tables', expected: `2 to ${MOST_TABLES} tables`, got: count });
}

/** The number in the name of a part with a table, from 1; undefined for other parts. */
function numberOf({ kind, name }: FormPart): number | undefined {
  const match = kind === 'file' ? /^table([1-9]\d?)$/.exec(name) : null;
  return match ? Number(match[1]) : undefined;
}

/**
 * The tables of a form in their order. One that can be passed on when it comes is streamed; one that comes before its turn, or
 * before it is known how many there are, waits on disk. `onOptions` is called once, before the first table.
 */
export async function* tablesInOrder(
  parts: AsyncIterable<FormPart>,
  given: GivenOptions,
  spool: Spool,
  onOptions: (draft: TablesDraft, tableCount: number) => void,
): AsyncGenerator<UploadedTable, void, undefined> {
  const spooled = new Map<number, { readonly file: SpoolFile; readonly where: string }>();
  const seen = new Set<number>();
  const names = new Set<string>();
  let order: TableOrder | undefined;
  const settle = (): TableOrder => {
    if (order) return order;
    const draft = readTablesDraft(given);
    const count = countTables(draft, seen);
    onOptions(draft, count);
    return (order = new TableOrder(draft, count));
  };
  const waiting = async function* (): AsyncGenerator<UploadedTable, void, undefined> {
    for (let next = order?.next; next !== undefined; next = order?.next) {
      const table = spooled.get(next);
      if (!table) return;
      yield { table: next - 1, where: table.where, bytes: table.file.chunks() };
      order?.pass();
      await table.file.remove();
    }
  };
  try {
    for await (const part of parts) {
      const title = part.name.slice(0, 64);
      if (names.has(part.name))
        throw fail('REQUEST_INVALID', { field: title, detail: `the part '${title}' comes twice` });
      names.add(part.name);
      const number = numberOf(part);
      if (number === undefined || part.kind === 'field') {
        if (order)
          throw fail('STREAM_ORDER', {
            where: 'multipart body',
            detail: `the part '${title}' comes after the tables; send options first`,
          });
        await addOptions(part, given);
        continue;
      }
      seen.add(number);
      // Once radius and count are known nothing that matters can be missing: options that still come are refused.
      if (given.has('table_count') && (given.has('radius') || given.has('radius_arcsec'))) settle();
      order?.check(number);
      if (order?.next === number) {
        yield { table: number - 1, where: titleOf(part), bytes: part.bytes };
        order.pass();
        yield* waiting();
      } else {
        const file = await spool.create(part.name);
        spooled.set(number, { file, where: titleOf(part) });
        for await (const chunk of part.bytes) await file.append(chunk);
      }
    }
    const settled = settle();
    for (const number of seen) settled.check(number);
    yield* waiting();
    if (settled.next !== undefined) throw missing(settled.next);
  } finally {
    for (const { file } of spooled.values()) await file.remove();
  }
}

/** Which table the service wants next: those that are stored it has. */
class TableOrder {
  #passed = 0;

  constructor(
    private readonly draft: TablesDraft,
    private readonly count: number,
  ) {
    this.#skipStored();
  }

  /** From 1; undefined when all are there. */
  get next(): number | undefined {
    return this.#passed < this.count ? this.#passed + 1 : undefined;
  }

  pass(): void {
    this.#passed++;
    this.#skipStored();
  }

  /** Throws OPTIONS_CONFLICT for a table that is not to be sent. */
  check(number: number): void {
    const field = `table${number}`;
    if (number > this.count)
      throw fail('OPTIONS_CONFLICT', { field, detail: `'${field}' is sent, and there are ${this.count} tables` });
    if (this.draft.tables[number - 1].stored !== '')
      throw fail('OPTIONS_CONFLICT', { field, detail: `'${field}' is sent, and the options name a stored one for it` });
  }

  #skipStored(): void {
    while (this.#passed < this.count && this.draft.tables[this.#passed].stored !== '') this.#passed++;
  }
}

export function missing(number: number): Error {
  const field = `table${number}`;
  return fail('REQUEST_INVALID', {
    field,
    detail: `the part '${field}' is missing; send it, or name a stored table with ${field}=NAME`,
  });
}
