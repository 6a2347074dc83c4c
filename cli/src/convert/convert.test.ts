import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openTable, type TableReader } from '@armilla/tables';
import { runCli, startCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(at(name), content);
  return at(name);
};
afterAll(() => folder.remove());

const stars = file(
  'stars.csv',
  '# a catalog\nid,name,flag,mag\n9007199254740993,"a, b",true,1.5\n-9223372036854775808,,false,\n3,"null",,NaN\n',
);
const convert = (...args: string[]) => runCli(['convert', ...args]);
const merge = (...args: string[]) => runCli(['merge', ...args]);

async function opened<T>(path: string, use: (reader: TableReader) => T | Promise<T>): Promise<T> {
  const reader = await openTable(path);
  try {
    return await use(reader);
  } finally {
    await reader.close();
  }
}

const provenanceOf = (path: string): Promise<Record<string, unknown>> =>
  opened(
    path,
    ({ schema }) => JSON.parse(schema.metadata.get('armilla.provenance') as string) as Record<string, unknown>,
  );

const partsLeft = (name: string): string[] => readdirSync(folder.path).filter((one) => one.includes(name));

describe('convert', () => {
  test.each(['parquet', 'arrow', 'arrows', 'tsv', 'csv.gz'])('to .%s and back keeps every value', async (extension) => {
    const output = at(`round.${extension}`);
    const { code, stdout, stderr } = await convert(stars, output);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^3 rows to .*\n$/);
    expect(await convert(output, '-', '--quiet')).toEqual({
      code: 0,
      stdout: 'id,name,flag,mag\n9007199254740993,"a, b",true,1.5\n-9223372036854775808,,false,\n3,"null",,NaN\n',
      stderr: '',
    });
  });

  test('writes JSON lines, the columns that are asked for, from standard input', async () => {
    const { code, stdout } = await runCli(['convert', '-', '-', '--format', 'jsonl', '-c', 'name,id', '-q'], {
      input: readFileSync(stars),
    });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        '{"name":"a, b","id":9007199254740993}\n{"name":null,"id":-9223372036854775808}\n{"name":"null","id":3}\n',
    });
  });

  test('keeps units and UCDs where the format has a place for them', async () => {
    const left = file('units-left.csv', 'ra,dec\n1,1\n');
    const pairs = at('units.parquet');
    expect((await runCli(['crossmatch', left, left, '-r', '1', '-q', '-o', pairs])).code).toBe(0);
    expect((await convert(pairs, at('units.arrow'), '-q')).code).toBe(0);
    const unit = await opened(at('units.arrow'), ({ schema }) => schema.fields.at(-1)?.metadata.get('unit'));
    expect(unit).toBe('arcsec');
    expect((await convert(pairs, at('units.csv'), '-q')).code).toBe(0);
    const beside = JSON.parse(readFileSync(at('units.csv.provenance.json'), 'utf8')) as {
      output: { columns: unknown[] };
    };
    expect(beside.output.columns.at(-1)).toEqual({ name: 'separation_arcsec', type: 'Float64', unit: 'arcsec' });
  });

  test('says where the rows come from, and carries along what the input said', async () => {
    expect((await convert(stars, at('first.csv'), '-q')).code).toBe(0);
    expect((await convert(at('first.csv'), at('second.parquet'), '-q')).code).toBe(0);
    expect((await convert(at('second.parquet'), at('third.arrow'), '-q', '--columns', 'id')).code).toBe(0);
    expect(await provenanceOf(at('third.arrow'))).toMatchObject({
      program: 'armilla',
      version: expect.stringMatching(/^\d+\.\d+/),
      operation: 'convert',
      options: { columns: ['id'] },
      counts: { row_count: 3 },
      inputs: [
        {
          name: at('second.parquet'),
          format: 'parquet',
          row_count: 3,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          history: [
            {
              operation: 'convert',
              inputs: [
                {
                  name: at('first.csv'),
                  history: [{ inputs: [{ name: stars, byte_count: readFileSync(stars).length }] }],
                },
              ],
            },
          ],
        },
      ],
    });
    // A file that was changed is not what its sidecar tells of.
    writeFileSync(at('first.csv'), readFileSync(at('first.csv'), 'utf8').replace('1.5', '1.25'));
    expect((await convert(at('first.csv'), at('fourth.parquet'), '-q')).code).toBe(0);
    expect(JSON.stringify(await provenanceOf(at('fourth.parquet')))).not.toContain('history');
  });

  test('gives the same bytes in every run', async () => {
    for (const name of ['once.parquet', 'twice.parquet', 'once.arrow', 'twice.arrow'])
      expect((await convert(stars, at(name), '-q')).code).toBe(0);
    expect(readFileSync(at('twice.parquet'))).toEqual(readFileSync(at('once.parquet')));
    expect(readFileSync(at('twice.arrow'))).toEqual(readFileSync(at('once.arrow')));
  });
});

