export { decodeColumnChunk, decodeColumnChunkInto, type ColumnTarget } from './parquet/read/chunk.js';
export { openParquet, type ParquetOptions, ParquetReader } from './parquet/read/reader.js';
export { type ByteSource, FileSource, MemorySource } from './parquet/source.js';
export { encodeTable, type EncodeOptions } from './table/encode.js';
export { type Format, formatOfMediaType, formatOfName, FORMATS, mediaTypeOf, parseFormat } from './table/format.js';
export { openTable, type OpenOptions } from './table/open.js';
export type { BatchOptions, TableReader } from './table/reader.js';
export { writeTable, type WriteOptions, type Written } from './table/write.js';
