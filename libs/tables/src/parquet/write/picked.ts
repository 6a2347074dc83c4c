import type { Data } from 'apache-arrow';
import type { ColumnPiece, ColumnSpec } from './column.js';
import { Lender } from '../pick/lender.js';
import { type RowOrder, sharedOrder } from '../pick/order.js';
import type { PickedColumn, PickedRows } from '../pick/picks.js';
import type { MemoryOrder } from '../pick/task.js';
import { encodedWordsLimit } from '../pick/words.js';
import type { ParquetPool } from '../work/pool.js';
import type { CodecChoice, EncodedColumn } from './chunk.js';
import { ColumnStage } from './stage.js';

/** Columns that may be encoded or wait to be written beside those that threads work on. */
const COLUMNS_AHEAD = 6;

type Orders = ReadonlyMap<Int32Array, Promise<MemoryOrder>>;

/** Has the columns of picked row groups encoded in threads, as many at a time as there is memory for. */
export class PickedEncoder {
  #lender: Lender | undefined;
  #lentBytes = 0;
  readonly #freeOrders: RowOrder[] = [];

  constructor(
    private readonly pool: ParquetPool,
    private readonly workerCount: number,
    private readonly codec: CodecChoice | undefined,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Begins one column after the other; `onColumn` gets each with what is to be called when its bytes are done with.
   * Returns when the last has begun.
   */
  async begin(
    specs: readonly ColumnSpec[],
    picked: PickedRows,
    onColumn: (encoded: Promise<EncodedColumn>, done: () => void) => void,
  ): Promise<void> {
    const lender = this.#lenderOf(picked.rowCount);
    const orders = this.#orders(picked);
    let unwritten = picked.columns.length;
    for (const [i, column] of picked.columns.entries()) {
      const out = await lender.take();
      const encoded = this.#encode(specs[i], column, picked.rowCount, out, orders);
      // Whoever writes it sees a failure, later perhaps.
      encoded.catch(() => undefined);
      onColumn(encoded, () => {
        lender.give(out);
        if (--unwritten === 0) void this.#keepOrders(orders);
      });
    }
  }

  async #encode(
    spec: ColumnSpec,
    column: PickedColumn,
    rowCount: number,
    out: Uint8Array,
    orders: Orders,
  ): Promise<EncodedColumn> {
    const { pool, codec, signal } = this;
    signal.throwIfAborted();
    if (column.from === 'values' || column.from === 'piece') {
      const piece = column.from === 'piece' ? column.column : staged(spec, column.pieces, rowCount);
      const [encoded] = await pool.run({ kind: 'encode', columns: [{ spec, pieces: [piece] }], codec }, signal);
      return encoded;
    }
    const { rows } = column;
    const source = column.from === 'file' ? column : { ...column, order: await orders.get(rows) };
    return pool.run({ kind: 'pick', spec, source, rows, codec, out }, signal);
  }

  /** Begun before any column, so that those in memory, which often come last, need not wait. */
  #orders({ columns }: PickedRows): Orders {
    const orders = new Map<Int32Array, Promise<MemoryOrder>>();
    for (const column of columns) {
      if (column.from !== 'memory' || orders.has(column.rows)) continue;
      const order = this.#order(column.rows);
      order.catch(() => undefined);
      orders.set(column.rows, order);
    }
    return orders;
  }

  async #order(rows: Int32Array): Promise<MemoryOrder> {
    const order = this.#freeOrder(rows.length);
    const ordered = await this.pool.run({ kind: 'order', rows, order }, this.signal);
    if (ordered === 'sorted') return order;
    this.#freeOrders.push(order);
    return ordered === 'consecutive' ? ordered : undefined;
  }

  #freeOrder(rowCount: number): RowOrder {
    const kept = this.#freeOrders.pop();
    if (!kept || kept.place.length < rowCount) return sharedOrder(rowCount);
    const cut = (words: Int32Array): Int32Array => words.subarray(0, rowCount);
    return { sorted: cut(kept.sorted), slot: cut(kept.slot), place: cut(kept.place) };
  }

  async #keepOrders(orders: Orders): Promise<void> {
    for (const outcome of await Promise.allSettled(orders.values()))
      if (outcome.status === 'fulfilled' && typeof outcome.value === 'object') this.#freeOrders.push(outcome.value);
  }

  #lenderOf(rowCount: number): Lender {
    const byteLength = encodedWordsLimit(rowCount, 8);
    if (!this.#lender || byteLength > this.#lentBytes) {
      this.#lentBytes = byteLength;
      this.#lender = new Lender(this.workerCount + COLUMNS_AHEAD, byteLength);
    }
    return this.#lender;
  }
}

function staged(spec: ColumnSpec, pieces: readonly Data[], rowCount: number): ColumnPiece {
  const stage = new ColumnStage(spec, rowCount);
  for (const data of pieces) stage.append(data, 0, data.length);
  return stage.piece();
}
