import {
  Multi as ProtoMulti,
  TablesJoin as ProtoJoin,
  type TablesOptions as ProtoOptions,
  type TablesRequest,
} from '@armilla/proto';
import { fail } from '@armilla/base';
import {
  type Multi,
  type ResolvedTables,
  resolveTables,
  type TablesJoin,
  type TablesOptions,
} from '../../nway/options.js';
import { DEFAULT_MAX_PAIRS, type ExecutionOptions, resolveExecution } from '../../options.js';
import { enumName, expectedRows, readExecution, sideOptions } from '../request.js';

/** What a call asks of several tables. */
export interface TablesAsk {
  readonly options: TablesOptions;
  /** The same, with every default filled in. */
  readonly resolved: ResolvedTables;
  readonly execution: ExecutionOptions;
  /** The tables in their order. */
  readonly inputs: readonly AskedTable[];
}

/** Where one of several tables comes from. */
export interface AskedTable {
  /** The stored table that it is; undefined: it comes with the call. */
  readonly stored: string | undefined;
  /** Rows to expect, where the client says so. */
  readonly rowCount: number | undefined;
}

const MULTI: Readonly<Record<number, Multi | undefined>> = {
  [ProtoMulti.UNSPECIFIED]: undefined,
  [ProtoMulti.PAIRS]: 'pairs',
  [ProtoMulti.GROUPS]: 'groups',
  [ProtoMulti.COMBINATIONS]: 'combinations',
};
const JOIN: Readonly<Record<number, TablesJoin | undefined>> = {
  [ProtoJoin.UNSPECIFIED]: undefined,
  [ProtoJoin.INNER]: 'inner',
  [ProtoJoin.MATCHED]: 'matched',
  [ProtoJoin.LEFT]: 'left',
  [ProtoJoin.FULL]: 'full',
};

/** The request in the terms of the library; `maxPairs` is the server's limit. Throws what the options are refused for. */
export function readTablesRequest({ options, execution, inputs }: TablesRequest, maxPairs: number): TablesAsk {
  if (!options)
    throw fail('REQUEST_INVALID', { detail: 'the request has no options; radius_arcsec at least is needed' });
  return checkedAsk(
    {
      options: tablesOptions(options),
      execution: readExecution(execution),
      inputs: inputs.map(({ storedTable, rowCount }, k) => ({
        stored: storedTable || undefined,
        rowCount: expectedRows(`inputs[${k}].row_count`, rowCount),
      })),
    },
    maxPairs,
  );
}

/** `ask` within the server's limits, once nothing is wrong with it that shows before the tables come. */
export function checkedAsk(ask: Omit<TablesAsk, 'resolved'>, maxPairs: number): TablesAsk {
  const { maxRows } = resolveTables(ask.options, ask.inputs.length);
  const options = { ...ask.options, maxRows: Math.min(maxRows, maxPairs) };
  const resolved = resolveTables(options, ask.inputs.length);
  return { inputs: ask.inputs, options, resolved, execution: resolveExecution(ask.execution) };
}

function tablesOptions({
  radiusArcsec,
  multi,
  join,
  probabilities,
  columns,
  strict,
  ...rest
}: ProtoOptions): TablesOptions {
  return {
    radiusArcsec,
    multi: enumName('multi', MULTI, multi),
    join: enumName('join', JOIN, join),
    tables: rest.tables.map((table) => ({
      ...sideOptions(table.columns),
      skyAreaSquareDegrees: orUnset(table.skyAreaSquareDegrees),
      completeness: orUnset(table.completeness),
      magnitudePriors: table.magnitudePriors,
    })),
    probabilities: probabilities && {
      completeness: orUnset(probabilities.completeness),
      acceptableRatio: orUnset(probabilities.acceptableRatio),
    },
    columns,
    strict,
    maxRows: rest.maxPairs === 0n ? DEFAULT_MAX_PAIRS : Number(rest.maxPairs),
  };
}

const orUnset = (value: number): number | undefined => (value === 0 ? undefined : value);
