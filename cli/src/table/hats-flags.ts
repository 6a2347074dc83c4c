import type { Command } from 'commander';
import { fail, parseBytes } from '@armilla/base';
import { DEFAULT_LARGEST_ORDER, DEFAULT_PARTITION_ROWS, MAX_LARGEST_ORDER } from '@armilla/tables';
import type { TableOutput } from './flags.js';

/** Flags of a HATS catalog as commander hands them over. */
export interface HatsFlags {
  readonly partitionRows?: string;
  readonly largestOrder?: string;
  /** Of commands that plan with memory. */
  readonly memory?: string;
}

/** How a catalog is cut into partitions; defaults where undefined. */
export interface Partitioning {
  readonly partitionRows: number | undefined;
  readonly largestOrder: number | undefined;
  /** Bytes of rows that are sorted in memory at a time. */
  readonly runBytes: number | undefined;
}

/** Sorting takes the rows, their order and the sorted ones beside what is written meanwhile: several times a run. */
const RUN_SHARE = 1 / 8;
const LEAST_RUN_BYTES = 8 << 20;
const MOST_RUN_BYTES = 192 << 20;

export function addHatsOptions(command: Command): Command {
  return command
    .option(
      '--partition-rows <number>',
      `rows of a partition of a HATS catalog, at most (default: ${DEFAULT_PARTITION_ROWS})`,
    )
    .option(
      '--largest-order <number>',
      `HEALPix order of its smallest partitions, which are not cut further (default: ${DEFAULT_LARGEST_ORDER})`,
    );
}

/** Throws OPTION_INVALID, and OPTIONS_CONFLICT where the output is no catalog. */
export function readPartitioning(
  { partitionRows, largestOrder, memory }: HatsFlags,
  { format }: TableOutput,
): Partitioning {
  const flag = partitionRows !== undefined ? '--partition-rows' : '--largest-order';
  if (format !== 'hats' && (partitionRows ?? largestOrder) !== undefined)
    throw fail('OPTIONS_CONFLICT', { detail: `${flag} is for a HATS catalog: -o NAME/ or --format hats` });
  return {
    partitionRows: integer('--partition-rows', partitionRows, 1, Number.MAX_SAFE_INTEGER),
    largestOrder: integer('--largest-order', largestOrder, 0, MAX_LARGEST_ORDER),
    runBytes: memory === undefined ? undefined : runBytes(parseBytes(memory, '--memory')),
  };
}

function runBytes(memoryBytes: number): number {
  return Math.max(LEAST_RUN_BYTES, Math.min(MOST_RUN_BYTES, Math.floor(memoryBytes * RUN_SHARE)));
}

function integer(field: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw fail('OPTION_INVALID', { field, expected: `a whole number in [${least}, ${most}]`, got: `'${text}'` });
}
