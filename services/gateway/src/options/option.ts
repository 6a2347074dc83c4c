import { fail, isProblem, Problem } from '@armilla/base';

/** The part of JSON Schema (OpenAPI 3.1) that option tables use. */
export interface OptionSchema {
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'array';
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly items?: { readonly type: 'string' };
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly examples?: readonly unknown[];
}

/** One option of a request: its name, what a value must be, and where the value goes. */
export interface RequestOption<Draft> {
  readonly name: string;
  /** What the option says, for people; goes into /openapi.json and docs. */
  readonly sentence: string;
  readonly schema: OptionSchema;
  /** Checks `value` (text of a query, or a JSON value) and stores it in the draft; throws a Problem that names the option. */
  readonly take: (draft: Draft, value: unknown) => void;
}

/** Where an option was given, for messages. */
export type OptionOrigin = 'query' | 'options part' | 'form field';

/** Options as they were given, before they are read; a name given twice is refused. */
export class GivenOptions {
  readonly #values = new Map<string, { value: unknown; origin: OptionOrigin }>();
  readonly #problems: Problem[] = [];

  add(name: string, value: unknown, origin: OptionOrigin): void {
    const earlier = this.#values.get(name);
    if (earlier === undefined) this.#values.set(name, { value, origin });
    else
      this.#problems.push(
        fail('OPTIONS_CONFLICT', { field: name, detail: `'${name}' is given twice (${earlier.origin} and ${origin})` }),
      );
  }

  /** A repeated name in a query is refused like any other repetition; `inAnyCase`: names of any case are meant in lower case. */
  addQuery(query: Readonly<Record<string, unknown>>, inAnyCase = false): void {
    for (const [name, value] of Object.entries(query)) {
      const key = inAnyCase ? name.toLowerCase() : name;
      for (const one of Array.isArray(value) ? value : [value]) this.add(key, one, 'query');
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Reads every given option by its table into `draft`; all that is wrong is said at once. `known`: the names, as told. */
  read<Draft>(
    table: readonly RequestOption<Draft>[],
    draft: Draft,
    known: readonly string[] = table.map(({ name }) => name),
  ): void {
    const problems = [...this.#problems];
    for (const [name, { value }] of this.#values) {
      const option = table.find((one) => one.name === name);
      if (option === undefined) {
        problems.push(
          fail('OPTION_UNKNOWN', {
            field: name,
            got: name.slice(0, 64),
            known: known.join(', ') || 'none',
          }),
        );
        continue;
      }
      try {
        option.take(draft, value);
      } catch (error) {
        if (!isProblem(error)) throw error;
        problems.push(error);
      }
    }
    throwAll(problems);
  }
}

/** Several options that are wrong, each with its own reason. */
export class OptionProblems extends Problem {
  constructor(readonly problems: readonly Problem[]) {
    const options = problems.map((problem) => String(problem.fields.field ?? '?')).join(', ');
    const detail = `${problems.length} options are wrong: ${problems.map((problem) => problem.message).join('; ')}`;
    super(
      'REQUEST_INVALID',
      { detail, options, reasons: problems.map((problem) => problem.reason).join(', ') },
      detail,
    );
  }
}

/** One problem is thrown as it is; several become one that lists them all. */
function throwAll(problems: readonly Problem[]): void {
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) throw new OptionProblems(problems);
}
