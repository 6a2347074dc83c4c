import { votableInvalid } from './fault.js';
import { XmlTokens, type XmlToken } from './xml.js';

/** The tokens of a document whose bytes come in pieces. */
export class TokenSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #xml: XmlTokens;
  #decoder: InstanceType<typeof TextDecoder> | undefined;
  #tokens: Iterator<XmlToken, void> = [][Symbol.iterator]();
  #ended = false;

  constructor(
    chunks: AsyncIterable<Uint8Array>,
    private readonly where: string,
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#xml = new XmlTokens((detail) => votableInvalid(where, detail));
  }

  /** The next token that is there; undefined where `more` has to be awaited. */
  next(): XmlToken | undefined {
    const { value, done } = this.#tokens.next();
    return done === true ? undefined : (value as XmlToken);
  }

  /** Takes more of the document; false at its end. */
  async more(): Promise<boolean> {
    if (this.#ended) return false;
    const { value, done } = await this.#chunks.next();
    this.#ended = done === true;
    const bytes = done === true ? new Uint8Array(0) : value;
    this.#decoder ??= decoderFor(bytes, this.where);
    let text: string;
    try {
      text = this.#decoder.decode(bytes, { stream: !this.#ended });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
      throw votableInvalid(this.where, `its bytes are not in the encoding ${this.#decoder.encoding}`);
    }
    this.#tokens = this.#xml.push(text, this.#ended);
    return true;
  }

  /** The next token; undefined at the end. */
  async take(): Promise<XmlToken | undefined> {
    for (;;) {
      const token = this.next();
      if (token !== undefined || !(await this.more())) return token;
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** By the declaration of XML, which is in the first bytes; UTF-8 without one. */
function decoderFor(head: Uint8Array, where: string): InstanceType<typeof TextDecoder> {
  const declaration = Buffer.from(head.subarray(0, 200)).toString('latin1');
  const [, encoding = 'utf-8'] = /^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']/.exec(declaration) ?? [];
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch {
    throw votableInvalid(where, `its encoding '${encoding}' is not known`);
  }
}
