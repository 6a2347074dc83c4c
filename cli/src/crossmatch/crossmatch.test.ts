import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Random } from '@armilla/base';
import { runCli, startCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(at(name), content);
  return at(name);
};
afterAll(() => folder.remove());

const left = file('left.csv', 'name,ra,dec\na,10,20\nb,10.001,20\nc,359.9999,-5\nd,100,91\ne,,3\n');
const right = file('right.csv', 'id,ra,dec\n7,10.0001,20\n8,-0.0001,-5\n9,200,0\n');
const match = (...args: string[]) => runCli(['crossmatch', ...args]);

describe('results', () => {
  test('go to standard output as CSV, the summary to standard error, and the rows add up', async () => {
    const { code, stdout, stderr } = await match(left, right, '--radius', '2arcsec');
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toBe('name,ra_1,dec_1,id,ra_2,dec_2,separation_arcsec');
    expect(lines.slice(1).map((line) => line.split(',').slice(0, 6).join(','))).toEqual([
      'a,10.0,20,7,10.0001,20',
      'c,359.9999,-5,8,-0.0001,-5',
    ]);
    expect(stderr).toContain(
      '5 rows = 2 matched + 1 unmatched + 2 rejected (1 DECLINATION_OUT_OF_RANGE, 1 POSITION_NULL)',
    );
    expect(stderr).toContain('position: ra, dec (guessed)');
    expect(stderr).not.toContain('\x1b');
  });

  test('--json prints one object on standard output when the result goes to a file', async () => {
    const { code, stdout, stderr } = await match(
      left,
      right,
      '-r',
      '500mas',
      '--join',
      'left',
      '-o',
      at('j.parquet'),
      '--json',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      row_count: 5,
      pair_count: 2,
      left: {
        row_count: 5,
        matched_row_count: 2,
        unmatched_row_count: 1,
        rejected_row_count: 2,
        rejected_by_reason: { POSITION_NULL: 1 },
      },
    });
    expect(readFileSync(at('j.parquet')).subarray(0, 4).toString()).toBe('PAR1');
  });

  test.each(['arrow', 'arrows', 'parquet', 'tsv', 'csv.gz'])('are the same as .%s', async (extension) => {
    const direct = await match(left, right, '--radius', '5', '--find', 'all', '--quiet');
    const output = at(`same.${extension}`);
    expect(await match(left, right, '--radius', '5', '--find', 'all', '--quiet', '-o', output)).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    // Read back: matched with itself, every row finds itself.
    const back = await match(
      output,
      output,
      '--left-ra',
      'ra_1',
      '--left-dec',
      'dec_1',
      '--right-ra',
      'ra_1',
      '--right-dec',
      'dec_1',
      '--radius',
      '0.001',
      '--quiet',
      '--columns',
      'left.name,left.id,left.separation_arcsec',
    );
    expect(back.code).toBe(0);
    const names = direct.stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => [line.split(',')[0], line.split(',')[3], line.split(',')[6]].join(','));
    expect(back.stdout.trim().split('\n').slice(1)).toEqual(names);
  });

  test('--columns, --suffixes, --find k-nearest', async () => {
    const { stdout, code } = await match(
      left,
      right,
      '--radius',
      '10',
      '--find',
      'k-nearest',
      '--k',
      '1',
      '--columns',
      'rank,left.name,right.id,neighbour_count,left.ra,right.ra',
      '--suffixes',
      '_l,_r',
      '--quiet',
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'rank,name,id,neighbour_count,ra_l,ra_r\n1,a,7,1,10.0,10.0001\n1,b,7,1,10.001,10.0001\n1,c,8,1,359.9999,-0.0001\n',
    });
  });

  test('--self gives each pair once, --groups every row its group', async () => {
    const pairs = await match('--self', left, '--radius', '10', '--columns', 'left.name,right.name', '--quiet');
    expect(pairs.stdout).toBe('name_1,name_2\na,b\n');
    const groups = await match(
      '--self',
      left,
      '--radius',
      '10',
      '--groups',
      '--columns',
      'left.name,group_id,group_size',
      '--quiet',
    );
    expect(groups.code).toBe(0);
    expect(groups.stdout).toContain('a,0,2\nb,0,2\n');
  });

  test('--rejected lists the rows', async () => {
    const { code } = await match(
      left,
      right,
      '--radius',
      '1',
      '--quiet',
      '-o',
      at('r.csv'),
      '--rejected',
      at('rejected.csv'),
    );
    expect(code).toBe(0);
    expect(readFileSync(at('rejected.csv'), 'utf8')).toBe(
      'table,row,reason,column,value\nleft,3,DECLINATION_OUT_OF_RANGE,dec,91\nleft,4,POSITION_NULL,"ra, dec","null"\n',
    );
  });

  test('standard input is a table, and any number of workers gives the same bytes', async () => {
    const random = new Random(5);
    const rows = Array.from({ length: 3000 }, (_, i) => `${i},${random.between(10, 11)},${random.between(-1, 1)}`);
    const table = file('random.csv', `id,ra,dec\n${rows.join('\n')}\n`);
    const outputs = await Promise.all(
      ['1', '3'].map((workers) =>
        runCli(['crossmatch', '-', table, '--radius', '60', '--find', 'all', '--workers', workers, '--quiet'], {
          input: readFileSync(table),
        }),
      ),
    );
    expect(outputs[0]).toMatchObject({ code: 0, stderr: '' });
    expect(outputs[0].stdout.length).toBeGreaterThan(100_000);
    expect(outputs[1].stdout).toBe(outputs[0].stdout);
  });

  test('globs and folders are one table', async () => {
    file('part-1.csv', 'id,ra,dec\n1,1,1\n');
    file('part-2.csv', 'id,ra,dec\n2,2,2\n');
    const { code, stdout } = await runCli(
      ['crossmatch', 'part-*.csv', 'part-2.csv', '--radius', '1', '--quiet', '--columns', 'left.id'],
      { cwd: folder.path },
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'id\n2\n' });
  });
});

