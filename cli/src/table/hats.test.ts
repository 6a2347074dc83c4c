import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@armilla/base';
import { expandPath, openTable, type TableReader } from '@armilla/tables';
import { startCliServer } from '../testing/cli-server.js';
import { runCli, startCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

function stars(name: string, seed: number, count: number): string {
  const random = new Random(seed);
  const places = new Random(1);
  const rows = Array.from({ length: count }, (_, i) => {
    const [ra, dec] = [places.between(0, 360), places.between(-89, 89)];
    return `${i},${ra + random.normal() / 5000},${dec + random.normal() / 5000},${random.uniform()}`;
  });
  writeFileSync(at(name), `id,ra,dec,mag\n${rows.join('\n')}\n`);
  return at(name);
}

const left = stars('left.csv', 2, 5000);
const right = stars('right.csv', 3, 5000);
const quietly = async (...args: string[]): Promise<void> => {
  expect(await runCli([...args, '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
};

/** Lines of a table as CSV, in any order. */
async function linesOf(path: string, columns = 'id,ra,dec,mag'): Promise<string[]> {
  const { code, stdout, stderr } = await runCli(['convert', path, '-', '--columns', columns, '--quiet']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd().split('\n').sort();
}

async function opened<T>(path: string, use: (reader: TableReader) => T): Promise<T> {
  const reader = await openTable(path);
  const result = use(reader);
  await reader.close();
  return result;
}

const contentOf = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [relative(path, file), readFileSync(file).toString('latin1')]),
  );

const beginningWith = (name: string): string[] => readdirSync(folder.path).filter((one) => one.startsWith(name));

beforeAll(async () => {
  await quietly('convert', left, `${at('sky')}/`, '--partition-rows', '300');
  await quietly('convert', right, at('reference'), '--format', 'hats');
});

test('convert writes a catalog, says so, and reads it back', async () => {
  const { code, stderr } = await runCli(['convert', left, `${at('said')}/`, '--partition-rows', '300']);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^5,000 rows to .*\/ \(\d+ partitions, .*\n$/),
  });
  expect(await linesOf(at('said'))).toEqual(await linesOf(left));
  expect(contentOf(at('said')).properties.replace('=said', '=sky')).toBe(contentOf(at('sky')).properties);
  await opened(at('sky'), ({ position, parts }) => {
    expect(position).toMatchObject({ ra: 'ra', dec: 'dec' });
    expect(parts?.every(({ rowCount }) => (rowCount ?? 0) <= 300)).toBe(true);
    expect(JSON.parse(parts?.[0].provenance ?? '')).toMatchObject({
      operation: 'convert',
      counts: { row_count: 5000 },
      inputs: [{ name: left }],
    });
  });
});

test('a catalog of a catalog has the same rows, and its history', async () => {
  await quietly('convert', at('sky'), `${at('twice')}/`, '--partition-rows', '2000');
  expect(await linesOf(at('twice'), '_healpix_29,id,ra,dec,mag')).toEqual(
    await linesOf(at('sky'), '_healpix_29,id,ra,dec,mag'),
  );
  const provenance = await opened(at('twice'), ({ parts }) => parts?.[0].provenance ?? '');
  expect(JSON.parse(provenance)).toMatchObject({
    inputs: [{ name: at('sky'), row_count: 5000, history: [{ operation: 'convert', inputs: [{ name: left }] }] }],
  });
});

test('merge puts catalogs together', async () => {
  await quietly('merge', at('sky'), at('reference'), `${at('merged')}/`);
  expect((await linesOf(at('merged'))).length).toBe(10_001);
});

test('a match of catalogs is that of their files, the same bytes for any number of workers', async () => {
  const columns = 'left.id,left.ra,left.dec,right.id,separation_arcsec';
  const args = ['-r', '2', '--find', 'all', '--columns', columns];
  await quietly('crossmatch', left, right, ...args, '-o', at('files.csv'));
  for (const workers of ['1', '2']) {
    mkdirSync(at(`workers-${workers}`));
    const output = `${at(`workers-${workers}`)}/pairs/`;
    await quietly(
      'crossmatch',
      at('sky'),
      at('reference'),
      ...args,
      '-o',
      output,
      '-w',
      workers,
      '--partition-rows',
      '200',
    );
  }
  const resultColumns = 'id_1,ra,dec,id_2,separation_arcsec';
  expect(await linesOf(at('workers-1/pairs'), resultColumns)).toEqual(await linesOf(at('files.csv'), resultColumns));
  expect(contentOf(at('workers-2/pairs'))).toEqual(contentOf(at('workers-1/pairs')));
});

test('a match of catalogs that goes by way of the disk is the same catalog', async () => {
  const tables = ['many-left', 'many-right'].map((name, i) => [stars(`${name}.csv`, 4 + i, 40_000), `${at(name)}/`]);
  for (const [file, catalog] of tables) await quietly('convert', file, catalog, '--partition-rows', '9000');
  const args = [
    'crossmatch',
    at('many-left'),
    at('many-right'),
    '-r',
    '2',
    '--join',
    'full',
    '--partition-rows',
    '9000',
  ];
  for (const name of ['in-memory', 'spilled']) mkdirSync(at(name));
  await quietly(...args, '-o', `${at('in-memory')}/pairs/`);
  const { code, stderr } = await runCli([...args, '-o', `${at('spilled')}/pairs/`, '--memory', '4MiB']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('does not fit the memory') });
  expect(contentOf(at('spilled/pairs'))).toEqual(contentOf(at('in-memory/pairs')));
  expect(readdirSync(at('spilled'))).toEqual(['pairs']);
});

