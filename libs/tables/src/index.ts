export { MessageDecoder, type MessageDecoderOptions, recordBatch } from './arrow/decoder.js';
export { MessageEncoder } from './arrow/encoder.js';
export { isArrowFile } from './arrow/footer.js';
export { type ArrowLimits, DEFAULT_ARROW_LIMITS } from './arrow/limits.js';
export { IPC_END, ipcBytes, type IpcMessage } from './arrow/message.js';
export { markNulls, numbersOf } from './arrow/numbers.js';
export { type ArrowInput, type ArrowOptions, openArrow } from './arrow/open.js';
export { IpcSplitter, type IpcSplitterOptions } from './arrow/splitter.js';
export { ColumnStore, type ColumnStoreOptions, type SharedColumns } from './arrow/store/columnStore.js';
export { concatData } from './arrow/store/growingColumn.js';
export {
  packColumn,
  type PackedColumn,
  type PackOptions,
  transferList,
  unpackColumn,
} from './arrow/store/packedColumn.js';
export { takeColumns, takeData } from './arrow/store/take.js';
export { hasVariableWidth, variableBytes } from './arrow/store/variable-bytes.js';
export { type MessageFacts, validateMessage } from './arrow/validate.js';
export { messageBodyLength } from './arrow/wire/header.js';
export { encodeArrowFile, encodeArrowStream } from './arrow/write.js';
export { isBlankColumn } from './csv/blank.js';
export { textEvidence } from './csv/evidence.js';
export { findCatalog, type HatsCatalog } from './hats/catalog.js';
export { type HatsPartition, PartitionInfo, rowCountOf } from './hats/partition-info.js';
export { HatsReader } from './hats/reader.js';
export type { SkippedRows } from './hats/skipped-rows.js';
export {
  DEFAULT_LARGEST_ORDER,
  DEFAULT_PARTITION_ROWS,
  type HatsWriteOptions,
  type HatsWritten,
  MAX_LARGEST_ORDER,
  type RowPixels,
  writeHats,
} from './hats/write/catalog-writer.js';
export { checkFolderOutput } from './hats/write/folder-output.js';
export type { PixelWords } from './hats/write/pixel-order.js';
export { prepareCodecs } from './parquet/codec/codec.js';
export type { ColumnValues, Leaf } from './parquet/format/leaf.js';
export type { ColumnChunk, ValueBounds } from './parquet/format/metadata.js';
export { type IsolatedOptions, openParquetIsolated } from './parquet/isolated/reader.js';
export type { ForeignInput } from './parquet/isolated/spool.js';
export {
  pickableColumn,
  pickedRowCount,
  type PickedColumn,
  type PickedRows,
  type StoredColumn,
} from './parquet/pick/picks.js';
export { decodeColumnChunk, decodeColumnChunkInto, type ColumnTarget } from './parquet/read/chunk.js';
export { openParquet, type ParquetOptions, ParquetReader } from './parquet/read/reader.js';
export { readStoredGroup, type StoredGroup } from './parquet/read/stored-group.js';
export { type CodecChoice, encodeColumnChunk, type EncodedColumn } from './parquet/write/chunk.js';
export { type ColumnPiece, type ColumnSpec, columnSpec } from './parquet/write/column.js';
export { encodeParquet } from './parquet/write/encode.js';
export { ParquetWriter, type ParquetWriterOptions } from './parquet/write/writer.js';
export { type ByteSource, FileSource, MemorySource } from './parquet/source.js';
export { encodeTable, type EncodeOptions } from './table/encode.js';
export { type FileFacts, fileFacts, isSameFile } from './table/fileFacts.js';
export {
  type Format,
  formatOfMediaType,
  formatOfName,
  FORMATS,
  isGzipName,
  mediaTypeOf,
  parseFormat,
  type WrittenFormat,
} from './table/format.js';
export { gunzip } from './table/gzip.js';
export {
  encodeTableInWorker,
  type EncodeInWorkerOptions,
  openTableInWorker,
  type OpenInWorkerOptions,
  type WorkerSource,
} from './table/in-worker.js';
export type { ReadNotes } from './table/worker-protocol.js';
export { type Metadata, type MetadataSource, type RowsMoment, withMetadata } from './table/metadata.js';
export { expandPath } from './table/paths.js';
export { openTable, type OpenOptions } from './table/open.js';
export {
  needsSidecar,
  parseProvenance,
  partsOf,
  PROVENANCE_KEY,
  readSidecar,
  sidecarPath,
  type TablePart,
} from './table/provenance.js';
export type { BatchOptions, DescribedPosition, ReadAllOptions, RowSkipping, TableReader } from './table/reader.js';
export { checkOutput, writeFileOutput } from './table/output.js';
export { closeTableThreads } from './table/thread.js';
export { writePickedRows, writeTable, type WriteOptions, type Written } from './table/write.js';
export { Condition, type PairCondition, type RowCondition } from './where/condition.js';
