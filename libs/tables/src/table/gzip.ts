import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { fail, isProblem } from '@armilla/base';

const CHUNK_BYTES = 256 * 1024;

/** The bytes that gzip data hold, inflated on another thread as they are asked for; GZIP_INVALID where they are broken or cut. */
export async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const inflate = createGunzip({ chunkSize: CHUNK_BYTES });
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  pipeline(input, inflate, () => undefined);
  try {
    for await (const chunk of inflate) yield chunk as Uint8Array;
  } catch (error) {
    if (isProblem(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw error;
    const detail = code === 'Z_BUF_ERROR' ? 'the data end early; fetch the file again' : message;
    throw fail('GZIP_INVALID', { where, detail }, { cause: error });
  } finally {
    input.destroy();
    inflate.destroy();
  }
}

/** The gzip form of `source`. */
export async function* gzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const deflate = createGzip({ chunkSize: CHUNK_BYTES, level: 4 });
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  pipeline(input, deflate, () => undefined);
  try {
    for await (const chunk of deflate) yield chunk as Uint8Array;
  } finally {
    input.destroy();
    deflate.destroy();
  }
}
