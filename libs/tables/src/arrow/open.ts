import type { ByteSource } from '../parquet/source.js';
import { MemorySource } from '../parquet/source.js';
import type { TableReader } from '../table/reader.js';
import { ArrowFileReader } from './fileReader.js';
import { isArrowFile } from './footer.js';
import { type ArrowLimits, arrowLimits } from './limits.js';
import { MessageSource } from './source.js';
import { ArrowStreamReader } from './streamReader.js';

export interface ArrowOptions {
  readonly limits?: Partial<ArrowLimits>;
  readonly signal?: AbortSignal;
}

/** Where the bytes come from; `name` stands in messages. */
export type ArrowInput =
  | { readonly name: string; readonly bytes: Uint8Array }
  | { readonly name: string; readonly source: ByteSource }
  | { readonly name: string; readonly stream: AsyncIterable<Uint8Array> };

/**
 * Opens a table in Arrow's IPC stream or file format; which of the two is seen from its first bytes. LZ4 and ZSTD bodies are
 * read. The schema is read and checked here, the rest as it is asked for.
 * @throws ARROW_INVALID, ARROW_TRUNCATED, ARROW_LIMIT, ARROW_TYPE_UNSUPPORTED
 */
export async function openArrow(input: ArrowInput, options: ArrowOptions = {}): Promise<TableReader> {
  const limits = arrowLimits(options.limits);
  if ('stream' in input) return ArrowStreamReader.open(input.name, input.stream, limits, options.signal);
  const source = new MessageSource('bytes' in input ? new MemorySource(input.bytes) : input.source, input.name, limits);
  const start = await source.bytes(0, Math.min(8, source.source.byteLength), 'the start');
  return ArrowFileReader.open(source, isArrowFile(start) ? 'arrow-file' : 'arrow-stream');
}
