import { fail } from '@armilla/base';
import {
  Multi,
  PositionColumns,
  TableInput,
  TableOptions,
  TablesJoin,
  TablesOptions,
  TablesProbabilities,
  TablesRequest,
} from '@armilla/proto';
import { CROSSMATCH_OPTIONS, emptyMatchDraft, type MatchDraft, readHandle } from './match-options.js';
import type { RequestOption } from './option.js';
import { MAGNITUDE_PRIORS_SCHEMA, readMagnitudePriors, readShare, readSkyArea } from './probability-options.js';
import { TABLE_OPTIONS } from './side-options.js';
import { readChoice, readInteger, readText } from './value.js';

/** Tables that one match takes at most. */
export const MOST_TABLES = 10;

/** What a request says of one of several tables. */
interface TableDraft {
  /** Name of the stored table that it is; empty: it is sent. */
  stored: string;
  rowCount: number;
  /** Whether anything is said of it. */
  isNamed: boolean;
  readonly options: TableOptions & { columns: PositionColumns };
}

/** What a request of several tables says beside them. */
export interface TablesDraft extends MatchDraft {
  multi: Multi;
  tablesJoin: TablesJoin;
  tableCount: number | undefined;
  readonly tables: readonly TableDraft[];
}

type Row = RequestOption<TablesDraft>;

export const emptyTablesDraft = (): TablesDraft => ({
  ...emptyMatchDraft(),
  multi: Multi.UNSPECIFIED,
  tablesJoin: TablesJoin.UNSPECIFIED,
  tableCount: undefined,
  tables: Array.from({ length: MOST_TABLES }, () => ({
    stored: '',
    rowCount: 0,
    isNamed: false,
    options: { ...TableOptions.fromPartial({}), columns: PositionColumns.fromPartial({}) },
  })),
});

const MULTI = { pairs: Multi.PAIRS, groups: Multi.GROUPS, combinations: Multi.COMBINATIONS };
const JOIN = {
  inner: TablesJoin.INNER,
  matched: TablesJoin.MATCHED,
  left: TablesJoin.LEFT,
  full: TablesJoin.FULL,
};

/** An option that two tables have as well, by another sentence where that says more. */
function shared(name: string, sentence?: string): Row {
  const option = CROSSMATCH_OPTIONS.find((one) => one.name === name);
  if (!option) throw new TypeError(`no option ${name}`);
  return { ...option, ...(sentence !== undefined && { sentence }) };
}

const enumRow = <T extends string>(
  name: string,
  sentence: string,
  choices: Readonly<Record<T, number>>,
  set: (draft: TablesDraft, value: number) => void,
): Row => {
  const names = Object.keys(choices) as T[];
  return {
    name,
    sentence,
    schema: { type: 'string', enum: names },
    take: (draft, value) => set(draft, choices[readChoice(name, value, names)]),
  };
};

const ofTables: readonly Row[] = [
  shared(
    'radius',
    'Largest separation, inclusive: 1arcsec, 500mas, 0.1deg; a bare number is in arcsec. Required, here or as radius_arcsec.',
  ),
  shared('radius_arcsec', 'Largest separation, inclusive, in arcsec.'),
  enumRow(
    'multi',
    'pairs: each row of the first table with the nearest of every other one; groups: rows that a chain of pairs connects; combinations: every choice of candidates. Default pairs, with probabilities combinations.',
    MULTI,
    (draft, value) => (draft.multi = value),
  ),
  enumRow(
    'join',
    'Which rows the answer keeps: inner (of all tables), matched (of two or more), left (of the first), full. Default inner; not for combinations.',
    JOIN,
    (draft, value) => (draft.tablesJoin = value),
  ),
  shared(
    'columns',
    'Columns of the answer, in order: K.NAME or K.* of table K, or a computed one. Default: all of all tables, and the computed ones.',
  ),
  shared(
    'probabilities',
    'Tell of all combinations how probable they are, with the columns of NWAY. Needs errors of all tables, and K.sky_area of all but the first.',
  ),
  shared('completeness', 'Of all tables together, each with the root of it; instead of K.completeness.'),
  shared('acceptable_ratio'),
  shared('strict'),
  shared('max_pairs', 'More rows of the answer are refused as soon as they are counted.'),
  shared('workers'),
  shared('cell_row_count'),
  {
    name: 'table_count',
    sentence:
      'How many tables there are. Tables that come in their order are passed on at once then; otherwise they wait on disk until the last one has come.',
    schema: { type: 'integer', minimum: 2, maximum: MOST_TABLES },
    take: (draft, value) => (draft.tableCount = readInteger('table_count', value, 2, MOST_TABLES)),
  },
  shared('format'),
  shared('timeout'),
];

