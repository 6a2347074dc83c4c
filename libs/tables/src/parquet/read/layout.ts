import { ParquetFault, unsupported } from '../format/fault.js';
import { type FileMetadata, PHYSICAL_NAMES } from '../format/metadata.js';
import type { SchemaNode } from '../format/tree.js';
import { checkCodec } from '../codec/codec.js';

/** Leaves of `nodes` in file order. */
export function leavesOf(nodes: readonly SchemaNode[]): SchemaNode[] {
  return nodes.flatMap((node) => (node.leafIndex >= 0 ? [node] : leavesOf(node.children)));
}

/**
 * Holds every count and offset of the footer against the schema and the file: row groups add up, each has all leaves in
 * order, chunks lie between the magic and the footer.
 */
export function checkLayout(metadata: FileMetadata, columns: readonly SchemaNode[], footerOffset: number): void {
  const leaves = leavesOf(columns);
  let rows = 0;
  metadata.rowGroups.forEach((group, index) => {
    rows += group.rowCount;
    if (group.columns.length !== leaves.length) {
      throw new ParquetFault(`row group ${index} has ${group.columns.length} columns, the schema has ${leaves.length}`);
    }
    group.columns.forEach((chunk, at) => {
      const leaf = leaves[at];
      const name = leaf.path.join('.');
      if (chunk.path.length !== leaf.path.length || chunk.path.some((part, i) => part !== leaf.path[i])) {
        throw new ParquetFault(`row group ${index} has column '${chunk.path.join('.')}' in the place of '${name}'`);
      }
      if (chunk.physical !== leaf.element.physical) {
        throw new ParquetFault(
          `row group ${index} holds '${name}' as ${PHYSICAL_NAMES[chunk.physical] ?? chunk.physical}, the schema says ${PHYSICAL_NAMES[leaf.element.physical as number]}`,
        );
      }
      checkCodec(chunk.codec);
      if (chunk.filePath !== undefined) throw unsupported(`column data lies in another file (${chunk.filePath})`);
      // Writers leave out where the columns of an empty row group would be.
      if (group.rowCount === 0 && chunk.valueCount === 0) return;
      if (chunk.offset < 4 || chunk.offset + chunk.byteLength > footerOffset) {
        throw new ParquetFault(
          `row group ${index} places '${name}' at bytes ${chunk.offset} to ${chunk.offset + chunk.byteLength}, outside [4, ${footerOffset}]`,
        );
      }
      if (leaf.maxRepetition === 0 && chunk.valueCount !== group.rowCount) {
        throw new ParquetFault(
          `row group ${index} has ${group.rowCount} rows, '${name}' has ${chunk.valueCount} values`,
        );
      }
    });
  });
  if (rows !== metadata.rowCount)
    throw new ParquetFault(`the row groups have ${rows} rows, the file says ${metadata.rowCount}`);
}
