import { fail, type Problem } from '@armilla/base';
import { decompress } from '../codec/decompress.js';
import type { ArrowLimits } from '../limits.js';
import type { BatchHeader } from '../wire/header.js';

/** The buffers of one message, taken in order. A buffer is a view where the part that holds it is aligned, else a copy. */
export class Body {
  #next = 0;
  #nextNode = 0;
  #variadic = 0;
  #bytesLeft: number;
  readonly #starts: number[] = [];

  constructor(
    readonly parts: readonly Uint8Array[],
    readonly header: BatchHeader,
    readonly where: string,
    limits: ArrowLimits,
  ) {
    let at = 0;
    for (const part of parts) {
      this.#starts.push(at);
      at += part.byteLength;
    }
    this.#bytesLeft = limits.messageBytes;
  }

  bad(detail: string): Problem {
    return fail('ARROW_INVALID', { where: this.where, detail });
  }

  /** Counts memory that the message asks for beyond its own bytes: decompression, and expansion of views and runs. */
  spend(bytes: number, what: string): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0)
      throw fail('ARROW_LIMIT', {
        where: this.where,
        detail: `${what} grows beyond the limit of a message; write smaller batches`,
      });
  }

  /** Length and null count of the next field, depth first. */
  takeNode(path: string): { length: number; nullCount: number } {
    const { nodes } = this.header;
    const i = 2 * this.#nextNode++;
    if (i >= nodes.length)
      throw this.bad(`column '${path}' is missing: the message has only ${nodes.length / 2} field nodes`);
    return { length: nodes[i], nullCount: nodes[i + 1] };
  }

  /** The next buffer, decompressed. `what` names it in messages. */
  take(what: string): Uint8Array {
    const { header } = this;
    const i = this.#next++;
    if (2 * i >= header.buffers.length)
      throw this.bad(`${what} is missing: the message has only ${header.buffers.length / 2} buffers`);
    const bytes = this.#slice(header.buffers[2 * i], header.buffers[2 * i + 1]);
    return header.compression === 'none' || bytes.byteLength === 0 ? bytes : this.#decompressed(bytes, what);
  }

  /** Passes over `count` buffers without reading them. */
  skip(count: number, what: string): void {
    this.#next += count;
    if (2 * this.#next > this.header.buffers.length)
      throw this.bad(`${what}: the message has only ${this.header.buffers.length / 2} buffers`);
  }

  /** How many data buffers the next column of views has. */
  takeVariadicCount(what: string): number {
    const { variadicCounts, buffers } = this.header;
    const count = variadicCounts[this.#variadic++];
    if (count === undefined) throw this.bad(`${what}: the number of its data buffers is missing`);
    if (count > buffers.length / 2)
      throw this.bad(`${what}: ${count} data buffers, the message has ${buffers.length / 2}`);
    return count;
  }

  /** To be called when all columns are read: nothing may be left over. */
  finish(): void {
    const { nodes, buffers, variadicCounts } = this.header;
    if (2 * this.#nextNode !== nodes.length)
      throw this.bad(`${nodes.length / 2} field nodes, the schema needs ${this.#nextNode}`);
    if (2 * this.#next !== buffers.length)
      throw this.bad(`${buffers.length / 2} buffers, the schema needs ${this.#next}`);
    if (this.#variadic !== variadicCounts.length)
      throw this.bad(`${variadicCounts.length} variadic buffer counts, the schema needs ${this.#variadic}`);
  }

  #decompressed(bytes: Uint8Array, what: string): Uint8Array {
    if (bytes.byteLength < 8) throw this.bad(`${what}: a compressed buffer of ${bytes.byteLength} bytes has no length`);
    const declared = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true));
    const data = bytes.subarray(8);
    // A length of -1 marks a buffer that was left as it is.
    if (declared === -1) return data;
    if (declared < 0) throw this.bad(`${what}: uncompressed length is ${declared}`);
    this.spend(declared, what);
    const { compression } = this.header;
    try {
      return decompress(compression as 'lz4' | 'zstd', data, declared);
    } catch (cause) {
      const detail = `${what}: broken ${compression} data: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw fail('ARROW_INVALID', { where: this.where, detail }, { cause });
    }
  }

  #slice(offset: number, length: number): Uint8Array {
    if (length === 0) return EMPTY;
    const { parts } = this;
    const starts = this.#starts;
    let part = upperBound(starts, offset) - 1;
    const from = offset - starts[part];
    const inside = parts[part];
    // Never a Buffer, whose methods mean other things than those of a Uint8Array.
    const place = inside.byteOffset + from;
    if (from + length <= inside.byteLength && place % 8 === 0) return new Uint8Array(inside.buffer, place, length);
    const copy = new Uint8Array(length);
    let done = 0;
    let start = from;
    while (done < length) {
      const piece = parts[part++].subarray(start, start + length - done);
      copy.set(piece, done);
      done += piece.byteLength;
      start = 0;
    }
    return copy;
  }
}

export const EMPTY = new Uint8Array(0);

/** Index of the first element above `value` in ascending `sorted`. */
function upperBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
