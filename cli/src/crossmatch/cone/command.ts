import { Command, Option } from 'commander';
import { SIDE_OPTIONS } from '@armilla/gateway/side-options';
import type { CommandContext } from '../../command-context.js';
import { OUTPUT_FORMATS } from '../../table/flags.js';
import { addHatsOptions } from '../../table/hats-flags.js';
import { type ConeFlags, flagName, readConeTask } from './flags.js';
import { runCone } from './run.js';

/** `armilla crossmatch cone`. */
export function coneCommand(context: CommandContext): Command {
  const command = new Command('cone')
    .description('Rows of a table within a radius of a centre, nearest first.')
    .usage('TABLE --ra RA --dec DEC --radius R [options]')
    .argument(
      '<table>',
      'file, glob, folder or - (standard input), read once; with --server the name of a stored table',
    )
    .option('--ra <angle>', 'required: right ascension of the centre, ICRS: 10.68 (degrees) or 00:42:44.3 (hours)')
    .option('--dec <angle>', 'required: declination of the centre: 41.27 or +41:16:09')
    .option(
      '-r, --radius <angle>',
      'required: largest separation, inclusive: 5arcmin, 0.1deg; a bare number is in arcsec',
    )
    .option('--limit <number>', 'rows at most, the nearest ones (default: all)')
    .option(
      '-c, --columns <list>',
      'result columns: NAME, table.*, separation_arcsec, table_row (default: all, and the separation)',
    )
    .option(
      '--at-epoch <epoch>',
      'compare the rows where they stand then, such as J2026.5; needs their epoch and motions',
    );
  for (const { name, sentence, inCone } of SIDE_OPTIONS)
    if (inCone) command.option(`${flagName(name)} <${VALUES[name] ?? 'column'}>`, sentence.replace(/\.$/, ''));
  addHatsOptions(command);
  return command
    .option('--types <list>', 'types of CSV columns that overrule what is sniffed: zip=utf8,flag=bool')
    .option(
      '-o, --output <file>',
      'where the result goes: a file, - for standard output, or NAME/ for a HATS catalog',
      '-',
    )
    .addOption(
      new Option('--format <format>', "of the result (default: by the file's name; csv on standard output)").choices([
        ...OUTPUT_FORMATS,
      ]),
    )
    .option('--overwrite', 'replace an existing output')
    .option('--server <url>', 'ask this server; a bearer token is taken from ARMILLA_TOKEN')
    .option('--json', 'print what was found as one JSON object: on standard output when the result goes to a file')
    .option('-q, --quiet', 'no progress and no summary')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', RULES)
    .exitOverride()
    .showSuggestionAfterError(true)
    .showHelpAfterError("(see 'armilla crossmatch cone --help')")
    .action(async (table: string, flags: ConeFlags) => {
      await runCone(readConeTask(table, flags), context);
    });
}

const VALUES: Readonly<Record<string, string>> = { frame: 'frame', epoch: 'epoch', where: 'condition' };

const EXAMPLES = `Examples:
  armilla crossmatch cone gaia.parquet --ra 10.68 --dec 41.27 --radius 5arcmin
  armilla crossmatch cone 'tiles/*.parquet' --ra 00:42:44.3 --dec +41:16:09 -r 1deg --where 'mag < 18' -o m31.parquet
  armilla crossmatch cone gaia.parquet --ra 269.45 --dec 4.75 -r 30 --epoch J2016 --at-epoch J2026.9 --limit 5
  armilla crossmatch cone gaia_dr3 --server http://127.0.0.1:7431 --ra 10.68 --dec 41.27 -r 5arcmin
`;

const RULES = `
A file is read once, without an index; row groups of Parquet that cannot touch the cone, by their statistics, are left out. For many
cones match a table of centres: armilla crossmatch centres.csv TABLE --find all --radius R.`;
