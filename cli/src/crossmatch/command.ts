import { Command, Option } from 'commander';
import { FINDS, JOINS, MULTIS, ORDERS, TABLES_JOINS } from '@armilla/crossmatch';
import { SIDE_OPTIONS } from '@armilla/gateway/side-options';
import type { CommandContext } from '../command-context.js';
import { coneCommand } from './cone/command.js';
import { OUTPUT_FORMATS } from '../table/flags.js';
import { addHatsOptions } from '../table/hats-flags.js';
import { type CrossmatchFlags, readMatchTask } from './flags.js';
import { runMatch } from './run.js';
import { isOfTables, readTablesTask, type TablesFlags } from './tables/flags.js';
import { runTables } from './tables/run.js';

/** `armilla crossmatch`. */
export function crossmatchCommand(context: CommandContext): Command {
  const command = new Command('crossmatch')
    .description('Match two tables on the sky, or one with itself.')
    .usage(
      'LEFT RIGHT --radius R [options]\n       armilla crossmatch FIRST SECOND THIRD... --radius R [options]\n       armilla crossmatch --self TABLE --radius R [options]\n       armilla crossmatch cone TABLE --ra RA --dec DEC --radius R [options]',
    )
    .argument(
      '[left]',
      'file, glob, folder, HATS catalog or - (standard input): CSV, TSV, Arrow, Parquet, FITS or VOTable, by content',
    )
    .argument('[right]', 'the same; with --server also table:NAME, a table stored there')
    .argument('[more...]', 'more tables, which are matched with the first one, or all of them with each other')
    .option(
      '-r, --radius <angle>',
      'required: largest separation, inclusive: 1arcsec, 500mas, 0.1deg; a bare number is in arcsec',
    )
    .addOption(new Option('-f, --find <what>', 'which pairs (default: nearest; all with --self)').choices([...FINDS]))
    .option('-k, --k <number>', 'how many right rows of each left row, for --find k-nearest (default: 2)')
    .addOption(
      new Option(
        '-j, --join <kind>',
        'which rows the result keeps (default: inner); matched is for several tables',
      ).choices([...new Set([...JOINS, ...TABLES_JOINS])]),
    )
    .option('--min-radius <angle>', 'smallest separation, inclusive')
    .option('--max-sigma <number>', 'largest separation in units of the combined error, inclusive; needs errors')
    .option(
      '--area <area>',
      'only left rows in it: cone(...), box(...), polygon(...), healpix(...), moc(...); see below',
    )
    .option('--moc <file>', 'only left rows in this coverage map: FITS, ASCII or JSON')
    .option('--where <condition>', 'only pairs of which this holds, such as "abs(left.mag - right.mag) < 1"; see below')
    .option('--probabilities', 'tell of all pairs within the radius how probable they are; needs errors of both tables')
    .option('--right-sky-area <area>', 'square degrees that the right table covers, or full')
    .option('--completeness <share>', 'share of left rows that have their counterpart in the right table (default: 1)')
    .option(
      '--acceptable-ratio <share>',
      "of the best candidate's p_i, above which another has match_flag 2 (default: 0.5)",
    )
    .option(
      '--magnitude-prior <prior>',
      'NAME=FILE or NAME=auto: a magnitude of the right table that weighs, by a histogram; may be repeated',
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option('--secure-posterior <probability>', 'dist_post above which a pair counts for NAME=auto (default: 0.9)')
    .addOption(
      new Option(
        '--multi <mode>',
        'of several tables: pairs with the first (default), groups, or all combinations',
      ).choices([...MULTIS]),
    )
    .option(
      '--table <option>',
      'of several tables: K.OPTION=VALUE for table K, such as 3.error=e_pos:mas or 3.sky-area=2.5; may be repeated',
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option('--self <table>', 'match this table with itself, each pair once')
    .option('--groups', 'with --self: friends-of-friends groups instead of pairs')
    .option(
      '-c, --columns <list>',
      'result columns, comma separated: left.NAME, right.NAME, NAME, or a computed one (see below)',
    )
    .option('--suffixes <list>', 'appended to names that both tables have (default: _1,_2)')
    .option('--types <list>', 'types of CSV columns that overrule what is sniffed: zip=utf8,flag=bool')
    .option('--strict', 'stop at the first row without a usable position instead of counting such rows')
    .option('--rejected <file>', 'write the rows without a usable position to this file')
    .option('--recenter', 'measure the rotation between the tables first and turn the left positions by it')
    .option('--assess', 'tell whether to trust the match: chance matches, completeness and purity, offsets')
    .option('--report <file>', 'write what --assess tells, with pictures, as one HTML page')
    .option('--max-pairs <number>', 'refuse a match that would give more pairs')
    .addOption(
      new Option('--order <order>', 'left: by left row; any: as they are found, with left_row and right_row')
        .choices([...ORDERS])
        .default('left'),
    )
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
    .option('-w, --workers <number>', 'threads (default: one per core)')
    .option(
      '-m, --memory <size>',
      'memory to plan with, for example 2GiB (default: what the machine or container allows); not with --server',
    )
    .option(
      '--scratch <folder>',
      'where a join goes that does not fit the memory, in a folder OUTPUT.scratch (default: beside the output)',
    )
    .option('--resume', 'continue such a join where it was interrupted')
    .option('--server <url>', 'let this server match; a bearer token is taken from ARMILLA_TOKEN')
    .option(
      '--json',
      'print the summary as one JSON object: on standard output when the result goes to a file, else on standard error',
    )
    .option('-q, --quiet', 'no progress and no summary')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', SIDES + FILTERS + COLUMNS)
    .action(
      async (
        left: string | undefined,
        right: string | undefined,
        more: string[],
        flags: CrossmatchFlags & TablesFlags,
      ) => {
        if (isOfTables(more, flags)) await runTables(readTablesTask([left, right, ...more], flags), context);
        else await runMatch(readMatchTask(left, right, flags), context);
      },
    );
  addHatsOptions(command);
  // Lines that differ by a word are no help: they are listed once, below.
  for (const side of ['left', 'right'])
    for (const { name } of SIDE_OPTIONS) command.addOption(new Option(sideFlag(side, name)).hideHelp());
  // The flags of a cone are its own, also those that a match has under the same name.
  return command.enablePositionalOptions().addCommand(coneCommand(context)).addHelpCommand(false);
}

function sideFlag(side: string, name: string): string {
  return `--${side}-${name.replaceAll('_', '-')} <${['frame', 'epoch', 'where'].includes(name) ? name : 'column'}>`;
}

const EXAMPLES = `Examples:
  armilla crossmatch left.csv right.parquet --radius 1arcsec -o pairs.parquet
  armilla crossmatch left.csv.gz right.csv --radius 500mas --find all --join left -o - | less
  armilla crossmatch 'tiles/*.parquet' ref.parquet --radius 2 --columns left.id,right.id,separation_arcsec -o ids.csv
  zcat left.csv.gz | armilla crossmatch - ref.parquet --radius 2 > pairs.csv
  armilla crossmatch survey.parquet ref.parquet --radius 2 --memory 2GiB --scratch /data/tmp --resume -o pairs.parquet
  armilla crossmatch --self catalog.parquet --radius 0.5 --groups -o groups.parquet
  armilla crossmatch gaia.parquet old.csv -r 2 --left-epoch J2016 --right-epoch B1950 --right-frame fk4 -o pairs.csv
  armilla crossmatch left.parquet right.parquet -r 2 --report match.html -o pairs.parquet
  armilla crossmatch a.csv b.csv -r 5 --left-error e_pos:mas --right-error sigma:arcsec --max-sigma 3 -o pairs.csv
  armilla crossmatch xray.csv optical.parquet -r 10 --probabilities --right-sky-area 2.0 --completeness 0.9 \\
    --left-error pos_err:arcsec --right-error e_pos:mas --magnitude-prior imag=auto -j left -o probable.parquet
  armilla crossmatch gaia.parquet twomass.csv wise.csv -r 2 --join left -o three.parquet
  armilla crossmatch x.csv opt.csv ir.csv -r 6 --probabilities --table 1.error=err:arcsec --table 2.error=0.1arcsec \\
    --table 3.error=e:arcsec --table 2.sky-area=0.5 --table 3.sky-area=2 -o combinations.parquet
  armilla crossmatch survey.csv table:gaia table:twomass -r 2 --server http://127.0.0.1:7431 -o three.parquet
  armilla crossmatch a.csv b.csv -r 2 --area 'cone(10.5, 41.2, 1deg)' --left-where 'mag < 18' -o pairs.csv
`;

const SIDES = `
Options of either table, as --left-... and --right-...; columns are NAME, or NAME:UNIT where they have no unit:
${SIDE_OPTIONS.map(({ name, sentence }) => `  ${name.replaceAll('_', '-').padEnd(20)} ${sentence}`).join('\n')}
`;

const FILTERS = `
Areas, in degrees and ICRS; only left rows are cut, so that no pair is lost at the border:
  cone(RA, DEC, RADIUS)   box(RA, DEC, RA, DEC)   polygon(RA DEC, RA DEC, RA DEC, ...)
  healpix(ORDER; PIXEL, FROM-TO, ...)   moc(3/3 10 4/16-18)   moc({"3":[3,10]})
Conditions know = <> < <= > >=, AND, OR, NOT, IN, BETWEEN, IS NULL, + - * /, abs, sqrt, ln, log10, power, 'text', TRUE,
FALSE; columns are NAME or "NAME", in --where left.NAME and right.NAME. Null and NaN satisfy nothing but IS NULL.
`;

const COLUMNS = `
Computed columns: separation_arcsec, rank, neighbour_count, second_separation_arcsec, normalised_distance,
delta_ra_cosdec_arcsec, delta_dec_arcsec, left_row, right_row; group_id and group_size with --groups; dist_bayesfactor,
dist_post, bias_NAME, p_single, p_any, p_i, match_flag with --probabilities.
Rows without a usable position are counted by reason and kept by left, right and full joins; RA may be in any turn.`;