test('a cone search writes a catalog', async () => {
  const args = ['crossmatch', 'cone', left, '--ra', '100', '--dec', '20', '-r', '30deg'];
  await quietly(...args, '-o', at('cone.csv'));
  const { code, stderr } = await runCli([...args, '-o', `${at('cone')}/`, '--partition-rows', '50']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/rows to .*cone\/ \(\d+ partitions, /) });
  const columns = 'id,ra,dec,mag,separation_arcsec';
  const rows = await linesOf(at('cone'), columns);
  expect(rows.length).toBeGreaterThan(100);
  expect(rows).toEqual(await linesOf(at('cone.csv'), columns));
  await opened(at('cone'), ({ position, parts }) => {
    expect(position).toMatchObject({ ra: 'ra', dec: 'dec' });
    expect(JSON.parse(parts?.[0].provenance ?? '')).toMatchObject({ operation: 'cone' });
  });
});

test('a match of several tables writes a catalog: rows lie at the first table that they have', async () => {
  const args = ['crossmatch', left, right, at('sky'), '-r', '2', '--multi', 'groups', '--join', 'full'];
  await quietly(...args, '-o', at('groups.csv'));
  await quietly(...args, '-o', `${at('groups')}/`, '--partition-rows', '900');
  const columns = 'id_1,ra_1,dec_1,id_2,ra_2,dec_2,id_3,ra_3,dec_3,group_size';
  const rows = await linesOf(at('groups'), columns);
  expect(rows.some((row) => row.startsWith(',,,'))).toBe(true);
  expect(rows).toEqual(await linesOf(at('groups.csv'), columns));
  await opened(at('groups'), ({ position }) => expect(position).toMatchObject({ ra: 'ra_1', dec: 'dec_1' }));
});

describe('on a server', () => {
  let server: Awaited<ReturnType<typeof startCliServer>>;
  beforeAll(async () => {
    server = await startCliServer('--table', `reference=${right}`, '--table', `left=${left}`);
  });
  afterAll(() => server.stop());

  const options = ['-r', '2', '--join', 'full', '--partition-rows', '900'];
  const columns = '_healpix_29,id_1,ra_1,dec_1,id_2,ra_2,dec_2,separation_arcsec';

  test('a match of tables that are sent, or that it keeps, is the catalog of a match here', async () => {
    await quietly('crossmatch', left, right, ...options, '-o', `${at('here')}/`);
    const expected = await linesOf(at('here'), columns);
    for (const [name, ...tables] of [
      ['sent', left, right],
      ['kept', left, 'table:reference'],
      ['both-kept', 'table:left', 'table:reference'],
    ]) {
      await quietly('crossmatch', ...tables, ...options, '-o', `${at(name)}/`, '--server', server.url);
      expect(await linesOf(at(name), columns)).toEqual(expected);
      await opened(at(name), ({ position, parts }) => {
        expect(position).toMatchObject({ ra: 'ra_1', dec: 'dec_1' });
        expect(parts?.every(({ rowCount }) => (rowCount ?? 0) <= 900)).toBe(true);
      });
    }
  });

  test('the columns and suffixes that are asked for decide where the position stands', async () => {
    const some = [
      '-c',
      'left.id,right.*',
      '--suffixes',
      '_a,_b',
      '--join',
      'right',
      '--partition-rows',
      '900',
      '-r',
      '2',
    ];
    await quietly('crossmatch', left, right, ...some, '-o', `${at('some')}/`, '--server', server.url);
    await opened(at('some'), ({ position }) => expect(position).toMatchObject({ ra: 'ra', dec: 'dec' }));
    expect((await linesOf(at('some'), 'id_a,id_b,ra,dec')).length).toBe(5001);
  });

  test('a match without a position is refused', async () => {
    const args = [
      'crossmatch',
      left,
      right,
      '-r',
      '2',
      '-c',
      'left.id',
      '-o',
      `${at('none')}/`,
      '--server',
      server.url,
    ];
    const { code, stderr } = await runCli(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('add left.ra and left.dec') });
    expect(beginningWith('none')).toEqual([]);
  });

  test('a cone search is the catalog of one here', async () => {
    const cone = ['--ra', '100', '--dec', '20', '-r', '30deg'];
    await quietly('crossmatch', 'cone', left, ...cone, '-o', `${at('cone-here')}/`);
    await quietly('crossmatch', 'cone', 'left', ...cone, '-o', `${at('cone-there')}/`, '--server', server.url);
    const columns = '_healpix_29,id,ra,dec,mag,separation_arcsec';
    expect(await linesOf(at('cone-there'), columns)).toEqual(await linesOf(at('cone-here'), columns));
  });
});

