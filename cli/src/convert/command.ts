import { Command, Option } from 'commander';
import type { CommandContext } from '../command-context.js';
import { OUTPUT_FORMATS } from '../table/flags.js';
import { addHatsOptions } from '../table/hats-flags.js';
import { type ConvertFlags, readConvertTask } from './flags.js';
import { runConvert } from './run.js';

/** `armilla convert`. */
export function convertCommand(context: CommandContext): Command {
  return tableCommand('convert', context)
    .description('Write a table in another format, as it is read: in little memory, whatever its size.')
    .addHelpText('before', CONVERT_EXAMPLES)
    .addHelpText('after', RULES);
}

/** `armilla merge`. */
export function mergeCommand(context: CommandContext): Command {
  return tableCommand('merge', context)
    .description(
      'Write tables of the same columns as one, row after row; their formats may differ, and the order of their columns.',
    )
    .addHelpText('before', MERGE_EXAMPLES)
    .addHelpText('after', RULES);
}

function tableCommand(operation: 'convert' | 'merge', context: CommandContext): Command {
  const command = new Command(operation)
    .usage('IN... OUT [options]')
    .argument(
      '<tables...>',
      'files, globs, folders, HATS catalogs or - (standard input): CSV, TSV, Arrow, Parquet, FITS or VOTable, by content; the last one is the output: a file, - or, for a HATS catalog, NAME/',
    )
    .option('-c, --columns <list>', 'columns to keep, in this order, comma separated (default: all)')
    .option('--types <list>', 'types of CSV columns that overrule what is sniffed: zip=utf8,flag=bool')
    .addOption(
      new Option('--format <format>', "of the output (default: by the file's name; csv on standard output)").choices([
        ...OUTPUT_FORMATS,
      ]),
    )
    .option('--ra <column>', 'right ascension in degrees, for a HATS catalog (default: guessed)')
    .option('--dec <column>', 'declination in degrees, for a HATS catalog (default: guessed)')
    .option('--overwrite', 'replace an existing output')
    .option('-q, --quiet', 'no progress and no summary');
  return addHatsOptions(command).action(async (tables: readonly string[], flags: ConvertFlags) => {
    await runConvert(readConvertTask(operation, tables, flags), context);
  });
}

const CONVERT_EXAMPLES = `Examples:
  armilla convert gaia.csv.gz gaia.parquet
  armilla convert 'tiles/*.parquet' all.arrow --columns id,ra,dec
  armilla convert 'tiles/*.csv.gz' survey/ --partition-rows 500000
  armilla convert survey/ survey.parquet
  zcat stars.csv.gz | armilla convert - stars.parquet --types id=utf8
`;

const MERGE_EXAMPLES = `Examples:
  armilla merge north.csv south.parquet sky.parquet
  armilla merge 'night-*.csv' reference.arrow - --format jsonl | head
`;

const RULES = `
Inputs are read in the order given, the files of a glob or folder by name. Names and types of their columns must agree: what differs is
listed. Nulls, 64-bit integers, units and UCDs are kept where the output's format has a place for them; JSON lines are written, not read.
The output says where it comes from (docs/provenance.md): in its metadata, or for CSV, TSV and JSON lines in OUT.provenance.json.`;
