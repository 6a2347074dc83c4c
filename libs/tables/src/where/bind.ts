import { fail, type Problem } from '@armilla/base';
import type { Field } from 'apache-arrow';
import { textEvidence } from '../csv/evidence.js';
import { columnTyped } from './column.js';
import { compared, oneOfConstants } from './comparison.js';
import type { ColumnNode, FunctionName, Node, Step } from './syntax.js';
import {
  FALSE,
  type IntegerTyped,
  type NullTyped,
  type NumberTyped,
  numbersOver,
  TRUE,
  type Truth,
  type TruthTyped,
  truthOver,
  type Typed,
  UNKNOWN,
} from './typed.js';

/** What the names of a condition mean. */
export interface Scope {
  /** How the condition is called in messages. */
  readonly field: string;
  /** The column of a name, and the table that has it; throws what a wrong name is. */
  resolve(node: ColumnNode): { readonly table: 0 | 1; readonly field: Field };
}

/** Gives every part of a condition its type. Throws WHERE_TYPE, and what the scope throws. */
export function bindTruth(node: Node, scope: Scope): TruthTyped {
  const typed = bind(node, scope);
  if (typed.type === 'null' || typed.type === 'boolean') return { type: 'boolean', over: truthOver(typed) };
  throw clash(scope, node, `a condition (true or false) was expected, got ${describe(node, typed, scope)}`);
}

function bind(node: Node, scope: Scope): Typed {
  switch (node.kind) {
    case 'number': {
      const { value, integer } = node;
      return { type: 'number', over: () => () => value, constant: { value, integer } };
    }
    case 'text': {
      const { value } = node;
      return { type: 'text', over: () => () => value, constant: { value } };
    }
    case 'boolean': {
      const truth: Truth = node.value ? TRUE : FALSE;
      return { type: 'boolean', over: () => () => truth };
    }
    case 'null':
      return { type: 'null' };
    case 'column': {
      const { table, field } = scope.resolve(node);
      const typed = columnTyped(field, table);
      if (!typed)
        throw clash(
          scope,
          node,
          `column '${node.name}' is ${String(field.type)}; conditions know numbers, texts and booleans`,
        );
      return typed;
    }
    case 'call':
      return calledFunction(
        node.name,
        node.values.map((value) => number(value, scope)),
      );
    case 'minus':
      return negative(number(node.value, scope));
    case 'arithmetic':
      return arithmetic(number(node.first, scope), node.rest, scope);
    case 'comparison':
      return comparison(node.operator, node.left, node.right, node, scope);
    case 'between': {
      const low = comparison('>=', node.value, node.low, node, scope);
      const high = comparison('<=', node.value, node.high, node, scope);
      const both = chained('and', [low, high]);
      return node.negated ? negated(both) : both;
    }
    case 'in': {
      const value = bind(node.value, scope);
      if (value.type === 'boolean') throw clash(scope, node, 'IN takes numbers and texts, not conditions');
      const tests = node.list.map((one) => comparison('=', node.value, one, one, scope));
      const fast = oneOfConstants(
        value,
        node.list.map((one) => bind(one, scope)),
      );
      const any = fast ?? chained('or', tests);
      return node.negated ? negated(any) : any;
    }
    case 'is-null':
      return nullTest(bind(node.value, scope), node.negated);
    case 'not':
      return negated(bindTruth(node.value, scope));
    case 'and':
    case 'or':
      return chained(
        node.kind,
        node.parts.map((part) => bindTruth(part, scope)),
      );
  }
}

function comparison(
  operator: Parameters<typeof compared>[0],
  left: Node,
  right: Node,
  at: Node,
  scope: Scope,
): TruthTyped {
  const [a, b] = [bind(left, scope), bind(right, scope)];
  const result = compared(operator, a, b);
  if (result) return result;
  if (a.type === 'boolean' && b.type === 'boolean')
    throw clash(scope, at, `conditions compare by = and <> only, not by ${operator}`);
  throw clash(scope, at, `${describe(left, a, scope)} and ${describe(right, b, scope)} do not compare`);
}

