import * as zlib from 'node:zlib';
import type { ZSTDDecoder } from 'zstddec';
import { ParquetFault, unsupported } from '../format/fault.js';
import { Codec, CODEC_NAMES } from '../format/metadata.js';
import { BlockKernel } from './kernel.js';

/** The Zstandard functions of newer Node.js versions. */
const native = zlib as {
  zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
  zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
};

/** No page of a file is larger than this when decompressed (bytes). */
export const MAX_PAGE_BYTES = 512 << 20;

/** How much a codec can expand at most, from its format; undefined where there is no such limit. */
const MAX_EXPANSION: Readonly<Record<number, number>> = {
  [Codec.snappy]: 22,
  [Codec.lz4Raw]: 256,
  [Codec.gzip]: 1040,
};

let zstd: ZSTDDecoder | undefined;

/** Loads what `decompress` needs for `codecs`; call once before decoding (ZSTD on Node.js before 22.15 starts asynchronously). */
export async function prepareCodecs(codecs: Iterable<number>): Promise<void> {
  for (const codec of codecs) {
    if (codec !== Codec.zstd || native.zstdDecompressSync || zstd) continue;
    // Loaded when needed: it is a third of what a thread loads.
    const { ZSTDDecoder: Decoder } = await import('zstddec');
    const decoder = new Decoder();
    await decoder.init();
    zstd = decoder;
  }
}

/** Refuses codecs that are not read here. */
export function checkCodec(codec: number): void {
  if (codec === Codec.lzo || codec === Codec.lz4Hadoop) {
    throw unsupported(
      `pages are compressed by ${CODEC_NAMES[codec]}, which is not read; write the file with ZSTD, SNAPPY or LZ4_RAW`,
    );
  }
  if (!(codec >= 0 && codec < CODEC_NAMES.length)) throw new ParquetFault(`the codec ${codec} is unknown`);
}

/** The decompressed page of exactly `length` bytes; valid until the next call. Codecs by number (`Codec`). */
export function decompress(codec: number, block: Uint8Array, length: number): Uint8Array {
  if (length > MAX_PAGE_BYTES)
    throw new ParquetFault(`a page claims ${length} bytes, more than the ${MAX_PAGE_BYTES} that are read`);
  if (length > (block.length + 8) * (MAX_EXPANSION[codec] ?? Infinity)) {
    throw new ParquetFault(
      `a page claims that ${block.length} bytes of ${CODEC_NAMES[codec]} hold ${length}, which cannot be`,
    );
  }
  if (length === 0 && codec !== Codec.uncompressed) return EMPTY;
  const result = expand(codec, block, length);
  if (result.length !== length)
    throw new ParquetFault(`a page holds ${result.length} bytes, its header says ${length}`);
  return result;
}

const EMPTY = new Uint8Array(0);

function expand(codec: number, block: Uint8Array, length: number): Uint8Array {
  switch (codec) {
    case Codec.uncompressed:
      return block;
    case Codec.snappy:
      return BlockKernel.get().decode('snappy', block, length);
    case Codec.lz4Raw:
      return BlockKernel.get().decode('lz4', block, length);
    case Codec.gzip:
      return broken('GZIP', () => zlib.gunzipSync(block, { maxOutputLength: length }));
    case Codec.brotli:
      return broken('BROTLI', () => zlib.brotliDecompressSync(block, { maxOutputLength: length }));
    case Codec.zstd: {
      const { zstdDecompressSync } = native;
      if (zstdDecompressSync) return broken('ZSTD', () => zstdDecompressSync(block, { maxOutputLength: length }));
      if (!zstd) throw new TypeError('decompress before prepareCodecs');
      return zstd.decode(block, length);
    }
    default:
      checkCodec(codec);
      throw new ParquetFault(`the codec ${codec} is unknown`);
  }
}

function broken(name: string, run: () => Uint8Array): Uint8Array {
  try {
    return run();
  } catch (error) {
    throw new ParquetFault(`a ${name} page is broken (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** Codecs that can be written here. */
export function canWrite(codec: number): boolean {
  return (
    codec === Codec.uncompressed ||
    codec === Codec.snappy ||
    codec === Codec.gzip ||
    (codec === Codec.zstd && !!native.zstdCompressSync)
  );
}

/** The compressed page; valid until the next call. */
export function compress(codec: number, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case Codec.uncompressed:
      return bytes;
    case Codec.snappy:
      return BlockKernel.get().encode(bytes);
    case Codec.gzip:
      return zlib.gzipSync(bytes, { level: 1 });
    case Codec.zstd:
      if (native.zstdCompressSync) return native.zstdCompressSync(bytes);
      throw unsupported('ZSTD is written by Node.js 22.15 and later; choose SNAPPY or GZIP');
    default:
      throw unsupported(
        `pages cannot be written as ${CODEC_NAMES[codec] ?? codec}; choose SNAPPY, GZIP or UNCOMPRESSED`,
      );
  }
}