describe('merge', () => {
  test('puts tables of several formats together, their columns in any order', async () => {
    const parquet = at('one.parquet');
    expect((await convert(file('one.csv', 'id,x\n1,0.5\n2,\n'), parquet, '-q')).code).toBe(0);
    const other = file('two.csv', 'x,id\n2.5,3\n');
    mkdirSync(at('more'), { recursive: true });
    file('more/a.tsv', 'id\tx\n4\t1\n');
    expect(await merge(parquet, other, at('more'), at('m.csv'), '-q')).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(at('m.csv'), 'utf8')).toBe('id,x\n1,0.5\n2,\n3,2.5\n4,1.0\n');
    const beside = JSON.parse(readFileSync(at('m.csv.provenance.json'), 'utf8')) as Record<string, unknown>;
    expect(beside).toMatchObject({
      operation: 'merge',
      inputs: [
        { name: parquet, format: 'parquet', row_count: 2, history: [{ operation: 'convert' }] },
        { name: other, format: 'csv', row_count: 1 },
        { name: at('more'), format: 'tsv', row_count: 1, file_count: 1 },
      ],
      counts: { row_count: 4 },
      output: { row_count: 4, byte_count: readFileSync(at('m.csv')).length },
      run: { total_seconds: expect.any(Number) },
    });
  });

  test('sniffs the types of text together', async () => {
    const whole = file('whole.csv', 'x\n1\n');
    const broken = file('broken.csv', 'x\n1.5\n');
    expect(await merge(whole, broken, '-', '-q')).toEqual({ code: 0, stdout: 'x\n1.0\n1.5\n', stderr: '' });
  });

  test('whole numbers of a CSV beside doubles: refused, until their type is said', async () => {
    const parquet = at('doubles.parquet');
    expect((await convert(file('doubles.csv', 'id,mag\n1,0.5\n'), parquet, '-q')).code).toBe(0);
    const whole = file('integers.csv', 'id,mag\n2,7\n');
    const refused = await merge(parquet, whole, at('mixed.csv'));
    expect(refused).toMatchObject({ code: 65, stderr: expect.stringContaining("column 'mag' is Int64, not Float64") });
    const output = at('mixed.csv');
    expect(await merge(parquet, whole, output, '-q', '--types', 'mag=float64')).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(output, 'utf8')).toBe('id,mag\n1,0.5\n2,7.0\n');
  });

  test('says what differs', async () => {
    const parquet = at('differs.parquet');
    expect((await convert(file('differs.csv', 'id,x,old\n1,0.5,a\n'), parquet, '-q')).code).toBe(0);
    const { code, stderr } = await merge(parquet, file('other.csv', 'id,x,new\nb,0.5,a\n'), at('never.csv'));
    expect(code).toBe(65);
    for (const part of ["column 'id' is Utf8, not Int64", "column 'old' is missing", "column 'new' is new"])
      expect(stderr).toContain(part);
    expect(stderr).toContain('(SCHEMAS_DIFFER)');
    expect(partsLeft('never')).toEqual([]);
  });
});