describe('bad input ends with its exit code and says what to do', () => {
  const empty = file('empty.csv', '');
  const header = file('header.csv', 'id,ra,dec\n');
  const text = file('text.csv', 'ra,dec\nten,20\n');
  const two = file('two.csv', 'ra,RA_ICRS,dec\n1,1,1\n');
  const twice = file('twice.csv', 'ra,dec,ra\n1,1,1\n');
  const none = file('none.csv', 'x,y\n1,1\n');
  const cut = file('cut.csv.gz', gzipSync('ra,dec\n1,1\n'.repeat(1000)).subarray(0, 40));
  const garbage = file(
    'garbage.bin',
    new Uint8Array(1000).map((_, i) => (i * 7919) & 255),
  );
  const unknown = [left, right, '--radius', '1', '--left-ra', 'nope'];

  test.each([
    ['a missing file', 66, 'INPUT_NOT_FOUND', ['missing.csv', right, '--radius', '1']],
    ['an empty file', 65, 'CSV_INVALID', [empty, right, '--radius', '1']],
    ['an unknown column', 65, 'COLUMN_NOT_FOUND', unknown],
    ['text in a numeric column', 65, 'COLUMN_TYPE', [text, right, '--radius', '1']],
    ['two candidates', 65, 'COLUMN_AMBIGUOUS', [two, right, '--radius', '1']],
    ['no candidate', 65, 'COLUMN_NOT_GUESSED', [none, right, '--radius', '1']],
    ['duplicate names', 65, 'COLUMN_DUPLICATE', [twice, right, '--radius', '1']],
    ['truncated gzip', 65, 'GZIP_INVALID', [cut, right, '--radius', '1']],
    ['no table at all', 65, 'FORMAT_UNKNOWN', [garbage, right, '--radius', '1']],
    ['a radius of 0', 2, 'RADIUS_OUT_OF_RANGE', [left, right, '--radius', '0']],
    ['a radius below 0', 2, 'RADIUS_OUT_OF_RANGE', [left, right, '--radius=-1']],
    ['a radius over 180 degrees', 2, 'RADIUS_OUT_OF_RANGE', [left, right, '--radius', '181deg']],
    ['a radius that is no number', 2, 'OPTION_INVALID', [left, right, '--radius', 'NaN']],
    ['no radius', 2, 'OPTION_INVALID', [left, right]],
    ['no workers', 2, 'OPTION_INVALID', [left, right, '--radius', '1', '--workers', '0']],
    ['one table', 2, 'OPTIONS_CONFLICT', [left, '--radius', '1']],
    [
      'one file for the result and the rejected rows',
      2,
      'OPTIONS_CONFLICT',
      [left, right, '--radius', '1', '--output', 'same.csv', '--rejected', './same.csv'],
    ],
    ['standard output for both', 2, 'OPTIONS_CONFLICT', [left, right, '--radius', '1', '--rejected', '-']],
    ['k without k-nearest', 2, 'OPTIONS_CONFLICT', [left, right, '--radius', '1', '--k', '3']],
    ['a bad row with --strict', 65, 'BAD_ROW', [left, right, '--radius', '1', '--strict']],
    [
      'too many pairs',
      65,
      'MAX_PAIRS_EXCEEDED',
      [left, right, '--radius', '180deg', '--find', 'all', '--max-pairs', '1'],
    ],
    ['an output without a format', 2, 'OPTION_INVALID', [left, right, '--radius', '1', '-o', at('x.dat')]],
    ['an output in no folder', 73, 'OUTPUT_NOT_CREATED', [left, right, '--radius', '1', '-o', at('no/x.csv')]],
    [
      'a server that is not there',
      69,
      'SERVER_UNAVAILABLE',
      [left, right, '--radius', '1', '--server', 'http://127.0.0.1:9'],
    ],
  ])('%s', async (_, exit, reason, args) => {
    const { code, stderr } = await match(...args);
    expect(code).toBe(exit);
    expect(stderr).toContain(`(${reason})`);
    expect(stderr.startsWith('armilla: ')).toBe(true);
  });

  test('messages name the flags of the command line', async () => {
    expect((await match(two, right, '--radius', '1')).stderr).toContain('--left-ra');
    expect((await match(left, right, '--radius', '0')).stderr).toContain('--radius must be in (0, 648000] arcsec');
    expect((await match(left, right, '--radius', '1', '--workers', '0')).stderr).toContain(
      '--workers must be a whole number in [1, 256]',
    );
  });

  test('a header without rows is a table without rows', async () => {
    const { code, stdout, stderr } = await match(header, right, '--radius', '1');
    expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, lines: 1 });
    expect(stderr).toContain('0 rows = 0 matched');
  });

  test('an unknown option suggests the known one', async () => {
    const { code, stderr } = await match(left, right, '--radus', '1');
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean --radius?');
  });
});

