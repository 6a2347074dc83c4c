import { Data, type DataType, Dictionary, Int32, Type, Vector } from 'apache-arrow';
import { GrowingColumn } from './growingColumn.js';
import { takeData } from './take.js';

/** Above this many values a dictionary is no longer searched for equal ones: it would cost more than it saves. */
const SEARCH_LIMIT = 2 ** 20;

/** One dictionary for batches that came with different ones; equal values get one index. */
export class GrowingDictionary {
  readonly type: Dictionary;
  readonly #values: GrowingColumn;
  readonly #indexOf = new Map<unknown, number>();
  readonly #searchable: boolean;
  /** The dictionary that was appended last, and where its values are now. */
  #last: Vector | undefined;
  #map: Int32Array = new Int32Array(0);
  #vector: Vector | undefined;
  readonly #pieces: Data<DataType>[] = [];
  #grown: Vector | undefined;

  constructor(type: Dictionary, shared: boolean) {
    this.#values = new GrowingColumn(type.dictionary, shared);
    // Keeps the id: it is the same column.
    this.type = new Dictionary(this.#values.type, new Int32(), type.id, type.isOrdered);
    this.#searchable = [Type.Utf8, Type.Int, Type.Bool].includes(type.dictionary.typeId);
  }

  get bytes(): number {
    return this.#values.bytes;
  }

  /** All values in one piece. */
  vector(): Vector {
    this.#vector ??= new Vector([this.#values.data()]);
    return this.#vector;
  }

  /** The column with this dictionary as it is now; pieces that were given out before stay the same. */
  unify(data: Data<Dictionary>): Data<Dictionary> {
    const indices = new Int32Array(data.length);
    this.mapIndices(data, indices);
    const known = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    const values = this.#values.data();
    if (values.length > known || this.#pieces.length === 0) {
      this.#pieces.push(
        takeData(
          values,
          Int32Array.from({ length: values.length - known }, (_, i) => known + i),
        ),
      );
      this.#grown = new Vector([...this.#pieces]);
    }
    return new Data(
      this.type,
      data.offset,
      data.length,
      data.nullCount,
      [undefined as never, indices, data.nullBitmap],
      [],
      this.#grown,
    );
  }

  /** Writes the indices of `data` as they are in this dictionary. @param out [data.length]; null rows get 0 */
  mapIndices(data: Data<Dictionary>, out: Int32Array): void {
    const dictionary = data.dictionary as Vector;
    this.#mapDictionary(dictionary);
    const map = this.#map;
    const indices = data.values as Int32Array;
    const valueCount = map.length;
    for (let i = 0; i < out.length; i++) {
      const index = Number(indices[i]);
      // Under a null row any index may stand.
      out[i] = index >= 0 && index < valueCount ? map[index] : 0;
    }
  }

  #mapDictionary(dictionary: Vector): void {
    const last = this.#last;
    if (last === dictionary) return;
    let start = 0;
    if (last && (startsWith(dictionary, last) || sameText(dictionary, last))) start = last.length;
    const map = new Int32Array(dictionary.length);
    map.set(this.#map.subarray(0, start));
    this.#last = dictionary;
    this.#map = map;
    if (start === dictionary.length) return;
    this.#vector = undefined;
    if (this.#searchable && this.#indexOf.size + dictionary.length - start <= SEARCH_LIMIT)
      this.#addDistinct(dictionary, start, map);
    else this.#addAll(dictionary, start, map);
  }

  #addDistinct(dictionary: Vector, start: number, map: Int32Array): void {
    let row = 0;
    for (const piece of dictionary.data) {
      const reader = new Vector([piece]);
      const fresh: number[] = [];
      for (let i = 0; i < piece.length; i++, row++) {
        if (row < start) continue;
        const value: unknown = reader.get(i);
        let index = this.#indexOf.get(value);
        if (index === undefined) {
          index = this.#values.length + fresh.length;
          this.#indexOf.set(value, index);
          fresh.push(i);
        }
        map[row] = index;
      }
      if (fresh.length > 0) this.#values.append(takeData(piece, Int32Array.from(fresh)));
    }
  }

  #addAll(dictionary: Vector, start: number, map: Int32Array): void {
    let row = 0;
    for (const piece of dictionary.data) {
      const from = Math.max(0, start - row);
      if (from < piece.length) {
        const base = this.#values.length;
        this.#values.append(piece.slice(from, piece.length - from));
        for (let i = from; i < piece.length; i++) map[row + i] = base + i - from;
      }
      row += piece.length;
    }
  }
}

function startsWith(longer: Vector, shorter: Vector): boolean {
  return shorter.data.length <= longer.data.length && shorter.data.every((piece, i) => piece === longer.data[i]);
}

/** Some writers send the same dictionary again with each batch. */
function sameText(a: Vector, b: Vector): boolean {
  if (a.length !== b.length || a.data.length !== 1 || b.data.length !== 1) return false;
  const [left, right] = [a.data[0], b.data[0]] as Data<DataType>[];
  if (left.typeId !== Type.Utf8 || left.nullCount > 0 || right.nullCount > 0) return false;
  const [leftEnds, rightEnds] = [left.valueOffsets as Int32Array, right.valueOffsets as Int32Array];
  if (leftEnds[0] !== 0 || rightEnds[0] !== 0) return false;
  for (let i = 1; i <= left.length; i++) if (leftEnds[i] !== rightEnds[i]) return false;
  const end = leftEnds[left.length];
  return (
    Buffer.compare((left.values as Uint8Array).subarray(0, end), (right.values as Uint8Array).subarray(0, end)) === 0
  );
}
