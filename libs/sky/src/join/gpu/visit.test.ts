import { Random } from '@armilla/base';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { slackOf, squareBounds } from './bounds.js';
import { joinProgram, wordOf } from './join-program.js';
import { BALL_BYTES, VISITING } from './layout.js';

type Step = (params: number, item: number, control: number, slot: number) => void;

/** More than the margin of the search, and less than what these tests tell apart. */
const CLOSE = 1e-12;
// Addresses of what the steps read and write.
const [CONTROL, PARAMS, LEVELS, ENDS, BLOCKS, REACHES, COUNTS, FIRSTS, REMEMBERED, CELLS] = Array.from(
  { length: 10 },
  (_, i) => 16_384 + 4096 * i,
);
const VISITS = 2 * 65_536;

interface Ball {
  readonly centre: readonly number[];
  readonly radius: number;
}

function ballOf(random: Random, spread: number, radius: number): Ball {
  return { centre: [0, 1, 2].map(() => spread * random.between(-1, 1)), radius: radius * random.between(0, 1) };
}

const apartOf = (a: Ball, b: Ball): number => {
  const [x, y, z] = a.centre.map((value, axis) => value - b.centre[axis]);
  return Math.sqrt(x * x + y * y + z * z);
};

interface Wanted {
  readonly limitChord: number;
  readonly floorChord?: number;
  readonly sureCount?: number;
}

/** Visits of one block: what is written for each, by the first place of its cell; cell c has place c alone. */
function visitsOf(block: Ball, cells: readonly Ball[], { limitChord, floorChord = 0, sureCount = 0 }: Wanted) {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536, shared: true });
  const module = new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve('@armilla/sky/join.wasm')));
  const steps = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Record<string, Step>;
  const words = new Uint32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);
  const write = ({ centre, radius }: Ball, address: number): void => doubles.set([...centre, radius], address / 8);
  const sizes = [cells.length];
  while (sizes[sizes.length - 1] > 1) sizes.push(Math.ceil(sizes[sizes.length - 1] / 4));
  sizes.reduce((address, size, level) => {
    words.set([address, size], LEVELS / 4 + 2 * level);
    return address + size * BALL_BYTES;
  }, CELLS);
  cells.forEach((cell, c) => {
    write(cell, CELLS + c * BALL_BYTES);
    words[ENDS / 4 + c] = c + 1;
  });
  write(block, BLOCKS);
  const set = (field: number, value: number): void => void (words[(PARAMS + field) / 4] = value);
  set(VISITING.levels, LEVELS);
  set(VISITING.levelCount, sizes.length);
  set(VISITING.cellEnds, ENDS);
  set(VISITING.blockBalls, BLOCKS);
  set(VISITING.blockCount, 1);
  set(VISITING.step, 1);
  set(VISITING.sureCount, sureCount);
  set(VISITING.reaches, REACHES);
  set(VISITING.counts, COUNTS);
  set(VISITING.cells, REMEMBERED);
  set(VISITING.firstVisits, FIRSTS);
  set(VISITING.visits, VISITS);
  doubles[(PARAMS + VISITING.limitChord) / 8] = limitChord;
  doubles[(PARAMS + VISITING.floorChord) / 8] = floorChord;
  for (const step of ['raise', 'countVisits', 'writeVisits']) steps[step](PARAMS, 0, CONTROL, 0);
  const { visit } = joinProgram();
  expect(words[COUNTS / 4 + 1]).toBe(words[COUNTS / 4]);
  return Array.from({ length: words[COUNTS / 4] }, (_, i) => {
    const at = VISITS / 4 + (i * visit.byteLength) / 4;
    const float = (field: string): number => new Float32Array(memory.buffer)[at + wordOf(visit, field)];
    const bounds = { most: float('most'), least: float('least'), surely: float('surely'), spread: float('spread') };
    return { cell: words[at + wordOf(visit, 'firstPlace')], shift: [float('x'), float('y'), float('z')], bounds };
  });
}

test('what a visit tells the device is what the plain form of the bounds says, bit for bit', () => {
  const random = new Random(1);
  for (let round = 0; round < 500; round++) {
    const [block, cell] = [
      ballOf(random, 1, 10 ** random.between(-9, 0)),
      ballOf(random, 1, 10 ** random.between(-9, 0)),
    ];
    const limitChord = random.between(1.8, 2);
    const floorChord = random.below(2) * 10 ** random.between(-9, 0);
    const [visit, ...more] = visitsOf(block, [cell], { limitChord, floorChord });
    if (visit === undefined) {
      expect(apartOf(block, cell) - cell.radius - block.radius).toBeGreaterThan(limitChord);
      continue;
    }
    expect(more).toEqual([]);
    const slack = slackOf(block.radius, apartOf(block, cell), cell.radius);
    expect(visit.bounds).toEqual(squareBounds(floorChord, limitChord, slack));
    expect(visit.shift).toEqual(block.centre.map((value, axis) => Math.fround(value - cell.centre[axis])));
  }
});

test.each([1, 2, 5, 17, 90])('of %d cells a block visits those in its reach', (cellCount) => {
  const random = new Random(cellCount);
  for (let round = 0; round < 60; round++) {
    const block = ballOf(random, 1, 0.2);
    const cells = Array.from({ length: cellCount }, () => ballOf(random, 1, 0.2));
    const limitChord = 10 ** random.between(-3, 0.3);
    const gaps = cells.map((cell) => apartOf(block, cell) - cell.radius - block.radius);
    const visited = visitsOf(block, cells, { limitChord }).map(({ cell }) => cell);
    gaps.forEach((gap, cell) => {
      if (Math.abs(gap - limitChord) > CLOSE) expect(visited.includes(cell)).toBe(gap < limitChord);
    });
    // Any cell holds the one place that is wanted: none lies farther than the farthest point of the nearest.
    const nearest = visitsOf(block, cells, { limitChord: 8, sureCount: 1 }).map(({ cell }) => cell);
    const enough = Math.min(...cells.map((cell) => apartOf(block, cell) + cell.radius + block.radius));
    gaps.forEach((gap, cell) => {
      if (Math.abs(gap - enough) > CLOSE) expect(nearest.includes(cell)).toBe(gap < enough);
    });
  }
});
