export { decodeColumnChunk, decodeColumnChunkInto, type ColumnTarget } from './parquet/read/chunk.js';
export { openParquet, type ParquetOptions, ParquetReader } from './parquet/read/reader.js';
export { type ByteSource, FileSource, MemorySource } from './parquet/source.js';
export type { Format } from './table/format.js';
export type { BatchOptions, TableReader } from './table/reader.js';
