import type { Comparison } from './syntax.js';
import {
  FALSE,
  type IntegerAt,
  type IntegerTyped,
  type NumberAt,
  type NumberTyped,
  numbersOver,
  type TextAt,
  type TextTyped,
  TRUE,
  type Truth,
  type TruthAt,
  type TruthTyped,
  type Typed,
  UNKNOWN,
} from './typed.js';

type Numeric = NumberTyped | IntegerTyped;

/** `left operator right`; undefined where the two do not compare. */
export function compared(operator: Comparison, left: Typed, right: Typed): TruthTyped | undefined {
  if (left.type === 'null' || right.type === 'null') return { type: 'boolean', over: () => () => UNKNOWN };
  if (isNumeric(left) && isNumeric(right)) return { type: 'boolean', over: comparedNumbers(operator, left, right) };
  if (left.type === 'text' && right.type === 'text') return comparedTexts(operator, left, right);
  if (left.type !== 'boolean' || right.type !== 'boolean') return undefined;
  if (operator !== '=' && operator !== '<>') return undefined;
  return {
    type: 'boolean',
    over: (tables) => {
      const [a, b] = [left.over(tables), right.over(tables)];
      return (i, j) => {
        const [x, y] = [a(i, j), b(i, j)];
        return x === UNKNOWN || y === UNKNOWN ? UNKNOWN : (x === y) === (operator === '=') ? TRUE : FALSE;
      };
    },
  };
}

/** Whether `value` is one of constants, looked up at once; undefined where they are not all constants of its kind. */
export function oneOfConstants(value: Typed, list: readonly Typed[]): TruthTyped | undefined {
  const constants = list.map((one) =>
    value.type === 'text' && one.type === 'text'
      ? one.constant?.value
      : value.type === 'integer' && one.type === 'number'
        ? one.constant?.integer
        : value.type === 'number' && one.type === 'number'
          ? one.constant?.value
          : undefined,
  );
  if (constants.some((constant) => constant === undefined)) return undefined;
  const set = new Set<unknown>(constants);
  const over = (
    value.type === 'integer' ? value.integerOver : (value as TextTyped | NumberTyped).over
  ) as TextTyped['over'];
  return {
    type: 'boolean',
    over: (tables) => {
      const at = over(tables);
      return (i, j) => {
        const one: unknown = at(i, j);
        return one === undefined || one !== one ? UNKNOWN : set.has(one) ? TRUE : FALSE;
      };
    },
  };
}

function isNumeric(typed: Typed): typed is Numeric {
  return typed.type === 'number' || typed.type === 'integer';
}

function comparedNumbers(operator: Comparison, left: Numeric, right: Numeric): TruthTyped['over'] {
  const isExact = left.type === 'integer' || right.type === 'integer';
  const [a, b] = [left.integerOver ?? constantInteger(left), right.integerOver ?? constantInteger(right)];
  if (!isExact) {
    const [x, y] = [numbersOver(left), numbersOver(right)];
    return (tables) => numberTest(operator, x(tables), y(tables));
  }
  if (a && b) return (tables) => exactTest(operator, a(tables), b(tables));
  // A whole number of 64 bits and a double: JavaScript compares the two exactly.
  const [x, y] = [left, right].map((side) => (side.type === 'integer' ? side.integerOver : side.over));
  return (tables) => exactTest(operator, x(tables) as IntegerAt, y(tables) as IntegerAt);
}

function constantInteger(typed: Numeric): NumberTyped['integerOver'] {
  const integer = typed.type === 'number' ? typed.constant?.integer : undefined;
  return integer === undefined ? undefined : () => () => integer;
}

/** NaN compares as false: what is not true is false or unknown. */
function numberTest(operator: Comparison, a: NumberAt, b: NumberAt): TruthAt {
  const not = (x: number, y: number): Truth => (x === x && y === y ? FALSE : UNKNOWN);
  const test =
    <T extends (x: number, y: number) => boolean>(holds: T): TruthAt =>
    (i, j) => {
      const [x, y] = [a(i, j), b(i, j)];
      return holds(x, y) ? TRUE : not(x, y);
    };
  switch (operator) {
    case '=':
      return test((x, y) => x === y);
    case '<>':
      return test((x, y) => x < y || x > y);
    case '<':
      return test((x, y) => x < y);
    case '<=':
      return test((x, y) => x <= y);
    case '>':
      return test((x, y) => x > y);
    case '>=':
      return test((x, y) => x >= y);
  }
}

function exactTest(operator: Comparison, a: IntegerAt, b: IntegerAt): TruthAt {
  return (i, j) => {
    const [x, y] = [a(i, j), b(i, j)];
    if (x === undefined || y === undefined || x !== x || y !== y) return UNKNOWN;
    return agrees(operator, x < y ? -1 : x > y ? 1 : 0);
  };
}

function comparedTexts(operator: Comparison, left: TextTyped, right: TextTyped): TruthTyped {
  return {
    type: 'boolean',
    over: (tables) => {
      const [a, b]: [TextAt, TextAt] = [left.over(tables), right.over(tables)];
      return (i, j) => {
        const [x, y] = [a(i, j), b(i, j)];
        return x === undefined || y === undefined ? UNKNOWN : agrees(operator, x === y ? 0 : codePointOrder(x, y));
      };
    },
  };
}

function agrees(operator: Comparison, order: number): Truth {
  const holds =
    operator === '='
      ? order === 0
      : operator === '<>'
        ? order !== 0
        : operator === '<'
          ? order < 0
          : operator === '<='
            ? order <= 0
            : operator === '>'
              ? order > 0
              : order >= 0;
  return holds ? TRUE : FALSE;
}

/** Order of two different texts by code points, which is that of their UTF-8 bytes; UTF-16 has surrogates before U+E000. */
function codePointOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    return x >= 0xd800 && y >= 0xd800 ? rotated(x) - rotated(y) : x - y;
  }
  return a.length - b.length;
}

const rotated = (unit: number): number => (unit >= 0xe000 ? unit - 0x2000 : unit + 0x2000);
