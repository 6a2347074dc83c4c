import { Field, type RecordBatch, Schema } from 'apache-arrow';
import { fail } from '@armilla/base';
import { declaredMetadata } from '../declared/declared-column.js';
import { abortable } from '../table/abortable.js';
import type { Format } from '../table/format.js';
import { letOthersRun } from '../table/input.js';
import type { BatchOptions, TableReader } from '../table/reader.js';
import { type Dialect, type DialectOptions, sniffDialect } from './dialect.js';
import { declaredKind, oneDelimiter } from './ecsv.js';
import { BLANK_METADATA } from './blank.js';
import { setTextEvidence } from './evidence.js';
import { arrowTypeOf, type Kind, kindOf, parseKind } from './kind.js';
import { CsvParser } from './parser.js';
import { TypeSniffer } from './sniffer.js';

/** Types of a stream are fixed by its first mebibyte. */
const HEAD_BYTES = 2 ** 20;
const BATCH_ROWS = 65_536;
const KEPT_BYTES = 2 ** 26;
/** Columns are built in room for a whole batch: many columns, shorter batches. */
const BATCH_BYTES = 2 ** 26;

/** Where CSV bytes come from, already unzipped. */
export interface CsvSource {
  readonly where: string;
  /** True when `open` gives the same bytes again, as for files: types are then sniffed on all of them. */
  readonly repeatable: boolean;
  /** True where opening again is slow, as for gzipped files: the bytes are then kept, if they are few. */
  readonly costly?: boolean;
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
  close?(): Promise<void>;
}

export interface CsvOptions extends DialectOptions {
  /** Types by column that overrule what was sniffed: int64, int32, float64, float32, bool, utf8. */
  readonly types?: Readonly<Record<string, string>>;
  /** Columns of `types` that the table does not have, or types for a format with its own, are no error. */
  readonly typesWhereThere?: boolean;
  readonly signal?: AbortSignal;
}

/** What sniffing found, before types are chosen; several files of one table add up. */
export interface CsvShape {
  readonly dialect: Dialect;
  /** [columns] bits of SEEN. */
  readonly seen: Uint8Array;
  /** [columns] why a column is text that also has numbers. */
  readonly evidence: readonly (string | undefined)[];
  readonly rowCount: number | undefined;
  /** The bytes read ahead of a stream, or all of a costly file. */
  readonly head: readonly Uint8Array[];
  /** What follows the head of a stream. */
  readonly rest: AsyncIterator<Uint8Array> | undefined;
}

/** Opens CSV or TSV: finds delimiter, header and types. */
export async function openCsv(source: CsvSource, options: CsvOptions = {}): Promise<TableReader> {
  const shape = await sniffCsv(source, options);
  return csvReader(source, shape, shape.seen, options);
}

export async function sniffCsv(source: CsvSource, options: CsvOptions = {}): Promise<CsvShape> {
  const { where } = source;
  const iterator = oneDelimiter(source.open(options.signal))[Symbol.asyncIterator]();
  let keep = false;
  try {
    const head: Uint8Array[] = [];
    let headBytes = 0;
    let ended = false;
    while (headBytes < HEAD_BYTES) {
      const { value, done } = await iterator.next();
      if (done === true) {
        ended = true;
        break;
      }
      head.push(value);
      headBytes += value.length;
    }
    const joined = joinBytes(head, headBytes);
    // Cut exactly, so that the types do not depend on the sizes of the chunks.
    const seen = source.repeatable ? joined : joined.subarray(0, HEAD_BYTES);
    if (seen.length < joined.length) ended = false;
    const dialect = sniffDialect(seen, ended, where, options);
    const sniffer = new TypeSniffer(
      where,
      dialect.delimiter,
      dialect.names.length,
      dialect.dataLine,
      dialect.commented,
    );
    sniffer.push(seen.subarray(dialect.dataOffset));
    let kept: Uint8Array[] | undefined = source.costly === true || !source.repeatable ? [joined] : undefined;
    if (source.repeatable) {
      let keptBytes = joined.length;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done === true) break;
        options.signal?.throwIfAborted();
        sniffer.push(value);
        keptBytes += value.length;
        if (keptBytes > KEPT_BYTES) kept = undefined;
        kept?.push(value);
      }
      ended = true;
    }
    if (ended) sniffer.finish();
    keep = !source.repeatable;
    return {
      dialect,
      seen: sniffer.seen,
      evidence: dialect.names.map((_, column) => sniffer.evidence(column)),
      rowCount: ended ? sniffer.recordCount : undefined,
      head: kept ?? [],
      rest: keep ? iterator : undefined,
    };
  } finally {
    if (!keep) await iterator.return?.();
  }
}

/** The reader of a sniffed source with types for `seen`, which may say more than the source itself showed. */
export function csvReader(source: CsvSource, shape: CsvShape, seen: Uint8Array, options: CsvOptions): TableReader {
  const { names, declared } = shape.dialect;
  const types = { ...declaredTypes(declared), ...options.types };
  const kinds = chooseKinds(source.where, names, seen, { ...options, types });
  const sniffed = names.map((name) => !Object.hasOwn(types, name));
  return new CsvReader(source, shape, kinds, sniffed, seen);
}

