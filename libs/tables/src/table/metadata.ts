import { Schema } from 'apache-arrow';

/** Key-value metadata of a table. */
export type Metadata = Readonly<Record<string, string>>;

/** Where a writer stands when it asks for metadata: before the first row, or behind the last one. */
export type RowsMoment = 'ahead' | 'written';

/**
 * Metadata, or how to get it when the format writes it: behind the rows in Parquet, before them in an Arrow stream, and
 * both in an Arrow file, whose readers take what is behind the rows.
 */
export type MetadataSource = Metadata | ((rows: RowsMoment) => Metadata | Promise<Metadata>);

export async function metadataOf(source: MetadataSource | undefined, rows: RowsMoment): Promise<Metadata> {
  return typeof source === 'function' ? source(rows) : (source ?? {});
}

/** The schema with `metadata` added to its own. */
export function withMetadata(schema: Schema, metadata: Metadata): Schema {
  const entries = Object.entries(metadata);
  return entries.length === 0 ? schema : new Schema(schema.fields, new Map([...schema.metadata, ...entries]));
}
