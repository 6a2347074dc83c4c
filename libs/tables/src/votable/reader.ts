import { fail } from '@armilla/base';
import { type RecordBatch, Schema } from 'apache-arrow';
import { letOthersRun } from '../table/input.js';
import type { BatchOptions, TableReader } from '../table/reader.js';
import { BinaryRows } from './binary-rows.js';
import { votableInvalid, votableUnsupported } from './fault.js';
import type { VotableColumn } from './field.js';
import { readHead, readInfo, type VotableHead } from './head.js';
import { RowSink } from './row-sink.js';
import { readTextRows } from './text-rows.js';
import { TokenSource } from './tokens.js';
import { xmlAttributes } from './xml.js';

const BATCH_ROWS = 16_384;
/** Cells that are held at a time. */
const BATCH_CELLS = 2 ** 20;

/** Where the bytes of a VOTable come from, already unzipped. */
interface VotableSource {
  readonly where: string;
  /** True when `open` gives the same bytes again, as for files. */
  readonly repeatable: boolean;
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/**
 * Opens the first table of a VOTable (IVOA VOTable 1.4): TABLEDATA, BINARY and BINARY2. Units, UCDs and descriptions become metadata of the
 * fields. Throws VOTABLE_INVALID, also where a service reports an error in place of a table, and VOTABLE_UNSUPPORTED.
 */
export async function openVotable(source: VotableSource, signal?: AbortSignal): Promise<TableReader> {
  const { where } = source;
  const tokens = new TokenSource(source.open(signal), where);
  try {
    const head = await readHead(tokens, where);
    const names = head.columns.map(({ field }) => field.name);
    for (const name of new Set(names)) {
      const count = names.filter((other) => other === name).length;
      if (count > 1) throw fail('COLUMN_DUPLICATE', { where, column: name, count });
    }
    if (source.repeatable) await tokens.close();
    return new VotableReader(source, tokens, head);
  } catch (error) {
    await tokens.close();
    throw error;
  }
}

class VotableReader implements TableReader {
  readonly format = 'votable';
  readonly where: string;
  readonly schema: Schema;
  readonly rowCount = undefined;
  readonly misfits = new Map<string, number>();
  readonly warnings: string[] = [];
  #tokens: TokenSource | undefined;

  constructor(
    private readonly source: VotableSource,
    tokens: TokenSource,
    private readonly head: VotableHead,
  ) {
    this.where = source.where;
    this.schema = new Schema(head.columns.map(({ field }) => field));
    this.#tokens = source.repeatable ? undefined : tokens;
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const { signal } = options;
    const { where } = this;
    const { columns, serialisation } = this.head;
    const wanted = this.#select(options.columns);
    const atOnce = Math.min(
      options.batchRowCount ?? BATCH_ROWS,
      Math.max(64, Math.floor(BATCH_CELLS / Math.max(1, wanted.length))),
    );
    const tokens = await this.#rows(signal);
    try {
      const rows = new RowSink(columns, wanted, atOnce, where);
      const binary = new BinaryRows(tokens, serialisation === 'BINARY2', where);
      for (let more = serialisation !== undefined; more;) {
        signal?.throwIfAborted();
        more = await (serialisation === 'TABLEDATA' ? readTextRows(tokens, rows, where) : binary.read(rows));
        const batch = rows.take();
        if (batch) yield batch;
        await letOthersRun();
      }
      await this.#readTail(tokens);
      this.misfits.clear();
      for (const [name, count] of rows.misfits()) this.misfits.set(name, count);
    } finally {
      await tokens.close();
    }
  }

  async close(): Promise<void> {
    await this.#tokens?.close();
    this.#tokens = undefined;
  }

  /** Stands at the first row. */
  async #rows(signal: AbortSignal | undefined): Promise<TokenSource> {
    if (!this.source.repeatable) {
      const tokens = this.#tokens;
      if (!tokens) throw fail('INTERNAL', { detail: `${this.where} is a stream and was read before` });
      this.#tokens = undefined;
      return tokens;
    }
    const tokens = new TokenSource(this.source.open(signal), this.where);
    try {
      await readHead(tokens, this.where);
      return tokens;
    } catch (error) {
      await tokens.close();
      throw error;
    }
  }

  /** What a service says behind the rows, up to the end of the document, which has to be there. */
  async #readTail(tokens: TokenSource): Promise<void> {
    this.warnings.length = 0;
    let ended = false;
    for (;;) {
      const token = await tokens.take();
      if (!token) break;
      if (token.kind === 'end' && token.name === 'VOTABLE') ended = true;
      if (token.kind !== 'start' || token.name !== 'INFO') continue;
      const warning = await readInfo(tokens, token.empty, xmlAttributes(token.attributes), this.where);
      if (warning !== undefined) this.warnings.push(`${this.where}: ${warning}`);
    }
    if (!ended) throw votableInvalid(this.where, 'it ends early: there is no end of VOTABLE');
  }

  /** Places of the columns of these names; refuses unknown ones, and those that cannot be read, before the first row. */
  #select(names: readonly string[] | undefined): number[] {
    const { columns } = this.head;
    const all = columns.map(({ field }) => field.name);
    return (names ?? all).map((name) => {
      const at = all.indexOf(name);
      if (at < 0) throw fail('COLUMN_NOT_FOUND', { where: this.where, column: name, available: all.join(', ') });
      const { obstacle }: VotableColumn = columns[at];
      if (obstacle !== '')
        throw votableUnsupported(
          this.where,
          `column '${name}' ${obstacle}, which is not read; choose columns without it`,
        );
      return at;
    });
  }
}
