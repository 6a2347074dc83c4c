import { type Data, type DataType, DateUnit, Precision, TimeUnit, Type, Vector } from 'apache-arrow';
import { writeInt64, writeInteger } from './digits.js';
import { DOUBLE_BYTES, writeDouble, writeFloat } from './shortest.js';
import { type ClockUnit, dateText, timeText, timestampText } from './clock.js';

/** Writes the non-null values of one column of one batch as text. */
export interface CellWriter {
  /** 'number', 'bool' and 'json' need no quotes in JSON; 'text' and 'json' may need them in CSV, 'plain' (dates) never there. */
  readonly nature: 'number' | 'bool' | 'plain' | 'text' | 'json';
  /** Bytes that `write` needs at most. */
  room(row: number): number;
  /** Writes row `row`; gives the position behind it. */
  write(row: number, out: Uint8Array, at: number): number;
}

const encoder = new TextEncoder();

export function mayBeNull(data: Data<DataType>): boolean {
  return data.type.typeId === Type.Null || data.nullCount > 0 || data.type.typeId === Type.Dictionary;
}

/** True where a column that may be null is; a key of a dictionary may also point to a null. */
export function isNull(data: Data<DataType>, row: number): boolean {
  if (data.type.typeId === Type.Null || !data.getValid(row)) return true;
  return (
    data.type.typeId === Type.Dictionary &&
    !(data.dictionary as Vector).isValid(Number((data.values as Int32Array)[row]))
  );
}

/** A writer of ASCII strings, for the types that are rarely written. */
function strings(nature: CellWriter['nature'], maxBytes: number, text: (row: number) => string): CellWriter {
  return {
    nature,
    room: () => maxBytes,
    write: (row, out, at) => {
      const value = text(row);
      for (let i = 0; i < value.length; i++) out[at + i] = value.charCodeAt(i);
      return at + value.length;
    },
  };
}

/** The values of `data` as text: int64 exact, floats shortest, times ISO 8601, binary in hexadecimal, lists and structs as JSON. */
export function cellWriter(data: Data<DataType>): CellWriter {
  const { type, values } = data;
  switch (type.typeId) {
    case Type.Bool:
      return boolCells(data);
    case Type.Int:
      return intCells(data);
    case Type.Float:
      return floatCells(data);
    case Type.Utf8:
    case Type.LargeUtf8:
      return bytesCells(data);
    case Type.Binary:
    case Type.LargeBinary:
      return hexCells(values as Uint8Array, data.valueOffsets as Int32Array | BigInt64Array);
    case Type.FixedSizeBinary: {
      const width = (type as unknown as { byteWidth: number }).byteWidth;
      return hexCells(
        values as Uint8Array,
        Int32Array.from({ length: data.length + 1 }, (_, i) => i * width),
      );
    }
    case Type.Date: {
      const perDay = (type as unknown as { unit: DateUnit }).unit === DateUnit.DAY ? 1 : 86_400_000;
      return strings('plain', 16, (row) => dateText(Number(values[row]) / perDay));
    }
    case Type.Time:
      return strings('plain', 24, (row) => timeText(BigInt(values[row]), clockUnit(type)));
    case Type.Timestamp: {
      const zone = (type as unknown as { timezone: string | null | undefined }).timezone;
      const suffix = zone === null || zone === undefined || zone === '' ? '' : 'Z';
      return strings('plain', 48, (row) => timestampText(BigInt(values[row]), clockUnit(type)) + suffix);
    }
    case Type.Decimal:
      return decimalCells(data);
    case Type.Dictionary:
      return dictionaryCells(data);
    case Type.Duration:
      return strings('number', 20, (row) => String(values[row]));
    case Type.Null:
      return strings('plain', 0, () => '');
    default:
      return jsonCells(data);
  }
}

function clockUnit(type: DataType): ClockUnit {
  return (['s', 'ms', 'us', 'ns'] as const)[(type as unknown as { unit: TimeUnit }).unit];
}

function boolCells({ values, offset }: Data<DataType>): CellWriter {
  const bits = values as Uint8Array;
  return {
    nature: 'bool',
    room: () => 5,
    write: (row, out, at) => {
      const bit = offset + row;
      const text = (bits[bit >> 3] & (1 << (bit & 7))) !== 0 ? 'true' : 'false';
      for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
      return at + text.length;
    },
  };
}

function intCells({ type, values }: Data<DataType>): CellWriter {
  if ((type as unknown as { bitWidth: number }).bitWidth < 64) {
    const numbers = values as Int32Array;
    return { nature: 'number', room: () => 11, write: (row, out, at) => writeInteger(numbers[row], out, at) };
  }
  const signed = (type as unknown as { isSigned: boolean }).isSigned;
  const wide = values as BigInt64Array;
  const words = new Int32Array(wide.buffer, wide.byteOffset, wide.length * 2);
  return {
    nature: 'number',
    room: () => 20,
    write: (row, out, at) =>
      writeInt64(words[2 * row], signed ? words[2 * row + 1] : words[2 * row + 1] >>> 0, out, at),
  };
}