test('with an area it tells how much of a catalog is read', async () => {
  const output = at('area.csv');
  const { code, stderr } = await runCli([
    'crossmatch',
    at('sky'),
    right,
    '-r',
    '2',
    '--area',
    'cone(10, 20, 5deg)',
    '-o',
    output,
  ]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^\d of \d+ partitions of .*sky touch the area: [\d,]+ of 5,000 rows are read$/m);
});

test('rows without a position are counted', async () => {
  writeFileSync(at('holes.csv'), 'id,ra,dec\n1,10,20\n2,,20\n3,10,95\n');
  const { code, stderr } = await runCli(['convert', at('holes.csv'), `${at('holes')}/`]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('2 rows without a position left out') });
  expect(await linesOf(at('holes'), 'id')).toEqual(['1', 'id']);
  const provenance = await opened(at('holes'), ({ parts }) => parts?.[0].provenance ?? '');
  expect(JSON.parse(provenance)).toMatchObject({ counts: { row_count: 1, unplaced_row_count: 2 } });
});

test.each([
  ['two tables', [], 'pairs'],
  ['several tables', [at('holes-again.csv')], 'pairs-again'],
])('rows of a match of %s that have no place in a catalog are counted in the JSON', async (_, more, name) => {
  for (const file of ['holes.csv', 'holes-again.csv']) writeFileSync(at(file), 'id,ra,dec\n1,10,20\n2,,20\n3,10,95\n');
  const args = ['crossmatch', at('holes.csv'), at('holes-again.csv'), ...more, '-r', '1', '-j', 'left', '--json'];
  const { code, stdout } = await runCli([...args, '-o', `${at(name)}/`]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ row_count: 3, unplaced_row_count: 2 });
  expect((await linesOf(at(name), 'id_1')).length).toBe(2);
});

