import { fail, type Problem } from '@armilla/base';

/** The fields of a JSON object, each taken by its name; what nobody took is refused at the end. */
export class JsonFields {
  readonly #left: Map<string, unknown>;
  readonly #known = new Set<string>();

  constructor(object: Readonly<Record<string, unknown>>) {
    this.#left = new Map(Object.entries(object));
  }

  /** The fields of a JSON object in UTF-8; no bytes: none. Throws REQUEST_INVALID, naming `where`. */
  static parse(bytes: Uint8Array, where: string): Record<string, unknown> {
    if (bytes.byteLength === 0) return {};
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    } catch (error) {
      throw fail('REQUEST_INVALID', { detail: `${where} is no JSON: ${(error as Error).message}` }, { cause: error });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw fail('REQUEST_INVALID', { detail: `${where} must be a JSON object, for example {"table": "gaia"}` });
    return value as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '') throw wrong(name, 'a text', value);
    return value;
  }

  number(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number') throw wrong(name, 'a number', value);
    return value;
  }

  /** A number of rows, bytes or seconds. */
  count(name: string, most: number): number | undefined {
    const value = this.number(name);
    if (value === undefined) return undefined;
    if (!Number.isInteger(value) || value < 0 || value > most) throw wrong(name, `an integer in [0, ${most}]`, value);
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw wrong(name, 'true or false', value);
  }

  /** A JSON array of texts, or texts separated by commas. */
  list(name: string): string[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const list: unknown = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
    if (!Array.isArray(list) || list.length === 0 || list.some((item) => typeof item !== 'string' || item === ''))
      throw wrong(name, 'a list of names', value);
    return list as string[];
  }

  /** Whatever is there, for a reader of its own. */
  any(name: string): unknown {
    return this.#take(name);
  }

  /** To be called when all was taken: throws OPTION_UNKNOWN. */
  end(): void {
    for (const name of this.#left.keys()) {
      const known = [...this.#known].join(', ');
      throw fail('OPTION_UNKNOWN', { field: name.slice(0, 64), got: name.slice(0, 64), known });
    }
  }

  /** JSON's null says nothing. */
  #take(name: string): unknown {
    this.#known.add(name);
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value ?? undefined;
  }
}

export function wrong(field: string, expected: string, value: unknown): Problem {
  return fail('OPTION_INVALID', { field, expected, got: String(JSON.stringify(value)).slice(0, 64) });
}
