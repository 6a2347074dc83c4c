import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTable } from '@armilla/tables';
import { runCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

writeFileSync(at('left.csv'), 'name,ra,dec,e_pos,pmra,pmdec\na,10,20,0.1,1,2\nb,10.001,20,0.1,,\nc,100,91,0.1,0,0\n');
writeFileSync(at('right.csv'), 'id,RAJ2000,DEJ2000\n9007199254740993,10.0001,20\n8,200,0\n');

const match = (...args: string[]) =>
  runCli(['crossmatch', 'left.csv', 'right.csv', '--radius', '2', '--quiet', ...args], { cwd: folder.path });

async function provenanceOf(name: string): Promise<Record<string, unknown>> {
  const reader = await openTable(at(name));
  await reader.close();
  return JSON.parse(reader.schema.metadata.get('armilla.provenance') as string) as Record<string, unknown>;
}

const KNOWN_AHEAD = {
  program: 'armilla',
  version: expect.stringMatching(/^\d+\.\d+/),
  operation: 'crossmatch',
  options: { radius_arcsec: 2, min_radius_arcsec: 0, find: 'nearest', join: 'inner', order: 'left', strict: false },
  inputs: [
    {
      table: 'left',
      name: 'left.csv',
      format: 'csv',
      row_count: 3,
      file_count: 1,
      byte_count: readFileSync(at('left.csv')).length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      position: { guessed: true, frame: 'icrs', ra_degrees: { column: 'ra' }, dec_degrees: { column: 'dec' } },
      epoch: { julian_year: 2016 },
      motion: { guessed: true, pm_ra_cosdec_mas_per_year: { column: 'pmra' } },
      error: { shape: 'circle', radius_arcsec: { column: 'e_pos', factor: 1e-3 } },
    },
    {
      table: 'right',
      name: 'right.csv',
      row_count: 2,
      position: { guessed: true, ra_degrees: { column: 'RAJ2000' } },
      epoch: { julian_year: 2000 },
    },
  ],
};
const COUNTS = {
  row_count: 1,
  pair_count: 1,
  left: { row_count: 3, matched_row_count: 1, rejected_by_reason: { DECLINATION_OUT_OF_RANGE: 1 } },
  right: { row_count: 2, matched_row_count: 1, unmatched_row_count: 1 },
};
const ASTROMETRY = ['--left-epoch', 'J2016', '--right-epoch', 'J2000', '--left-error', 'e_pos:mas', '--find', 'mutual'];

test.each([
  ['parquet', true],
  ['arrow', true],
  ['arrows', false],
])('.%s carries what is known when it is written', async (extension, hasCounts) => {
  const output = `out.${extension}`;
  expect(await match(...ASTROMETRY, '-o', output)).toMatchObject({ code: 0, stderr: '' });
  const document = await provenanceOf(output);
  expect(document).toMatchObject({ ...KNOWN_AHEAD, options: { find: 'mutual' } });
  if (hasCounts) expect(document.counts).toMatchObject(COUNTS);
  else expect(document.counts).toBeUndefined();
  expect(readdirSync(folder.path)).not.toContain(`${output}.provenance.json`);
});

test.each(['csv', 'tsv', 'jsonl', 'csv.gz'])('.%s has it in a file beside it, with the duration', async (extension) => {
  const output = `out.${extension}`;
  expect(await match(...ASTROMETRY, '-o', output)).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(readFileSync(at(`${output}.provenance.json`), 'utf8'))).toMatchObject({
    ...KNOWN_AHEAD,
    options: { find: 'mutual' },
    counts: COUNTS,
    output: { row_count: 1, byte_count: readFileSync(at(output)).length },
    run: {
      total_seconds: expect.any(Number),
      worker_count: expect.any(Number),
      inputs_modified: [expect.any(String), expect.any(String)],
    },
  });
});

test('standard output and devices have no file beside them', async () => {
  const before = readdirSync(folder.path);
  expect((await match()).code).toBe(0);
  expect((await match('-o', '/dev/null')).code).toBe(0);
  expect(readdirSync(folder.path)).toEqual(before);
  expect(readdirSync('/dev')).not.toContain('null.provenance.json');
});

test('a failed match leaves neither, and a file of that name is found before the match', async () => {
  expect((await match('-o', 'failed.csv', '--strict')).code).toBe(65);
  expect(readdirSync(folder.path).filter((name) => name.startsWith('failed'))).toEqual([]);
  writeFileSync(at('taken.csv.provenance.json'), 'precious');
  expect(await match('-o', 'taken.csv')).toMatchObject({
    code: 73,
    stderr: expect.stringContaining('(OUTPUT_EXISTS)'),
  });
  expect(readFileSync(at('taken.csv.provenance.json'), 'utf8')).toBe('precious');
});

test('results are the same bytes for any number of workers, provenance included', async () => {
  for (const extension of ['parquet', 'arrow', 'arrows']) {
    for (const workers of ['1', '3'])
      expect((await match('-o', `same-${workers}.${extension}`, '--workers', workers)).code).toBe(0);
    expect(readFileSync(at(`same-3.${extension}`))).toEqual(readFileSync(at(`same-1.${extension}`)));
  }
});

test('types and the options of a match with itself are told; the rejected rows carry it too', async () => {
  const args = ['crossmatch', '--self', 'left.csv', '-r', '10', '--groups', '-q', '--types', 'e_pos=utf8'];
  const outputs = ['-o', 'groups.parquet', '--rejected', 'rejected.parquet'];
  expect((await runCli([...args, ...outputs], { cwd: folder.path })).code).toBe(0);
  const document = await provenanceOf('groups.parquet');
  expect(document).toMatchObject({
    options: { self_match: 'groups' },
    types: { e_pos: 'utf8' },
    inputs: [{ table: 'left', name: 'left.csv' }],
    counts: { group_count: 1 },
  });
  expect(document.inputs).toHaveLength(1);
  expect(await provenanceOf('rejected.parquet')).toEqual(document);
});
