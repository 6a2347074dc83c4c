import type { RecordBatch, Schema } from 'apache-arrow';
import { fail } from '@armilla/base';
import type { Format } from './format.js';
import type { TablePart } from './provenance.js';
import type { BatchOptions, DescribedPosition, TableReader } from './reader.js';

/** What is known of several files together. */
export interface Together {
  readonly rowCount: number | undefined;
  /** Opens file 1 and on; the caller closes it. */
  readonly openNext: readonly (() => Promise<TableReader>)[];
  readonly parts: readonly TablePart[];
  /** Files may have the columns of the first one in another order. */
  readonly columnsInAnyOrder?: boolean;
}

/** Files of one table, one after the other; opened when their turn comes. */
export class ConcatReader implements TableReader {
  readonly misfits = new Map<string, number>();
  readonly warnings: string[] = [];
  readonly format: Format;
  readonly schema: Schema;
  readonly rowCount: number | undefined;
  readonly parts: readonly TablePart[];
  readonly position: DescribedPosition | undefined;

  constructor(
    readonly where: string,
    private readonly first: TableReader,
    private readonly together: Together,
  ) {
    this.format = first.format;
    this.schema = first.schema;
    this.position = first.position;
    this.rowCount = together.rowCount;
    this.parts = together.parts;
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    this.misfits.clear();
    this.warnings.length = 0;
    yield* this.first.batches(options);
    this.#count(this.first);
    for (const open of this.together.openNext) {
      options.signal?.throwIfAborted();
      const reader = await open();
      try {
        checkSameSchema(this.first, reader, this.together.columnsInAnyOrder);
        yield* reader.batches({ ...options, columns: options.columns ?? this.#reordered(reader) });
        this.#count(reader);
      } finally {
        await reader.close();
      }
    }
  }

  /** The columns in the order of the first file, where those of `reader` stand in another. */
  #reordered({ schema }: TableReader): string[] | undefined {
    const names = this.schema.fields.map(({ name }) => name);
    return schema.fields.every(({ name }, i) => name === names[i]) ? undefined : names;
  }

  #count(reader: TableReader): void {
    for (const [column, count] of reader.misfits) this.misfits.set(column, (this.misfits.get(column) ?? 0) + count);
    this.warnings.push(...(reader.warnings ?? []));
  }

  async close(): Promise<void> {
    await this.first.close();
  }
}

/** Throws SCHEMAS_DIFFER with what differs, by column. */
export function checkSameSchema(first: TableReader, other: TableReader, columnsInAnyOrder = false): void {
  const differences = schemaDifferences(first.schema, other.schema, columnsInAnyOrder);
  if (differences.length === 0) return;
  throw fail('SCHEMAS_DIFFER', { where: other.where, first: first.where, detail: differences.join('; ') });
}

function schemaDifferences(first: Schema, other: Schema, columnsInAnyOrder: boolean): string[] {
  const differences: string[] = [];
  const types = new Map(other.fields.map((field) => [field.name, String(field.type)]));
  for (const field of first.fields) {
    const type = types.get(field.name);
    if (type === undefined) differences.push(`column '${field.name}' is missing`);
    else if (type !== String(field.type))
      differences.push(`column '${field.name}' is ${type}, not ${String(field.type)}`);
    types.delete(field.name);
  }
  for (const name of types.keys()) differences.push(`column '${name}' is new`);
  const names = (schema: Schema): string => schema.fields.map((field) => field.name).join(', ');
  if (!columnsInAnyOrder && differences.length === 0 && names(first) !== names(other))
    differences.push(`the columns stand in the order ${names(other)}`);
  return differences;
}
