import { Channel, fail } from '@armilla/base';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';

/** One part of a form: a file with its bytes, or a short field. */
export type FormPart =
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly filename: string | undefined;
      readonly mediaType: string;
      readonly bytes: AsyncIterable<Buffer>;
    }
  | { readonly kind: 'field'; readonly name: string; readonly value: string };

export interface FormLimits {
  readonly maxParts: number;
  readonly maxFieldBytes: number;
}

/**
 * The parts of a multipart/form-data body in their order. A file part must be read to its end before the next part is
 * asked for (what is left unread is discarded).
 */
export async function* formParts(
  chunks: AsyncIterable<Buffer>,
  contentType: string,
  limits: FormLimits,
): AsyncGenerator<FormPart, void, undefined> {
  const parser = openParser(contentType, limits);
  const parts = new Channel<{ part: FormPart; stream?: BusboyFileStream }>(limits.maxParts + 2);
  let current: BusboyFileStream | undefined;
  let failure: unknown;
  let wakePump: () => void = () => undefined;

  const stop = (error: unknown): void => {
    failure ??= error;
    parts.close(failure);
    current?.destroy(failure as Error);
    wakePump();
  };
  const invalid = (detail: string, cause?: unknown): void =>
    stop(fail('REQUEST_INVALID', { field: 'body', detail: `multipart body: ${detail}` }, { cause }));

  parser.on('file', (name, stream, filename, _encoding, mediaType) => {
    current = stream;
    // Thrown at the part's reader; a part that nobody reads must not end the process.
    stream.on('error', () => undefined);
    const bytes = { [Symbol.asyncIterator]: () => stream.iterator({ destroyOnReturn: false }) };
    void parts.send({ part: { kind: 'file', name, filename, mediaType, bytes }, stream });
  });
  parser.on('field', (name, value, nameTruncated, valueTruncated) => {
    if (nameTruncated || valueTruncated)
      invalid(`field '${String(name).slice(0, 64)}' is longer than ${limits.maxFieldBytes} bytes`);
    else void parts.send({ part: { kind: 'field', name, value } });
  });
  for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const)
    parser.on(event, () => invalid(`more than ${limits.maxParts} parts`));
  parser.on('error', (error) => invalid(error instanceof Error ? error.message : String(error), error));
  parser.on('drain', () => wakePump());
  parser.on('finish', () => parts.close());

  const pump = async (): Promise<void> => {
    for await (const chunk of chunks) {
      if (failure === undefined && !parser.write(chunk) && failure === undefined)
        await new Promise<void>((resolve) => (wakePump = resolve));
      if (failure !== undefined) return;
    }
    parser.end();
  };
  pump().catch((error: unknown) => stop(error));
  try {
    for await (const { part, stream } of parts) {
      yield part;
      stream?.resume();
    }
  } finally {
    stop(fail('CANCELLED'));
  }
}

function openParser(contentType: string, limits: FormLimits): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: {
        parts: limits.maxParts,
        files: limits.maxParts,
        fields: limits.maxParts,
        fieldSize: limits.maxFieldBytes,
        fieldNameSize: 128,
        headerPairs: 32,
        headerSize: 8192,
      },
      // A table may come without a file name; a bare text named `right` is the name of a stored table.
      isPartAFile: (name, mediaType, filename) =>
        filename !== undefined || mediaType !== 'text/plain' || name === 'left',
    });
  } catch (error) {
    throw fail(
      'REQUEST_INVALID',
      { field: 'content-type', detail: `multipart body: ${(error as Error).message}` },
      { cause: error },
    );
  }
}
