import type { Problem } from '@armilla/base';
import { type Comparison, COMPARISONS, type FunctionName, FUNCTIONS, type Node, type Step } from './syntax.js';
import { type Token, tokensOf, whereInvalid } from './token.js';

/** Parentheses, NOTs and signs that may be within each other. */
const MAX_DEPTH = 200;
const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'between', 'is', 'null', 'true', 'false']);

/** Reads a condition. `field` names it in messages. Throws WHERE_INVALID. */
export function parseCondition(text: string, field: string): Node {
  return new Parser(tokensOf(text, field), field).whole();
}

/**
 * By descent: or > and > not > comparison > sum > product > sign > value. What is chained is one node of many parts, so
 * that only what is nested is deep.
 */
class Parser {
  #next = 0;
  #depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly field: string,
  ) {}

  whole(): Node {
    const node = this.#or();
    if (this.#token.kind !== 'end') throw this.#unexpected('the end, AND or OR');
    return node;
  }

  get #token(): Token {
    return this.tokens[this.#next];
  }

  #or(): Node {
    return this.#chain('or', () => this.#and());
  }

  #and(): Node {
    return this.#chain('and', () => this.#not());
  }

  #chain(kind: 'and' | 'or', part: () => Node): Node {
    const { at } = this.#token;
    const parts = [part()];
    while (this.#takeWord(kind)) parts.push(part());
    return parts.length === 1 ? parts[0] : { kind, at, parts };
  }

  #not(): Node {
    const { at } = this.#token;
    if (!this.#takeWord('not')) return this.#comparison();
    return this.#within(() => ({ kind: 'not', at, value: this.#not() }));
  }

  #comparison(): Node {
    const left = this.#sum();
    const { at, kind, value } = this.#token;
    const operator = value === '!=' ? '<>' : value;
    if (kind === 'sign' && (COMPARISONS as readonly string[]).includes(operator)) {
      this.#next++;
      return { kind: 'comparison', at, operator: operator as Comparison, left, right: this.#sum() };
    }
    if (this.#takeWord('is')) {
      const negated = this.#takeWord('not');
      if (!this.#takeWord('null')) throw this.#unexpected('NULL or NOT NULL after IS');
      return { kind: 'is-null', at, value: left, negated };
    }
    const negated = this.#takeWord('not');
    if (this.#takeWord('between')) {
      const low = this.#sum();
      if (!this.#takeWord('and')) throw this.#unexpected('AND and the upper end of BETWEEN');
      return { kind: 'between', at, value: left, low, high: this.#sum(), negated };
    }
    if (this.#takeWord('in')) {
      this.#sign('(', "'(' and a list after IN");
      return { kind: 'in', at, value: left, list: this.#list(), negated };
    }
    if (negated) throw this.#unexpected('IN or BETWEEN after NOT');
    return left;
  }

  #sum(): Node {
    return this.#steps(['+', '-'], () => this.#product());
  }

  #product(): Node {
    return this.#steps(['*', '/'], () => this.#signed());
  }

  #steps(operators: readonly Step['operator'][], part: () => Node): Node {
    const { at } = this.#token;
    const first = part();
    const rest: Step[] = [];
    for (;;) {
      const operator = operators.find((sign) => this.#isSign(sign));
      if (operator === undefined) return rest.length === 0 ? first : { kind: 'arithmetic', at, first, rest };
      this.#next++;
      rest.push({ operator, value: part() });
    }
  }

  #signed(): Node {
    const { at } = this.#token;
    if (this.#isSign('+')) {
      this.#next++;
      return this.#within(() => this.#signed());
    }
    if (!this.#isSign('-')) return this.#value();
    this.#next++;
    const value = this.#within(() => this.#signed());
    // -9223372036854775808 is a whole number of 64 bits, the same without its sign is not.
    if (value.kind === 'number')
      return {
        kind: 'number',
        at,
        value: -value.value,
        integer: value.integer === undefined ? undefined : -value.integer,
      };
    return { kind: 'minus', at, value };
  }

  #value(): Node {
    const { kind, value, at } = this.#token;
    if (kind === 'number') {
      this.#next++;
      const number = Number(value);
      if (number === Infinity) throw whereInvalid(this.field, at, `${value.slice(0, 40)} is too large for a number`);
      return { kind, at, value: number, integer: /^\d+$/.test(value) ? BigInt(value) : undefined };
    }
    if (kind === 'text') {
      this.#next++;
      return { kind, at, value };
    }
    if (this.#isSign('(')) {
      this.#next++;
      const inner = this.#within(() => this.#or());
      this.#sign(')', "')'");
      return inner;
    }
    if (kind === 'quoted' || (kind === 'name' && !KEYWORDS.has(value.toLowerCase()))) return this.#named();
    if (this.#takeWord('null')) return { kind: 'null', at };
    if (this.#takeWord('true')) return { kind: 'boolean', at, value: true };
    if (this.#takeWord('false')) return { kind: 'boolean', at, value: false };
    throw this.#unexpected("a column, a number, a 'text' or '('");
  }

  /** A column, or a function of values. */
  #named(): Node {
    const { kind, value, at } = this.#token;
    this.#next++;
    if (kind === 'name' && this.#isSign('(')) {
      const name = value.toLowerCase();
      if (!Object.hasOwn(FUNCTIONS, name))
        throw whereInvalid(
          this.field,
          at,
          `there is no function ${value.slice(0, 40)}; known are ${Object.keys(FUNCTIONS).join(', ')}`,
        );
      this.#next++;
      const values = this.#within(() => this.#list());
      const count = FUNCTIONS[name as FunctionName];
      if (values.length !== count)
        throw whereInvalid(this.field, at, `${name} takes ${count} value${count > 1 ? 's' : ''}, got ${values.length}`);
      return { kind: 'call', at, name: name as FunctionName, values };
    }
    if (!this.#isSign('.')) return { kind: 'column', at, table: undefined, name: value };
    this.#next++;
    const column = this.#token;
    if (column.kind !== 'name' && column.kind !== 'quoted')
      throw this.#unexpected(`the name of a column after ${value}.`);
    this.#next++;
    return { kind: 'column', at, table: value, name: column.value };
  }

  /** Sums up to the closing parenthesis. */
  #list(): Node[] {
    const list = [this.#sum()];
    while (this.#isSign(',')) {
      this.#next++;
      list.push(this.#sum());
    }
    this.#sign(')', "',' or ')'");
    return list;
  }

  #within<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH)
      throw whereInvalid(this.field, this.#token.at, `more than ${MAX_DEPTH} levels are within each other`);
    const result = read();
    this.#depth--;
    return result;
  }

  #isSign(sign: string): boolean {
    return this.#token.kind === 'sign' && this.#token.value === sign;
  }

  #sign(sign: string, expected: string): void {
    if (!this.#isSign(sign)) throw this.#unexpected(expected);
    this.#next++;
  }

  #takeWord(word: string): boolean {
    const { kind, value } = this.#token;
    if (kind !== 'name' || value.toLowerCase() !== word) return false;
    this.#next++;
    return true;
  }

  #unexpected(expected: string): Problem {
    const { kind, value, at } = this.#token;
    const seen = kind === 'end' ? 'the end' : `'${value.slice(0, 40)}'`;
    return whereInvalid(this.field, at, `expected ${expected}, got ${seen}`);
  }
}