function number(node: Node, scope: Scope): NumberTyped | IntegerTyped | NullTyped {
  const typed = bind(node, scope);
  if (typed.type === 'number' || typed.type === 'integer' || typed.type === 'null') return typed;
  throw clash(scope, node, `a number was expected, got ${describe(node, typed, scope)}`);
}

function negative(value: NumberTyped | IntegerTyped | NullTyped): NumberTyped {
  const over = numbersOver(value);
  return {
    type: 'number',
    over: (tables) => {
      const at = over(tables);
      return (i, j) => -at(i, j);
    },
  };
}

const STEPS: Readonly<Record<Step['operator'], (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

function arithmetic(first: NumberTyped | IntegerTyped | NullTyped, rest: readonly Step[], scope: Scope): NumberTyped {
  const start = numbersOver(first);
  const steps = rest.map(({ operator, value }) => ({
    apply: STEPS[operator],
    over: numbersOver(number(value, scope)),
  }));
  return {
    type: 'number',
    over: (tables) => {
      let at = start(tables);
      for (const { apply, over } of steps) {
        const [a, b] = [at, over(tables)];
        at = (i, j) => apply(a(i, j), b(i, j));
      }
      return at;
    },
  };
}

const CALLS: Readonly<Record<FunctionName, (a: number, b: number) => number>> = {
  abs: Math.abs,
  sqrt: Math.sqrt,
  ln: Math.log,
  log10: Math.log10,
  // 1^NaN and NaN^0 are 1 to some, but what is unknown stays so.
  power: (a, b) => (Number.isNaN(a) ? NaN : a ** b),
};

function calledFunction(name: FunctionName, values: readonly (NumberTyped | IntegerTyped | NullTyped)[]): NumberTyped {
  const overs = values.map(numbersOver);
  const call = CALLS[name];
  return {
    type: 'number',
    over: (tables) => {
      const [a, b = (): number => NaN] = overs.map((over) => over(tables));
      return (i, j) => call(a(i, j), b(i, j));
    },
  };
}

function negated(value: TruthTyped): TruthTyped {
  return {
    type: 'boolean',
    over: (tables) => {
      const at = value.over(tables);
      return (i, j) => {
        const truth = at(i, j);
        return truth === UNKNOWN ? UNKNOWN : truth === TRUE ? FALSE : TRUE;
      };
    },
  };
}

/** AND: the first false decides, OR: the first true; else one that is unknown. */
function chained(kind: 'and' | 'or', parts: readonly TruthTyped[]): TruthTyped {
  const decisive = kind === 'and' ? FALSE : TRUE;
  const otherwise = kind === 'and' ? TRUE : FALSE;
  return {
    type: 'boolean',
    over: (tables) => {
      const all = parts.map((part) => part.over(tables));
      return (i, j) => {
        let result: Truth = otherwise;
        for (let p = 0; p < all.length; p++) {
          const truth = all[p](i, j);
          if (truth === decisive) return decisive;
          if (truth === UNKNOWN) result = UNKNOWN;
        }
        return result;
      };
    },
  };
}

function nullTest(value: Typed, isNegated: boolean): TruthTyped {
  const [yes, no]: [Truth, Truth] = isNegated ? [FALSE, TRUE] : [TRUE, FALSE];
  if (value.type === 'null') return { type: 'boolean', over: () => () => yes };
  const over = value.type === 'integer' ? value.integerOver : value.over;
  const isUnknown = (one: unknown): boolean =>
    value.type === 'boolean' ? one === UNKNOWN : one === undefined || one !== one;
  return {
    type: 'boolean',
    over: (tables) => {
      const at = over(tables);
      return (i, j) => (isUnknown(at(i, j)) ? yes : no);
    },
  };
}

function describe(node: Node, typed: Typed, scope: Scope): string {
  const type = typed.type === 'integer' ? 'number' : typed.type;
  if (node.kind !== 'column') return `a ${type}`;
  const evidence = textEvidence(scope.resolve(node).field);
  return `column '${node.name}' (${type}${evidence === undefined ? '' : `, since ${evidence}`})`;
}

function clash({ field }: Scope, { at }: Node, detail: string): Problem {
  return fail('WHERE_TYPE', { field, position: at + 1, detail });
}
