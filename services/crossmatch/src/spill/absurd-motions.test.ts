import { isProblem, Random } from '@armilla/base';
import type { Table } from 'apache-arrow';
import type { MatchOptions, SideOptions } from '../options.js';
import { BothWays, factsOf, type WrittenMatch } from '../testing/both-ways.js';
import { tableOf } from '../testing/memory-table.js';
import { awkwardSky } from '../testing/sky.js';
import { storeParquet } from '../testing/stored-catalog.js';

let ways: BothWays;
const FILES = ['left.parquet', 'right.parquet'];
/** Milliarcseconds a year, of rows now and then: across the sky in a year, and what is no number any more when it is used. */
const MOTIONS: Readonly<Record<string, number>> = {
  'round the sky in a year': 1.296e9,
  'a square that is no number': 1e200,
  'next to the largest number': 1e300,
};

/** Rows of which one in `every` moves by the motions given, up or down. */
function moving(seed: number, rowCount: number, masPerYear: number, every: number): Table {
  const { ra, dec } = awkwardSky(seed, rowCount);
  const random = new Random(seed + 70);
  const column = (make: (row: number) => number): Float64Array => Float64Array.from(ra, (_, row) => make(row));
  const motion = (row: number): number =>
    row % every === 1 ? masPerYear * (random.below(2) === 0 ? 1 : -1) : random.normal() * 50;
  return tableOf({
    id: BigInt64Array.from(ra, (_, row) => BigInt(row)),
    ra,
    dec,
    pmra: column((row) => (row % 3 === 0 ? 0 : motion(row))),
    pmdec: column((row) => (row % 3 === 1 ? 0 : motion(row))),
    year: column(() => random.between(1990, 2020)),
  });
}

beforeAll(async () => {
  ways = await BothWays.create();
  for (const [i, motion] of Object.values(MOTIONS).entries())
    for (const [side, file] of FILES.entries())
      for (const every of [1, 40]) {
        const table = moving(10 + side, 180 + 30 * side, motion, every);
        await storeParquet(ways.at(`${i}-${every}-${file}`), table);
      }
});
afterAll(() => ways[Symbol.asyncDispose]());

const side: SideOptions = { pmRaCosdec: 'pmra', pmDec: 'pmdec' };
const EPOCHS: Readonly<Record<string, Pick<MatchOptions, 'left' | 'right'>>> = {
  'one epoch of each table': { left: { ...side, epoch: 'J2016' }, right: { ...side, epoch: 'J2000' } },
  'motions of the left': { left: { ...side, epoch: 'J2016' }, right: { epoch: 'year:yr' } },
  'epochs of rows': { left: { ...side, epoch: 'year:yr' }, right: { ...side, epoch: 'year:yr' } },
};

/** What a match came to: its file and facts, or the reason why there is none. */
async function outcome(run: Promise<WrittenMatch>) {
  try {
    const { bytes, summary } = await run;
    return { bytes, facts: factsOf(summary), spilled: summary.spill !== undefined };
  } catch (error) {
    if (!isProblem(error)) throw error;
    return { reason: error.reason };
  }
}

describe.each(Object.keys(MOTIONS))('%s', (motion) => {
  const of = Object.keys(MOTIONS).indexOf(motion);

  test.each(Object.keys(EPOCHS))('%s: by way of the disk as in memory', async (epochs) => {
    for (const every of [1, 40])
      for (const find of ['nearest', 'one-to-one'] as const) {
        const options: MatchOptions = { radiusArcsec: 20, find, join: 'full', ...EPOCHS[epochs] };
        const names = FILES.map((file) => `${of}-${every}-${file}`);
        const { spilled: _, ...inMemory } = await outcome(ways.inMemory(options, names));
        const { spilled, ...onDisk } = await outcome(
          ways.spilled(options, names, { bucketRowCount: 64, chunkRowCount: 80 }),
        );
        expect(onDisk.reason).toBe(inMemory.reason);
        expect(onDisk.facts).toEqual(inMemory.facts);
        if (inMemory.bytes === undefined || onDisk.bytes === undefined) continue;
        expect(spilled).toBe(true);
        expect(Buffer.compare(onDisk.bytes, inMemory.bytes)).toBe(0);
      }
  });
});
