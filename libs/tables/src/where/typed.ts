import type { RecordBatch } from 'apache-arrow';

/** The value of an expression at row i of the first table and row j of the second. */
export type NumberAt = (i: number, j: number) => number; // NaN: unknown
export type IntegerAt = (i: number, j: number) => bigint | undefined; // undefined: unknown
export type TextAt = (i: number, j: number) => string | undefined;
export type TruthAt = (i: number, j: number) => Truth;

/** SQL's three values. */
export const FALSE = 0;
export const TRUE = 1;
export const UNKNOWN = 2;
export type Truth = typeof FALSE | typeof TRUE | typeof UNKNOWN;

/** Rows of each table, by its number. */
export type Tables = readonly RecordBatch[];

/** Numbers as doubles; `integerOver` where all values are whole numbers that are known exactly. */
export interface NumberTyped {
  readonly type: 'number';
  readonly over: (tables: Tables) => NumberAt;
  readonly integerOver?: (tables: Tables) => IntegerAt;
  /** The value, where it is the same for all rows. */
  readonly constant?: { readonly value: number; readonly integer: bigint | undefined };
}

/** Whole numbers of 64 bits, of which a double does not hold all. */
export interface IntegerTyped {
  readonly type: 'integer';
  readonly integerOver: (tables: Tables) => IntegerAt;
}

export interface TextTyped {
  readonly type: 'text';
  readonly over: (tables: Tables) => TextAt;
  readonly constant?: { readonly value: string };
}

export interface TruthTyped {
  readonly type: 'boolean';
  readonly over: (tables: Tables) => TruthAt;
}

/** Nothing but nulls, which go with every type. */
export interface NullTyped {
  readonly type: 'null';
}

/** An expression whose type is known. */
export type Typed = NumberTyped | IntegerTyped | TextTyped | TruthTyped | NullTyped;

/** The doubles of what has numbers: whole numbers of 64 bits are rounded. */
export function numbersOver(typed: NumberTyped | IntegerTyped | NullTyped): (tables: Tables) => NumberAt {
  if (typed.type === 'null') return () => () => NaN;
  if (typed.type === 'number') return typed.over;
  return (tables) => {
    const integer = typed.integerOver(tables);
    return (i, j) => {
      const value = integer(i, j);
      return value === undefined ? NaN : Number(value);
    };
  };
}

export function truthOver(typed: TruthTyped | NullTyped): (tables: Tables) => TruthAt {
  return typed.type === 'null' ? () => () => UNKNOWN : typed.over;
}