/** The options of table K, counted from 1; `name` and `sentence` with K for the number. */
const ofOne: readonly {
  readonly name: string;
  readonly sentence: string;
  readonly schema: Row['schema'];
  readonly take: (table: TableDraft, name: string, value: unknown) => void;
}[] = [
  {
    name: 'tableK',
    sentence: 'Name of a stored table that is table K; then it is not sent.',
    schema: { type: 'string' },
    take: (table, _, value) => (table.stored = readHandle(value)),
  },
  ...TABLE_OPTIONS.map(({ name, sentence, key, maxLength = 1024 }) => ({
    name: `K.${name}`,
    sentence: `Of table K: ${sentence}`,
    schema: { type: 'string', maxLength } as const,
    take: ({ options }: TableDraft, given: string, value: unknown) => {
      options.columns[key] = readText(given, value, maxLength);
    },
  })),
  {
    name: 'K.sky_area',
    sentence: 'With probabilities: square degrees that table K covers, or full; of every table but the first.',
    schema: { type: 'string', examples: ['2.5', 'full'] },
    take: ({ options }, name, value) => (options.skyAreaSquareDegrees = readSkyArea(name, value)),
  },
  {
    name: 'K.completeness',
    sentence:
      'With probabilities: share of the rows of the first table that have their counterpart in table K. Default 1.',
    schema: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    take: ({ options }, name, value) => (options.completeness = readShare(name, value, 1)),
  },
  {
    name: 'K.magnitude_prior',
    sentence: 'With probabilities: magnitude of table K that speaks for or against a row, as for two tables.',
    schema: MAGNITUDE_PRIORS_SCHEMA,
    take: ({ options }, name, value) => (options.magnitudePriors = readMagnitudePriors(name, value)),
  },
  {
    name: 'K.row_count',
    sentence: 'Rows of table K, where they are known beforehand: for progress and plan.',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    take: (table, name, value) => (table.rowCount = readInteger(name, value, 0, Number.MAX_SAFE_INTEGER)),
  },
];

/** Everything that POST /v1/crossmatch/multi takes. */
export const TABLES_OPTIONS: readonly Row[] = [
  ...ofTables,
  ...Array.from({ length: MOST_TABLES }, (_, k) =>
    ofOne.map(({ name, sentence, schema, take }): Row => {
      const numbered = name.replace('K', String(k + 1));
      return {
        name: numbered,
        sentence: sentence.replace(/\bK\b/, String(k + 1)),
        schema,
        take: ({ tables }, value) => {
          tables[k].isNamed = true;
          take(tables[k], numbered, value);
        },
      };
    }),
  ).flat(),
];

/** The same, once for all tables. */
export const TABLES_OPTION_NAMES: readonly string[] = [...ofTables, ...ofOne].map(({ name }) => name);

/** The message that opens the call to the service, of `tableCount` tables. */
export function tablesRequest(draft: TablesDraft, tableCount: number, requestId: string): TablesRequest {
  const { options, execution, multi, tablesJoin, tables } = draft;
  const last = tables.findLastIndex(({ isNamed }) => isNamed);
  if (last >= tableCount)
    throw fail('OPTIONS_CONFLICT', {
      field: `${last + 1}`,
      detail: `options are given for table ${last + 1}, and there are ${tableCount}`,
    });
  return {
    options: TablesOptions.fromPartial({
      radiusArcsec: options.radiusArcsec,
      multi,
      join: tablesJoin,
      tables: tables.slice(0, tableCount).map((table) => table.options),
      probabilities: tablesProbabilities(draft),
      columns: options.columns,
      strict: options.strict,
      maxPairs: options.maxPairs,
    }),
    execution,
    inputs: tables
      .slice(0, tableCount)
      .map(({ stored, rowCount }) => TableInput.fromPartial({ storedTable: stored, rowCount: BigInt(rowCount) })),
    requestId,
  };
}

function tablesProbabilities({ probability }: TablesDraft): TablesProbabilities | undefined {
  const { wanted, completeness, acceptableRatio } = probability;
  if (wanted) return { completeness: completeness ?? 0, acceptableRatio: acceptableRatio ?? 0 };
  if ((completeness ?? acceptableRatio) !== undefined)
    throw fail('OPTIONS_CONFLICT', {
      detail: 'completeness and acceptable_ratio go with probabilities: ask for those',
    });
  return undefined;
}