/** Types that the file itself gives its columns. */
function declaredTypes(declared: Dialect['declared']): Record<string, string> {
  return Object.fromEntries(
    [...declared.values()].flatMap((column) => {
      const kind = declaredKind(column);
      return kind === undefined ? [] : [[column.name, kind]];
    }),
  );
}

function chooseKinds(
  where: string,
  names: readonly string[],
  seen: Uint8Array,
  { types = {}, typesWhereThere = false }: CsvOptions,
): Kind[] {
  const kinds = Array.from(seen, kindOf);
  for (const [name, type] of Object.entries(types)) {
    const index = names.indexOf(name);
    if (index < 0 && typesWhereThere) continue;
    if (index < 0) throw fail('COLUMN_NOT_FOUND', { where, column: name, available: names.join(', ') });
    kinds[index] = parseKind(name, type);
  }
  return kinds;
}

class CsvReader implements TableReader {
  readonly where: string;
  readonly format: Format;
  readonly schema: Schema;
  readonly rowCount: number | undefined;
  readonly misfits = new Map<string, number>();
  #rest: AsyncIterator<Uint8Array> | undefined;
  #used = false;

  constructor(
    private readonly source: CsvSource,
    private readonly shape: CsvShape,
    private readonly kinds: readonly Kind[],
    private readonly sniffed: readonly boolean[],
    seen: Uint8Array,
  ) {
    const { dialect } = shape;
    this.where = source.where;
    this.format = dialect.delimiter === 9 ? 'tsv' : 'csv';
    this.schema = new Schema(
      dialect.names.map((name, index) => {
        const metadata = declaredMetadata(dialect.declared.get(name) ?? {});
        if (seen[index] === 0 && shape.rowCount !== undefined && kinds[index] === 'utf8')
          metadata.set(...BLANK_METADATA);
        return new Field(name, arrowTypeOf(kinds[index]), true, metadata);
      }),
    );
    for (const [index, evidence] of shape.evidence.entries()) {
      if (evidence !== undefined) setTextEvidence(this.schema.fields[index], evidence);
    }
    this.rowCount = shape.rowCount;
    this.#rest = shape.rest;
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const { signal } = options;
    signal?.throwIfAborted();
    const { dialect } = this.shape;
    const { schema, order } = this.#select(options.columns);
    const parser = new CsvParser({
      where: this.where,
      delimiter: dialect.delimiter,
      kinds: this.kinds.map((kind, index) => (order.includes(index) ? kind : undefined)),
      sniffed: this.sniffed,
      order,
      schema,
      firstLine: dialect.dataLine,
      commented: dialect.commented,
      batchRowCount: Math.min(
        options.batchRowCount ?? BATCH_ROWS,
        Math.max(64, Math.floor(BATCH_BYTES / (8 * order.length))),
      ),
    });
    for await (const chunk of this.#data(signal)) {
      signal?.throwIfAborted();
      yield* parser.push(chunk);
    }
    yield* parser.finish();
    this.misfits.clear();
    for (const index of order) {
      const count = parser.misfitCount(index);
      if (count > 0) this.misfits.set(dialect.names[index], count);
    }
  }

  #select(columns: readonly string[] | undefined): { schema: Schema; order: number[] } {
    if (columns === undefined) return { schema: this.schema, order: this.schema.fields.map((_, index) => index) };
    const { names } = this.shape.dialect;
    const order = columns.map((name) => {
      const index = names.indexOf(name);
      if (index < 0) throw fail('COLUMN_NOT_FOUND', { where: this.where, column: name, available: names.join(', ') });
      return index;
    });
    return { schema: new Schema(order.map((index) => this.schema.fields[index])), order };
  }

  /** The bytes behind the header. */
  async *#data(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    let skip = this.shape.dialect.dataOffset;
    for await (const chunk of this.#bytes(signal)) {
      if (skip >= chunk.length) skip -= chunk.length;
      else {
        yield skip > 0 ? chunk.subarray(skip) : chunk;
        skip = 0;
      }
    }
  }

  #bytes(signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
    if (!this.source.repeatable) return abortable(this.#replay(), signal);
    return this.shape.head.length > 0 ? this.#kept() : oneDelimiter(this.source.open(signal));
  }

  async *#kept(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const chunk of this.shape.head) {
      yield chunk;
      await letOthersRun();
    }
  }

  async *#replay(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#used) throw fail('INTERNAL', { detail: `${this.where} is a stream and was read before` });
    this.#used = true;
    yield* this.shape.head;
    const rest = this.#rest as AsyncIterator<Uint8Array>;
    try {
      for (;;) {
        const { value, done } = await rest.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    const rest = this.#rest;
    this.#rest = undefined;
    await rest?.return?.();
    await this.source.close?.();
  }
}

function joinBytes(parts: readonly Uint8Array[], byteCount: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const joined = new Uint8Array(byteCount);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
