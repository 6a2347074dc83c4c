import { fail } from '@armilla/base';
import type { Field, RecordBatch, Schema } from 'apache-arrow';
import { bindTruth, type Scope } from './bind.js';
import { parseCondition } from './parser.js';
import type { ColumnNode, Node } from './syntax.js';
import { TRUE } from './typed.js';

/** A condition on the rows of one table. */
export interface RowCondition {
  /** The columns that it looks at, each once. */
  readonly columns: readonly string[];
  /** Whether row i of `batch` satisfies it; not where that is unknown. */
  over(batch: RecordBatch): (i: number) => boolean;
}

/** A condition on a row of each of two tables. */
export interface PairCondition {
  readonly leftColumns: readonly string[];
  readonly rightColumns: readonly string[];
  /** Whether row i of `left` and row j of `right` satisfy it. */
  over(left: RecordBatch, right: RecordBatch): (i: number, j: number) => boolean;
}

/**
 * A condition in a small part of SQL, read from text by a grammar of its own: it is never run as code. What is neither
 * true nor false, because a value is null or NaN, does not hold.
 */
export class Condition {
  readonly #node: Node;
  readonly #columns: readonly ColumnNode[];

  /** `field` is how messages call it. Throws WHERE_INVALID. */
  constructor(
    readonly text: string,
    readonly field: string,
  ) {
    this.#node = parseCondition(text, field);
    this.#columns = columnsOf(this.#node);
  }

  /** Columns of the table `side` that it can mean, before the other table is known. */
  columnsFor(side: 'left' | 'right', schema: Schema): string[] {
    const fields = fieldsOf(schema);
    const named = this.#columns.filter(({ table }) => table === undefined || table === side);
    return distinct(named.map(({ name }) => name)).filter((name) => fields.has(name));
  }

  /** For the rows of one table; `where` names it. Throws WHERE_TYPE, WHERE_INVALID and COLUMN_NOT_FOUND. */
  forRows(schema: Schema, where: string): RowCondition {
    const fields = fieldsOf(schema);
    const resolve = (node: ColumnNode): { table: 0; field: Field } => {
      if (node.table !== undefined)
        throw fail('WHERE_INVALID', {
          field: this.field,
          position: node.at + 1,
          detail: `the condition is on one table: write ${node.name} without ${node.table}.`,
        });
      const field = fields.get(node.name);
      if (!field) throw this.#unknown(node, where, schema);
      return { table: 0, field };
    };
    const bound = bindTruth(this.#node, { field: this.field, resolve });
    return {
      columns: distinct(this.#columns.map(({ name }) => name)),
      over: (batch) => {
        const truth = bound.over([batch]);
        return (i) => truth(i, i) === TRUE;
      },
    };
  }

  /** For pairs of rows, of which columns are named left.x and right.x, or by a name that only one table has. */
  forPairs(left: Schema, right: Schema): PairCondition {
    const schemas = [left, right] as const;
    const fields = [fieldsOf(left), fieldsOf(right)] as const;
    const resolve = (node: ColumnNode): { table: 0 | 1; field: Field } => {
      const { table, name } = node;
      if (table !== undefined && table !== 'left' && table !== 'right')
        throw fail('WHERE_INVALID', {
          field: this.field,
          position: node.at + 1,
          detail: `there is no table ${table}; write left.${name} or right.${name}`,
        });
      const sides = table === undefined ? ([0, 1] as const) : ([table === 'left' ? 0 : 1] as const);
      const found = sides.filter((side) => fields[side].has(name));
      if (found.length === 2)
        throw fail('COLUMN_AMBIGUOUS', {
          where: `${this.field}, character ${node.at + 1}`,
          role: `column '${name}'`,
          count: 2,
          candidates: `left.${name}, right.${name}`,
          option: this.field,
        });
      if (found.length === 0)
        throw this.#unknown(
          node,
          table === undefined ? 'both tables' : `the ${table} table`,
          ...sides.map((side) => schemas[side]),
        );
      return { table: found[0], field: fields[found[0]].get(name) as Field };
    };
    const scope: Scope = { field: this.field, resolve };
    const bound = bindTruth(this.#node, scope);
    const namesOf = (side: 0 | 1): string[] =>
      distinct(this.#columns.filter((node) => resolve(node).table === side).map(({ name }) => name));
    return {
      leftColumns: namesOf(0),
      rightColumns: namesOf(1),
      over: (leftRows, rightRows) => {
        const truth = bound.over([leftRows, rightRows]);
        return (i, j) => truth(i, j) === TRUE;
      },
    };
  }

  #unknown(node: ColumnNode, where: string, ...schemas: readonly Schema[]): Error {
    const names = distinct(schemas.flatMap(({ fields }) => fields.map(({ name }) => name)));
    const listed = names.slice(0, 40).join(', ');
    return fail('COLUMN_NOT_FOUND', {
      where: `${this.field}, character ${node.at + 1}: ${where}`,
      column: node.name,
      available: names.length > 40 ? `${listed} and ${names.length - 40} more` : listed || '(no columns)',
    });
  }
}

function columnsOf(node: Node): ColumnNode[] {
  switch (node.kind) {
    case 'column':
      return [node];
    case 'call':
      return node.values.flatMap(columnsOf);
    case 'minus':
    case 'is-null':
    case 'not':
      return columnsOf(node.value);
    case 'arithmetic':
      return [node.first, ...node.rest.map(({ value }) => value)].flatMap(columnsOf);
    case 'comparison':
      return [node.left, node.right].flatMap(columnsOf);
    case 'between':
      return [node.value, node.low, node.high].flatMap(columnsOf);
    case 'in':
      return [node.value, ...node.list].flatMap(columnsOf);
    case 'and':
    case 'or':
      return node.parts.flatMap(columnsOf);
    default:
      return [];
  }
}

const fieldsOf = ({ fields }: Schema): ReadonlyMap<string, Field> =>
  new Map(fields.map((field) => [field.name, field]));

const distinct = (names: readonly string[]): string[] => [...new Set(names)];
