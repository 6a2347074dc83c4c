import { isProblem, Random } from '@armilla/base';
import {
  Bool,
  Dictionary,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Null,
  type RecordBatch,
  Table,
  TimestampMillisecond,
  Uint64,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { Condition } from '../index.js';

const id = 9_007_199_254_740_993n;

const vectors: Record<string, Vector> = {
  n: vectorFromArray([1, 2.5, null, NaN, -3], new Float64()),
  f: vectorFromArray([0.1, 1, null, 2, 3], new Float32()),
  i: vectorFromArray([1, 2, 3, null, -5], new Int32()),
  s: vectorFromArray([1, 2, 3, null, -5], new Int16()),
  id: vectorFromArray([id, id - 1n, id + 1n, null, -5n], new Int64()),
  u: vectorFromArray([2n ** 64n - 1n, 0n, 1n, null, 5n], new Uint64()),
  t: vectorFromArray(['a', "it's", 'b', null, 'é'], new Utf8()),
  d: vectorFromArray(['x', 'y', 'x', null, 'z'], new Dictionary(new Utf8(), new Int32())),
  b: vectorFromArray([true, false, null, true, false], new Bool()),
  none: vectorFromArray([null, null, null, null, null], new Null()),
  when: vectorFromArray([0, 1, 2, 3, 4], new TimestampMillisecond()),
  'odd "name"': vectorFromArray([1, 2, 3, 4, 5], new Float64()),
  in: vectorFromArray([1, 2, 3, 4, 5], new Float64()),
};
const table = new Table(vectors);
const [batch] = table.batches;

/** Rows that satisfy a condition. */
function rowsOf(text: string, of: RecordBatch = batch): number[] {
  const holds = new Condition(text, 'left_where').forRows(of.schema, 'left.csv').over(of);
  return Array.from({ length: of.numRows }, (_, row) => row).filter(holds);
}

test.each([
  ['n > 1', [1]],
  ['n >= 1', [0, 1]],
  ['n <> 1', [1, 4]],
  ['n != 1', [1, 4]],
  ['NOT n = 1', [1, 4]],
  ['n = 1 OR n IS NULL', [0, 2, 3]],
  ['n IS NOT NULL', [0, 1, 4]],
  ['n + 1 < 3 and n * 2 > -10', [0, 4]],
  ['1 - n - 1 = -n', [0, 1, 4]],
  ['8 / 4 / 2 = n', [0]],
  ['-n = 3', [4]],
  ['- -n = -3', [4]],
  ['2 + 3 * 4 = 14 AND (2 + 3) * 4 = 20', [0, 1, 2, 3, 4]],
  ['n BETWEEN -3 AND 1', [0, 4]],
  ['n NOT BETWEEN -3 AND 1', [1]],
  ['n between 2 and 3 and i = 2', [1]],
  ['n IN (1, 2.5, 7)', [0, 1]],
  ['n NOT IN (1, 7)', [1, 4]],
  ['n IN (1, NULL)', [0]],
  ['n NOT IN (1, NULL)', []],
  ['n IN (i, f)', [0]],
  ['abs(n) = 3', [4]],
  ['sqrt(i) > 1.4', [1, 2]],
  ['log10(n) IS NULL', [2, 3, 4]],
  ['ln(i) < 0.7 AND power(i, 2) = 4', [1]],
  ['POWER(n, 0) = 1', [0, 1, 4]],
  ['i / 0 > 1e300', [0, 1, 2]],
  ['i = s', [0, 1, 2, 4]],
  ['f = 1', [1]],
  // A float of 32 bits is the double that it is.
  ['f = 0.1', []],
  [`id = ${id}`, [0]],
  [`id > ${id}`, [2]],
  [`id <= ${id} AND id <> ${id - 1n}`, [0, 4]],
  [`id IN (${id}, -5)`, [0, 4]],
  [`id NOT IN (${id})`, [1, 2, 4]],
  ['id = i', [4]],
  ['id = -5.0', [4]],
  // The double next to both: only one of them is it.
  ['id = 9007199254740992.0', [1]],
  ['id < -4.5', [4]],
  ['u = 18446744073709551615', [0]],
  ['u > id', [0, 4]],
  ['id > -9223372036854775808', [0, 1, 2, 4]],
  ["t = 'a'", [0]],
  ["t = 'it''s'", [1]],
  ["t < 'b'", [0]],
  ["t IN ('b', 'é')", [2, 4]],
  ["t BETWEEN 'a' AND 'b'", [0, 2]],
  ["d = 'x'", [0, 2]],
  ["d <> 'x'", [1, 4]],
  ['d > t', [0, 1, 2]],
  ['b', [0, 3]],
  ['NOT b', [1, 4]],
  ['b = FALSE', [1, 4]],
  ['b <> (n > 0)', [1]],
  ['b IS NULL', [2]],
  ['b OR n > 2', [0, 1, 3]],
  ['b AND NULL', []],
  ['NOT (b AND NULL)', [1, 4]],
  ['none IS NULL', [0, 1, 2, 3, 4]],
  ['none = 1 OR none = none', []],
  ['"odd ""name""" > 4', [4]],
  ['"in" = 3', [2]],
  ['TRUE', [0, 1, 2, 3, 4]],
  ['FALSE OR NULL', []],
  ['((((n))))=1', [0]],
  ['.5e1=5 AND 5.=5', [0, 1, 2, 3, 4]],
])('%s', (text, rows) => {
  expect(rowsOf(text)).toEqual(rows);
});

test('texts are in the order of their code points', () => {
  const of = new Table({ t: vectorFromArray(['\uffff', '\u{10000}', 'a', 'ab', ''], new Utf8()) }).batches[0];
  expect(rowsOf("t < '\u{10000}'", of)).toEqual([0, 2, 3, 4]);
  expect(rowsOf("t > '\uffff'", of)).toEqual([1]);
  expect(rowsOf("t > 'a'", of)).toEqual([0, 1, 3]);
});

test('a slice of a batch has its own values', () => {
  expect(rowsOf("t = 'b'", batch.slice(1, 4))).toEqual([1]);
  expect(rowsOf('n IS NULL', batch.slice(2, 5))).toEqual([0, 1]);
  expect(rowsOf('b', batch.slice(1, 5))).toEqual([2]);
  expect(rowsOf('id = -5 AND i = -5', batch.slice(3, 5))).toEqual([1]);
});

function problemOf(run: () => unknown): { reason: string; position: unknown; message: string } | undefined {
  try {
    run();
  } catch (error) {
    if (!isProblem(error)) throw error;
    return { reason: error.reason, position: error.fields.position, message: error.message };
  }
  return undefined;
}

test.each([
  ['', 1],
  ['n >', 4],
  ['n > 1 n', 7],
  ['n = = 1', 5],
  ['n > 1)', 6],
  ['(n > 1', 7],
  ["t = 'a", 5],
  ['"n > 1', 1],
  ['"" = 1', 1],
  ['n IN ()', 7],
  ['n IN (1, 2', 11],
  ['n IN 1', 6],
  ['n NOT 1', 7],
  ['n IS 1', 6],
  ['n BETWEEN 1', 12],
  ['n BETWEEN 1 OR 2', 13],
  ['n ; 1', 3],
  ['n = 12abc', 5],
  ['n = 1e999', 5],
  ['foo(n) = 1', 1],
  ['constructor(n) = 1', 1],
  ['abs(n, 1) = 1', 1],
  ['power(n) = 1', 1],
  ['left. = 1', 7],
  ['n = 1 AND', 10],
  ['SELECT 1', 8],
  [`${'('.repeat(300)}n`, 202],
  [`${'NOT '.repeat(300)}b`, 805],
  [`n = ${'-'.repeat(300)}1`, 206],
  ['x'.repeat(70_000), 65_537],
])('malformed condition %# is refused where it is wrong', (text, position) => {
  expect(problemOf(() => new Condition(text, 'left_where'))).toMatchObject({ reason: 'WHERE_INVALID', position });
});

test.each([
  ["n = 'a'", 3, "column 'n' (number)"],
  ['t > 5', 3, "column 't' (text)"],
  ['b > TRUE', 3, 'by = and <>'],
  ['b = 1', 3, 'do not compare'],
  ['n', 1, "column 'n' (number)"],
  ['n AND b', 1, 'a condition'],
  ['NOT t', 5, "column 't' (text)"],
  ['t + 1 = 2', 1, 'a number was expected'],
  ['abs(b) = 2', 5, 'a number was expected'],
  ['-t = 2', 2, 'a number was expected'],
  ['when > 3', 1, 'Timestamp'],
  ["n IN (1, 'a')", 10, 'do not compare'],
  ['b IN (TRUE)', 3, 'IN takes'],
  ['1 + 2', 1, 'a condition'],
])('%s has a clash of types', (text, position, detail) => {
  const problem = problemOf(() => new Condition(text, 'left_where').forRows(table.schema, 'left.csv'));
  expect(problem).toMatchObject({ reason: 'WHERE_TYPE', position });
  expect(problem?.message).toContain(detail);
});

test('a column that is not there is named, with its place and those that are', () => {
  const problem = problemOf(() => new Condition('n > 1 AND N > 2', 'left_where').forRows(table.schema, 'left.csv'));
  expect(problem).toMatchObject({ reason: 'COLUMN_NOT_FOUND' });
  expect(problem?.message).toMatch(/left_where, character 11: left\.csv: no column 'N'; there are: n, f, i,/);
  const qualified = problemOf(() => new Condition('left.n > 1', 'left_where').forRows(table.schema, 'left.csv'));
  expect(qualified).toMatchObject({ reason: 'WHERE_INVALID', position: 1 });
});

describe('pairs', () => {
  const left = new Table({
    x: vectorFromArray([1, 2, 3], new Float64()),
    l: vectorFromArray(['a', 'b', null], new Utf8()),
  });
  const right = new Table({ x: vectorFromArray([2, 3], new Float64()), r: vectorFromArray(['a', 'b'], new Utf8()) });
  const pairsOf = (text: string): string[] => {
    const holds = new Condition(text, 'where')
      .forPairs(left.schema, right.schema)
      .over(left.batches[0], right.batches[0]);
    return [0, 1, 2].flatMap((i) => [0, 1].filter((j) => holds(i, j)).map((j) => `${i}${j}`));
  };

  test.each([
    ['left.x = right.x', ['10', '21']],
    ['left.x < right.x AND l <> r', ['01']],
    ['l = r', ['00', '11']],
    ['abs(left.x - right."x") <= 1', ['00', '10', '11', '20', '21']],
    ["r = 'a'", ['00', '10', '20']],
    ['TRUE', ['00', '01', '10', '11', '20', '21']],
  ])('%s', (text, pairs) => {
    expect(pairsOf(text)).toEqual(pairs);
  });

  test('the columns of each table', () => {
    const condition = new Condition('left.x = right.x OR l = r', 'where');
    expect(condition.forPairs(left.schema, right.schema)).toMatchObject({
      leftColumns: ['x', 'l'],
      rightColumns: ['x', 'r'],
    });
    expect(condition.columnsFor('right', right.schema)).toEqual(['x', 'r']);
  });

  test.each([
    ['x = 1', 'COLUMN_AMBIGUOUS'],
    ['left.r = 1', 'COLUMN_NOT_FOUND'],
    ['y = 1', 'COLUMN_NOT_FOUND'],
    ['middle.x = 1', 'WHERE_INVALID'],
    ['left.x = r', 'WHERE_TYPE'],
  ])('%s is refused', (text, reason) => {
    expect(problemOf(() => new Condition(text, 'where').forPairs(left.schema, right.schema))).toMatchObject({ reason });
  });
});

describe('laws, by random conditions', () => {
  type Row = { a: number | null; b: number | null };
  type Truth = boolean | null;
  const random = new Random(20261128);
  const rows: Row[] = Array.from({ length: 60 }, () => ({
    a: random.below(5) === 0 ? null : random.below(7) - 3,
    b: random.below(5) === 0 ? null : random.below(7) - 3,
  }));
  const [of] = new Table({
    a: vectorFromArray(
      rows.map(({ a }) => a),
      new Float64(),
    ),
    b: vectorFromArray(
      rows.map(({ b }) => b),
      new Int32(),
    ),
  }).batches;

  /** A condition, and what it means by the plain rules. */
  function make(depth: number): { text: string; truth: (row: Row) => Truth } {
    const kind = depth === 0 ? 3 + random.below(3) : random.below(6);
    if (kind < 2) {
      const [x, y] = [make(depth - 1), make(depth - 1)];
      const decisive = kind === 1;
      return {
        text: `(${x.text} ${kind === 1 ? 'OR' : 'AND'} ${y.text})`,
        truth: (row) => {
          const both = [x.truth(row), y.truth(row)];
          return both.includes(decisive) ? decisive : both.includes(null) ? null : !decisive;
        },
      };
    }
    if (kind === 2) {
      const x = make(depth - 1);
      return {
        text: `NOT ${x.text}`,
        truth: (row) => {
          const truth = x.truth(row);
          return truth === null ? null : !truth;
        },
      };
    }
    const column = random.below(2) === 0 ? 'a' : 'b';
    const other = random.below(3) === 0 ? (random.below(2) === 0 ? 'a' : 'b') : random.below(5) - 2;
    const valueOf = (row: Row): number | null => (typeof other === 'number' ? other : row[other]);
    if (kind === 3) return { text: `${column} IS NULL`, truth: (row) => row[column] === null };
    if (kind === 4) {
      const both = (row: Row, test: (x: number, y: number) => boolean): Truth => {
        const [x, y] = [row[column], valueOf(row)];
        return x === null || y === null ? null : test(x, y);
      };
      const operators: [string, (x: number, y: number) => boolean][] = [
        ['=', (x, y) => x === y],
        ['<>', (x, y) => x !== y],
        ['<', (x, y) => x < y],
        ['<=', (x, y) => x <= y],
        ['>', (x, y) => x > y],
        ['>=', (x, y) => x >= y],
      ];
      const [sign, test] = operators[random.below(6)];
      return { text: `${column} ${sign} ${other}`, truth: (row) => both(row, test) };
    }
    return {
      text: `${column} IN (${other}, 3, b)`,
      truth: (row) => {
        const x = row[column];
        if (x === null) return null;
        const list = [valueOf(row), 3, row.b];
        return list.includes(x) ? true : list.includes(null) ? null : false;
      },
    };
  }

  test('three-valued logic', () => {
    for (let n = 0; n < 400; n++) {
      const { text, truth } = make(4);
      const expected = rows.flatMap((row, i) => (truth(row) === true ? [i] : []));
      expect({ text, rows: rowsOf(text, of) }).toEqual({ text, rows: expected });
    }
  });
});