describe('types', () => {
  test('of a column that one of the tables has overrule what is sniffed there', async () => {
    const numbered = file('numbered.csv', 'number,ra,dec\n7,10,20\n');
    const typed = await match(
      numbered,
      right,
      '--radius',
      '20deg',
      '--types',
      'number=utf8',
      '--format',
      'jsonl',
      '-q',
    );
    expect(typed).toMatchObject({ code: 0, stdout: expect.stringContaining('"number":"7"') });
  });

  test('of a column that no table has, or none in CSV, are refused', async () => {
    expect(await match(left, right, '--radius', '1', '--types', 'nowhere=utf8')).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('(COLUMN_NOT_FOUND)'),
    });
    const parquet = at('typed.parquet');
    expect((await match('--self', left, '--radius', '1', '--groups', '-q', '-o', parquet)).code).toBe(0);
    expect(await match(parquet, right, '--radius', '1', '--types', 'group_id=utf8')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(OPTIONS_CONFLICT)'),
    });
  });
});

describe('outputs', () => {
  test('an existing file is replaced only with --overwrite', async () => {
    const output = file('existing.csv', 'precious\n');
    expect(await match(left, right, '--radius', '1', '-o', output)).toMatchObject({
      code: 73,
      stderr: expect.stringContaining('--overwrite'),
    });
    expect(readFileSync(output, 'utf8')).toBe('precious\n');
    expect((await match(left, right, '--radius', '2', '-o', output, '--overwrite')).code).toBe(0);
    expect(readFileSync(output, 'utf8')).toContain('separation_arcsec');
  });

  test('a place for the rejected rows that cannot be written to is told before the match', async () => {
    const { code, stderr } = await match(
      left,
      right,
      '--radius',
      '2',
      '-o',
      at('early.csv'),
      '--rejected',
      at('no/rejected.csv'),
    );
    expect({ code, stderr }).toEqual({ code: 73, stderr: expect.stringContaining('(OUTPUT_NOT_CREATED)') });
    expect(existsSync(at('early.csv'))).toBe(false);
  });

  test('a failed match leaves nothing, and no *.part', async () => {
    expect((await match(left, right, '--radius', '2', '--strict', '-o', at('failed.csv'))).code).toBe(65);
    expect(readdirSync(folder.path).filter((name) => name.includes('failed') || name.includes('.part'))).toEqual([]);
  });

  test('pipes are written in place, and a reader that leaves is no crash', async () => {
    const piped = await runCli(
      [`$ARMILLA crossmatch '${left}' '${right}' -r 2 -q -o /dev/stdout --format csv | head -1`],
      { shell: true },
    );
    expect(piped).toMatchObject({ stdout: 'name,ra_1,dec_1,id,ra_2,dec_2,separation_arcsec\n', stderr: '' });
    expect((await match(left, right, '-r', '2', '-q', '-o', '/dev/null')).code).toBe(0);
  });

  test('a full disk leaves nothing', async () => {
    // Files may hold 512 bytes only; the signal is ignored, so that writes fail as on a full disk.
    const limited = `trap '' XFSZ; ulimit -f 1; $ARMILLA crossmatch --self '${at('random.csv')}' -r 600 -o '${at('full.csv')}'`;
    const { code, stderr } = await runCli([limited], { shell: true });
    expect({ code, stderr }).toEqual({ code: 74, stderr: expect.stringContaining('OUTPUT_WRITE_FAILED') });
    expect(readdirSync(folder.path).filter((name) => name.includes('full.csv'))).toEqual([]);
  });

  test('Ctrl-C ends with 130 and removes what was begun', async () => {
    const random = new Random(6);
    const rows = Array.from({ length: 30_000 }, () => `${random.between(0, 2)},${random.between(-1, 1)}`);
    const table = file('many.csv', `ra,dec\n${rows.join('\n')}\n`);
    const child = startCli(['crossmatch', '--self', table, '-r', '2deg', '-o', at('endless.csv')]);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (!readdirSync(folder.path).some((name) => name.startsWith('endless.csv')))
      await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGINT');
    expect(await closed).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(readdirSync(folder.path).filter((name) => name.startsWith('endless.csv'))).toEqual([]);
  });
});