describe('what goes wrong leaves nothing', () => {
  mkdirSync(at('thesis'));
  writeFileSync(at('thesis/chapter.tex'), 'x');
  const cut = at('cut');
  beforeAll(async () => {
    await quietly('convert', left, `${cut}/`, '--partition-rows', '300');
    const files = await expandPath(cut);
    rmSync(files[files.length - 1]);
  });

  test.each<[string, number, string, () => string[]]>([
    ['a missing partition', 66, 'HATS_PARTITION_MISSING', () => ['convert', cut, at('bad.csv')]],
    [
      'a missing partition of a match',
      66,
      'HATS_PARTITION_MISSING',
      () => ['crossmatch', left, cut, '-r', '1', '-o', at('bad.csv')],
    ],
    ['a catalog that exists', 73, 'OUTPUT_EXISTS', () => ['convert', left, `${at('sky')}/`]],
    [
      'a folder of something else',
      73,
      'OUTPUT_NOT_CREATED',
      () => ['convert', left, `${at('thesis')}/`, '--overwrite'],
    ],
    [
      'an output that is the input',
      2,
      'OPTIONS_CONFLICT',
      () => ['convert', at('sky'), `${at('sky')}/`, '--overwrite'],
    ],
    ['a folder for a file', 2, 'OPTIONS_CONFLICT', () => ['convert', left, `${at('bad')}/`, '--format', 'csv']],
    ['standard output', 2, 'OPTIONS_CONFLICT', () => ['convert', left, '-', '--format', 'hats']],
    ['no position', 65, 'COLUMN_NOT_FOUND', () => ['convert', left, `${at('bad')}/`, '--ra', 'x', '--dec', 'y']],
    ['a position left out', 65, 'COLUMN_NOT_GUESSED', () => ['convert', left, `${at('bad')}/`, '-c', 'id,mag']],
    [
      'a match without a position',
      2,
      'OPTIONS_CONFLICT',
      () => ['crossmatch', left, right, '-r', '1', '-c', 'left.id', '-o', `${at('bad')}/`],
    ],
    ['partitions of a file', 2, 'OPTIONS_CONFLICT', () => ['convert', left, at('bad.csv'), '--partition-rows', '5']],
    ['no partitions', 2, 'OPTION_INVALID', () => ['convert', left, `${at('bad')}/`, '--partition-rows', '0']],
    ['an order of none', 2, 'OPTION_INVALID', () => ['convert', left, `${at('bad')}/`, '--largest-order', '12']],
    [
      'a cone without a position',
      2,
      'OPTIONS_CONFLICT',
      () => ['crossmatch', 'cone', left, '--ra', '1', '--dec', '2', '-r', '1deg', '-c', 'id', '-o', `${at('bad')}/`],
    ],
    [
      'several tables without a position',
      2,
      'OPTIONS_CONFLICT',
      () => ['crossmatch', left, right, left, '-r', '1', '-c', '1.id,2.ra', '-o', `${at('bad')}/`],
    ],
    [
      'partitions of the file of a cone',
      2,
      'OPTIONS_CONFLICT',
      () => ['crossmatch', 'cone', left, '--ra', '1', '--dec', '2', '-r', '1', '--partition-rows', '5'],
    ],
    [
      'rejected rows',
      2,
      'OPTIONS_CONFLICT',
      () => ['crossmatch', left, right, '-r', '1', '-o', at('bad.csv'), '--rejected', `${at('bad')}/`],
    ],
  ])('%s', async (_, exit, reason, args) => {
    const { code, stderr } = await runCli(args());
    expect({ code, stderr }).toEqual({ code: exit, stderr: expect.stringContaining(`(${reason})`) });
    expect(beginningWith('bad')).toEqual([]);
    expect(readdirSync(at('thesis'))).toEqual(['chapter.tex']);
  });

  test('a full disk', async () => {
    const limited = `trap '' XFSZ; ulimit -f 8; $ARMILLA convert '${left}' '${at('full')}/' --partition-rows 2000`;
    const { code, stderr } = await runCli([limited], { shell: true });
    expect({ code, stderr }).toEqual({ code: 74, stderr: expect.stringContaining('OUTPUT_WRITE_FAILED') });
    expect(beginningWith('full')).toEqual([]);
  });

  test('Ctrl-C', async () => {
    const child = startCli(['convert', '-', `${at('endless')}/`]);
    child.stdin.on('error', () => undefined);
    child.stdin.write(`id,ra,dec\n${Array.from({ length: 200_000 }, (_, i) => `${i},${i / 1000},0.5`).join('\n')}\n`);
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (beginningWith('endless').length === 0) await sleep(20);
    child.kill('SIGINT');
    expect(await closed).toBe(130);
    expect(beginningWith('endless')).toEqual([]);
  });
});

test('killed at any time there is the whole catalog under the name, or nothing', async () => {
  const random = new Random(5);
  const expected = contentOf(at('sky'));
  let killed = 0;
  for (let round = 0; round < 8; round++) {
    const parent = at(`killed-${round}`);
    mkdirSync(parent);
    const child = startCli(['convert', left, `${parent}/sky/`, '--partition-rows', '300', '--quiet']);
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    // Some while it writes, wherever that is on this machine.
    while (round % 2 === 0 && readdirSync(parent).length === 0 && child.exitCode === null) await sleep(5);
    await sleep(random.between(0, round % 2 === 0 ? 150 : 900));
    child.kill('SIGKILL');
    if ((await closed) === null) killed++;
    if (existsSync(join(parent, 'sky'))) expect(contentOf(join(parent, 'sky'))).toEqual(expected);
    for (const name of readdirSync(parent).filter((one) => one.endsWith('.part')))
      if (existsSync(join(parent, name, 'properties')))
        expect(contentOf(join(parent, name)).properties).toBe(expected.properties);
  }
  expect(killed).toBeGreaterThan(0);
}, 120_000);
