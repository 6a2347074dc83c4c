/** Beyond these, names share one: a caller that makes names of its data must not fill the memory. */
const NAME_LIMIT = 4096;
const NAME_LENGTH_LIMIT = 256;
const OTHER = '(other)';

/** Names as small numbers. */
export class Names {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  #last = '';
  #lastId = -1;

  /** The number of `name`, in [0, 4096]. */
  id(name: string): number {
    // Most calls are in rows of one operation.
    if (name === this.#last && this.#lastId >= 0) return this.#lastId;
    this.#lastId = this.#ids.get(name) ?? this.#add(name);
    this.#last = name;
    return this.#lastId;
  }

  name(id: number): string {
    return this.#names[id];
  }

  list(): string[] {
    return [...this.#names];
  }

  #add(name: string): number {
    if (name.length > NAME_LENGTH_LIMIT) return this.id(`${name.slice(0, NAME_LENGTH_LIMIT - 1)}…`);
    if (this.#names.length >= NAME_LIMIT && name !== OTHER) return this.id(OTHER);
    this.#ids.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }
}