describe('what goes wrong ends with its exit code and leaves nothing', () => {
  const table = file('table.csv', 'id,x\n1,2\n');
  symlinkSync(table, at('link.csv'));
  test.each([
    ['one argument', 2, 'OPTIONS_CONFLICT', [table]],
    ['a missing file', 66, 'INPUT_NOT_FOUND', [at('missing.csv'), at('bad.csv')]],
    ['no table', 65, 'FORMAT_UNKNOWN', [file('garbage.bin', new Uint8Array(100)), at('bad.csv')]],
    ['an empty file', 65, 'CSV_INVALID', [file('empty.csv', ''), at('bad.csv')]],
    ['an unknown column', 65, 'COLUMN_NOT_FOUND', [table, at('bad.csv'), '--columns', 'id,nope']],
    ['a column twice', 2, 'OPTION_INVALID', [table, at('bad.csv'), '--columns', 'id,id']],
    ['a type of an unknown column', 65, 'COLUMN_NOT_FOUND', [table, at('bad.csv'), '--types', 'nope=utf8']],
    ['an output without a format', 2, 'OPTION_INVALID', [table, at('bad.dat')]],
    ['an output in no folder', 73, 'OUTPUT_NOT_CREATED', [table, at('no/bad.csv')]],
    ['an output that exists', 73, 'OUTPUT_EXISTS', [table, stars]],
    ['an output that is the input', 2, 'OPTIONS_CONFLICT', [table, table, '--overwrite']],
    ['an output that is the input by another name', 2, 'OPTIONS_CONFLICT', [at('link.csv'), table, '--overwrite']],
    ['standard input among others', 2, 'OPTIONS_CONFLICT', [table, '-', at('bad.csv')]],
  ])('%s', async (_, exit, reason, args) => {
    const { code, stderr } = await convert(...args);
    expect({ code, stderr }).toEqual({ code: exit, stderr: expect.stringContaining(`(${reason})`) });
    expect(partsLeft('bad')).toEqual([]);
    expect(readFileSync(table, 'utf8')).toBe('id,x\n1,2\n');
  });

  test.each(['csv', 'jsonl', 'arrow-stream', 'parquet'])(
    'a column that cannot be read is told before the first byte on standard output: %s',
    async (format) => {
      const nested = fileURLToPath(new URL('../../../fixtures/parquet/pyarrow-nested.parquet', import.meta.url));
      const { code, stdout, stderr } = await convert(nested, '-', '--format', format);
      expect({ code, stdout }).toEqual({ code: 65, stdout: '' });
      expect(stderr).toContain('(PARQUET_UNSUPPORTED)');
    },
  );

  test('an output that is among the files of a pattern', async () => {
    file('tile-1.csv', 'id\n1\n');
    const { code, stderr } = await merge(at('tile-*.csv'), at('tile-1.csv'), '--overwrite');
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('is the output and an input') });
  });

  test('an existing file is replaced with --overwrite, and its sidecar with it', async () => {
    const output = at('again.csv');
    expect((await convert(table, output, '-q')).code).toBe(0);
    expect((await convert(stars, output, '-q', '--overwrite')).code).toBe(0);
    expect(readFileSync(`${output}.provenance.json`, 'utf8')).toContain('stars.csv');
  });

  const many = (): string => {
    if (!existsSync(at('many.csv')))
      file('many.csv', `id,x\n${Array.from({ length: 200_000 }, (_, i) => `${i},${i / 7}`).join('\n')}\n`);
    return at('many.csv');
  };

  test.each(['csv', 'parquet'])('a full disk (.%s)', async (extension) => {
    // Files may hold 512 bytes only; the signal is ignored, so that writes fail as on a full disk.
    const limited = `trap '' XFSZ; ulimit -f 1; $ARMILLA convert '${many()}' '${at(`full.${extension}`)}'`;
    const { code, stderr } = await runCli([limited], { shell: true });
    expect({ code, stderr }).toEqual({ code: 74, stderr: expect.stringContaining('OUTPUT_WRITE_FAILED') });
    expect(partsLeft('full.')).toEqual([]);
  });

  test('Ctrl-C ends with 130', async () => {
    // Standard input stays open: the table has no end.
    const child = startCli(['convert', '-', at('endless.csv')]);
    child.stdin.on('error', () => undefined);
    child.stdin.write(`id\n${Array.from({ length: 300_000 }, (_, i) => i).join('\n')}\n`);
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (partsLeft('endless').length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    expect(await closed).toBe(130);
    expect(partsLeft('endless')).toEqual([]);
  });
});

test('a pipe can be one of several tables as text, and says so where it cannot', async () => {
  const table = file('piped.csv', 'id\n1\n');
  expect((await convert(table, at('piped.arrows'), '-q')).code).toBe(0);
  const pipes = (name: string): string => `$ARMILLA merge '${table}' <(cat '${at(name)}') - -q --format csv`;
  expect(await runCli([pipes('piped.csv')], { shell: true })).toEqual({ code: 0, stdout: 'id\n1\n1\n', stderr: '' });
  expect(await runCli([pipes('piped.arrows')], { shell: true })).toMatchObject({
    code: 66,
    stderr: expect.stringContaining('(INPUT_UNREADABLE)'),
  });
});
