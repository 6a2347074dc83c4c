import type { Schema } from 'apache-arrow';
import { metadataKeyValues } from '../arrowSchema.js';
import type { Metadata } from '../../table/metadata.js';
import { columnSpec } from './column.js';
import { encodeFooter, MAGIC, type WrittenRowGroup } from './footer.js';

/** Row groups of one file of several. */
export interface FileRowGroups {
  /** Relative to the folder of the metadata. */
  readonly path: string;
  readonly rowGroups: readonly WrittenRowGroup[];
}

/**
 * A Parquet file without rows: the metadata of several files together (`_metadata` of a data set), or with none of them its columns
 * alone (`_common_metadata`).
 */
export function encodeMetadataFile(schema: Schema, files: readonly FileRowGroups[], metadata: Metadata): Uint8Array {
  const specs = schema.fields.map((field) => columnSpec(field, 'metadata'));
  const groups = files.flatMap(({ path, rowGroups }) =>
    rowGroups.map((group) => ({ ...group, columns: group.columns.map((column) => ({ ...column, filePath: path })) })),
  );
  return Buffer.concat([MAGIC, encodeFooter(specs, groups, metadataKeyValues(schema, metadata))]);
}
