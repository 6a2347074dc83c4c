import { fail } from '@armilla/base';
import { Data, type DataType, Vector } from 'apache-arrow';
import type { ArrowLimits } from '../limits.js';
import { concatData } from '../store/growingColumn.js';
import { containsDictionary } from '../store/nestedType.js';

/** More pieces than this of one dictionary are joined, so that a stream of many small deltas stays cheap to read. */
const PIECE_LIMIT = 64;

/** The dictionaries of a stream as they stand after the last message. */
export class Dictionaries {
  readonly #vectors = new Map<bigint, Vector>();
  readonly #bytes = new Map<bigint, number>();

  constructor(
    readonly where: string,
    readonly limits: ArrowLimits,
  ) {}

  get(wireId: bigint): Vector | undefined {
    return this.#vectors.get(wireId);
  }

  /** Replaces a dictionary, or appends to it when `delta`. Batches decoded before keep the one they were decoded with. */
  put(wireId: bigint, data: Data<DataType>, delta: boolean): void {
    const { where, limits } = this;
    const old = delta ? this.#vectors.get(wireId) : undefined;
    const rowCount = data.length + (old?.length ?? 0);
    if (rowCount > limits.dictionaryRowCount) {
      throw fail('ARROW_LIMIT', {
        where,
        detail: `dictionary ${wireId} has ${rowCount} values, over ${limits.dictionaryRowCount}`,
      });
    }
    this.#bytes.set(wireId, data.byteLength + (old ? (this.#bytes.get(wireId) ?? 0) : 0));
    let bytes = 0;
    for (const held of this.#bytes.values()) bytes += held;
    if (bytes > limits.dictionaryBytes) {
      throw fail('ARROW_LIMIT', { where, detail: `dictionaries of ${bytes} bytes, over ${limits.dictionaryBytes}` });
    }
    const pieces = old && old.length > 0 ? [...old.data, data] : [data];
    const join = pieces.length > PIECE_LIMIT && !containsDictionary(data.type);
    this.#vectors.set(wireId, new Vector(join ? [concatData(pieces)] : pieces));
  }
}
