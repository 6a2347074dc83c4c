/** A condition as it is written, before it is known what its names are. `at`: characters before it in the text. */
export type Node =
  | { readonly kind: 'number'; readonly at: number; readonly value: number; readonly integer: bigint | undefined }
  | { readonly kind: 'text'; readonly at: number; readonly value: string }
  | { readonly kind: 'boolean'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'null'; readonly at: number }
  | ColumnNode
  | { readonly kind: 'call'; readonly at: number; readonly name: FunctionName; readonly values: readonly Node[] }
  | { readonly kind: 'minus'; readonly at: number; readonly value: Node }
  | { readonly kind: 'arithmetic'; readonly at: number; readonly first: Node; readonly rest: readonly Step[] }
  | {
      readonly kind: 'comparison';
      readonly at: number;
      readonly operator: Comparison;
      readonly left: Node;
      readonly right: Node;
    }
  | {
      readonly kind: 'between';
      readonly at: number;
      readonly value: Node;
      readonly low: Node;
      readonly high: Node;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'in';
      readonly at: number;
      readonly value: Node;
      readonly list: readonly Node[];
      readonly negated: boolean;
    }
  | { readonly kind: 'is-null'; readonly at: number; readonly value: Node; readonly negated: boolean }
  | { readonly kind: 'not'; readonly at: number; readonly value: Node }
  | { readonly kind: 'and' | 'or'; readonly at: number; readonly parts: readonly Node[] };

export interface ColumnNode {
  readonly kind: 'column';
  readonly at: number;
  /** `left` of `left.x`; undefined of a bare name. */
  readonly table: string | undefined;
  readonly name: string;
}

/** One more operand of a sum or a product. */
export interface Step {
  readonly operator: '+' | '-' | '*' | '/';
  readonly value: Node;
}

export const COMPARISONS = ['=', '<>', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** Functions of numbers, with how many they take. */
export const FUNCTIONS = { abs: 1, sqrt: 1, ln: 1, log10: 1, power: 2 } as const;
export type FunctionName = keyof typeof FUNCTIONS;
