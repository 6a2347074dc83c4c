import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { fail, isProblem, Problem, type ReasonName, REASONS } from '@armilla/base';

export interface TablePart {
  /** Of the part in the form: left, right; of several tables table1, table2, ... */
  readonly name: string;
  readonly fileName: string;
  /** An Arrow stream, or a file in any format that the server reads. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface MatchAnswer {
  readonly requestId: string;
  /** Names of the position columns in use, "ra, dec". */
  readonly leftColumns: string;
  readonly rightColumns: string;
  /** Arrow stream; its end is only there when the match was complete. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Characters of an option that goes in the query. */
const LONGEST_IN_QUERY = 500;

/** Speaks to an Armilla server over HTTP. */
export class ServerClient {
  constructor(
    private readonly server: URL,
    private readonly token: string | undefined,
  ) {}

  /** GET of a JSON document. Any status below 500 but a problem is an answer where `anyStatus` is set. */
  async get(path: string, signal: AbortSignal, anyStatus = false): Promise<unknown> {
    const request = this.#request('GET', path, {}, signal);
    request.end();
    const response = await this.#response(request, signal);
    const text = await textOf(response);
    if (!anyStatus && !isSuccess(response)) throw problemOf(response, text, this.server);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  /** GET of rows, as they come: an Arrow stream, whose end is only there when the answer was complete. */
  rows(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.bytes(path, signal, 'application/vnd.apache.arrow.stream');
  }

  /** GET of anything, as it comes; what breaks off throws STREAM_INCOMPLETE. */
  async bytes(path: string, signal: AbortSignal, accept = '*/*'): Promise<AsyncIterable<Uint8Array>> {
    const request = this.#request('GET', path, { accept }, signal);
    request.end();
    const response = await this.#response(request, signal);
    if (!isSuccess(response)) throw problemOf(response, await textOf(response), this.server);
    return bodyOf(response, signal);
  }

  /** Uploads the tables to `path` and gives the answer as it comes, while the upload goes on. */
  async match(
    query: Readonly<Record<string, string>>,
    parts: readonly TablePart[],
    signal: AbortSignal,
    path = 'v1/crossmatch',
  ): Promise<MatchAnswer> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const boundary = `armilla-${randomUUID()}`;
    const headers = {
      accept: 'application/vnd.apache.arrow.stream',
      'content-type': `multipart/form-data; boundary=${boundary}`,
    };
    // Conditions and coverage maps may be longer than a request line.
    const isLong = ([, value]: [string, string]): boolean => value.length > LONGEST_IN_QUERY;
    const entries = Object.entries(query);
    const inQuery = new URLSearchParams(entries.filter((entry) => !isLong(entry)));
    const request = this.#request('POST', `${path}?${inQuery}`, headers, either);
    let uploadError: unknown;
    let answered = false;
    request.once('response', () => (answered = true));
    const uploading = upload(request, boundary, entries.filter(isLong), parts, either).catch((error: unknown) => {
      // A server that answered already may stop reading; what went wrong stands in its answer.
      if (!isProblem(error) && answered) return;
      uploadError = error;
      stop.abort(error);
    });
    const failure = (error: unknown): unknown => uploadError ?? error;
    let response: IncomingMessage;
    try {
      response = await this.#response(request, either);
      if (!isSuccess(response)) throw problemOf(response, await textOf(response), this.server);
    } catch (error) {
      stop.abort(error);
      await uploading;
      throw failure(error);
    }
    const body = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* bodyOf(response, signal, failure);
        await uploading;
      } finally {
        stop.abort();
      }
    };
    const text = (name: string): string => String(response.headers[name] ?? '');
    return {
      requestId: text('x-request-id'),
      leftColumns: text('armilla-left-columns'),
      rightColumns: text('armilla-right-columns'),
      body: body(),
    };
  }

  #request(method: string, path: string, headers: Record<string, string>, signal: AbortSignal): ClientRequest {
    signal.throwIfAborted();
    const base = this.server.href.endsWith('/') ? this.server.href : `${this.server.href}/`;
    const make = this.server.protocol === 'https:' ? httpsRequest : httpRequest;
    const authorization = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
    return make(new URL(path, base), { method, headers: { ...authorization, ...headers }, signal });
  }

  async #response(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      // The upload may still fail after the answer began; the body tells.
      request.on('error', () => undefined);
      return response;
    } catch (error) {
      request.on('error', () => undefined);
      if (signal.aborted) throw signal.reason;
      throw fail(
        'SERVER_UNAVAILABLE',
        { target: this.server.href, detail: (error as Error).message },
        { cause: error },
      );
    }
  }
}

/** The bytes of an answer; one that breaks off throws STREAM_INCOMPLETE, or the problem that `failure` makes of it. */
async function* bodyOf(
  response: IncomingMessage,
  signal: AbortSignal,
  failure = (error: unknown): unknown => error,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const cause = failure(error);
    if (isProblem(cause)) throw cause;
    const fields = { where: 'the answer of the server', detail: (cause as Error).message };
    throw fail('STREAM_INCOMPLETE', fields, { cause });
  }
}

async function upload(
  request: ClientRequest,
  boundary: string,
  fields: readonly (readonly [string, string])[],
  parts: readonly TablePart[],
  signal: AbortSignal,
): Promise<void> {
  const write = async (bytes: Uint8Array | string): Promise<void> => {
    signal.throwIfAborted();
    if (!request.write(bytes)) await room(request);
    if (request.destroyed) throw new Error('the connection was closed');
  };
  for (const [name, value] of fields)
    await write(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
  for (const { name, fileName, bytes } of parts) {
    const disposition = `form-data; name="${name}"; filename="${fileName.replace(/[^\w.-]/g, '_')}"`;
    await write(
      `--${boundary}\r\ncontent-disposition: ${disposition}\r\ncontent-type: application/octet-stream\r\n\r\n`,
    );
    for await (const chunk of bytes) await write(chunk);
    await write('\r\n');
  }
  request.end(`--${boundary}--\r\n`);
}

/** Resolves when the request takes more, or has ended (as it does when its signal aborts). */
function room(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      request.removeListener('drain', settle);
      request.removeListener('close', settle);
      resolve();
    };
    request.once('drain', settle);
    request.once('close', settle);
  });
}

const isSuccess = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200 && statusCode < 300;

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The problem that a problem+json body names; anything else is an unavailable server. */
function problemOf({ statusCode, headers }: IncomingMessage, text: string, server: URL): Problem {
  if (headers['content-type']?.includes('json')) {
    const body = JSON.parse(text) as { reason?: string; detail?: string; fields?: Record<string, string> };
    if (body.reason !== undefined && body.reason in REASONS) {
      return new Problem(body.reason as ReasonName, body.fields ?? {}, body.detail ?? body.reason);
    }
  }
  return fail('SERVER_UNAVAILABLE', { target: server.href, detail: `it answered with status ${statusCode}` });
}