function floatCells({ type, values }: Data<DataType>): CellWriter {
  const precision = (type as unknown as { precision: Precision }).precision;
  if (precision === Precision.DOUBLE) {
    const doubles = values as Float64Array;
    return { nature: 'number', room: () => DOUBLE_BYTES, write: (row, out, at) => writeDouble(doubles[row], out, at) };
  }
  if (precision === Precision.SINGLE) {
    const singles = values as Float32Array;
    return { nature: 'number', room: () => DOUBLE_BYTES, write: (row, out, at) => writeFloat(singles[row], out, at) };
  }
  const halves = values as Uint16Array;
  return {
    nature: 'number',
    room: () => DOUBLE_BYTES,
    write: (row, out, at) => writeDouble(halfToNumber(halves[row]), out, at),
  };
}

function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function bytesCells({ values, valueOffsets }: Data<DataType>): CellWriter {
  const bytes = values as Uint8Array;
  const ends =
    valueOffsets instanceof BigInt64Array ? Float64Array.from(valueOffsets, Number) : (valueOffsets as Int32Array);
  return {
    nature: 'text',
    room: (row) => ends[row + 1] - ends[row],
    write: (row, out, at) => {
      const from = ends[row];
      const to = ends[row + 1];
      if (to - from > 64) out.set(bytes.subarray(from, to), at);
      else for (let i = from, o = at; i < to; i++, o++) out[o] = bytes[i];
      return at + to - from;
    },
  };
}

function hexCells(bytes: Uint8Array, ends: Int32Array | BigInt64Array): CellWriter {
  return {
    nature: 'text',
    room: (row) => 2 * (Number(ends[row + 1]) - Number(ends[row])),
    write: (row, out, at) => {
      let p = at;
      for (let i = Number(ends[row]); i < Number(ends[row + 1]); i++) {
        const byte = bytes[i];
        out[p++] = hexDigit(byte >> 4);
        out[p++] = hexDigit(byte & 15);
      }
      return p;
    },
  };
}

const hexDigit = (value: number): number => (value < 10 ? 48 : 87) + value;

function decimalCells({ type, values }: Data<DataType>): CellWriter {
  const { scale, bitWidth } = type as unknown as { scale: number; bitWidth: number };
  const words = values as Uint32Array;
  const wordCount = bitWidth / 32;
  return strings('number', 90, (row) => {
    let value = 0n;
    for (let i = wordCount - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[row * wordCount + i] >>> 0);
    value = BigInt.asIntN(bitWidth, value);
    const text = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
    const point = text.length - scale;
    return (value < 0n ? '-' : '') + text.slice(0, point) + (scale > 0 ? `.${text.slice(point)}` : '');
  });
}

function dictionaryCells(data: Data<DataType>): CellWriter {
  const dictionary = data.dictionary as Vector;
  const keys = data.values as Int32Array;
  // The dictionary's chunks are one after the other.
  const starts: number[] = [];
  let total = 0;
  for (const chunk of dictionary.data) {
    starts.push(total);
    total += chunk.length;
  }
  const writers = dictionary.data.map((chunk) => cellWriter(chunk as Data<DataType>));
  const find = (key: number): number => {
    let chunk = starts.length - 1;
    while (starts[chunk] > key) chunk--;
    return chunk;
  };
  const nature = writers[0]?.nature ?? 'text';
  return {
    nature,
    room: (row) => {
      const chunk = find(Number(keys[row]));
      return writers[chunk].room(Number(keys[row]) - starts[chunk]);
    },
    write: (row, out, at) => {
      const chunk = find(Number(keys[row]));
      return writers[chunk].write(Number(keys[row]) - starts[chunk], out, at);
    },
  };
}

function jsonCells(data: Data<DataType>): CellWriter {
  const vector = new Vector([data]);
  const texts = new Map<number, Uint8Array>();
  const bytes = (row: number): Uint8Array => {
    let text = texts.get(row);
    if (text === undefined) {
      texts.clear();
      text = encoder.encode(jsonText(vector.get(row)));
      texts.set(row, text);
    }
    return text;
  };
  return {
    nature: 'json',
    room: (row) => bytes(row).length,
    write: (row, out, at) => {
      out.set(bytes(row), at);
      return at + bytes(row).length;
    },
  };
}

/** A value of a nested column as JSON: 64-bit integers in full, NaN and the infinities null, maps as objects. */
function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || value === undefined || typeof value !== 'object') return JSON.stringify(value ?? null);
  if (value instanceof Date) return JSON.stringify(value);
  if (value instanceof Vector || Array.isArray(value) || ArrayBuffer.isView(value)) {
    return `[${Array.from(value as Iterable<unknown>, jsonText).join(',')}]`;
  }
  // Rows of a struct and of a map are iterables of name and value.
  const entries = Symbol.iterator in value ? [...(value as Iterable<[unknown, unknown]>)] : Object.entries(value);
  return `{${entries.map(([name, item]) => `${JSON.stringify(String(name))}:${jsonText(item)}`).join(',')}}`;
}
