import { Random } from '@armilla/base';
import { packStruct, type Program, Runtime, structLayout, WebGpuDevice } from '@armilla/gpu-core';
import { separationKey } from '../../separation/separation.js';
import { onDawn } from '../../testing/on-dawn.js';
import { chordOfKey, slackOf, squareBounds } from './bounds.js';
import { joinProgram } from './join-program.js';
import { layAsOne } from './testing/lay-as-one.js';

/** The relative part of the bound on a chord. */
const RELATIVE = 2 ** -20;
const WIDER = 1 + 2 ** -9;
const NARROWER = 1 - 2 ** -9;

let runtime: Runtime;

beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 1 });
});
afterAll(() => runtime.close());

type Round = (value: number) => number;

/** One of the two f32 next to a value: WGSL leaves open which. */
function roundingOf(choose: () => boolean): Round {
  const float = new Float32Array(1);
  const bits = new Int32Array(float.buffer);
  return (value) => {
    float[0] = value;
    if (float[0] === value || value === 0) return float[0];
    const away = Math.abs(float[0]) > Math.abs(value);
    if (choose() !== away) bits[0] += away ? -1 : 1;
    return float[0];
  };
}

interface Scene {
  readonly left: { ra: Float64Array; dec: Float64Array };
  readonly right: { ra: Float64Array; dec: Float64Array };
  /** Of the balls that the rows were laid in. */
  readonly slack: number;
  readonly shift: readonly [number, number, number];
  readonly rows: Float32Array; // [n, 3]
  readonly places: Float32Array; // [n, 3]
}

const ROWS = 40;

/** Left and right rows in two small circles of the sky, somewhere, also about a pole and across right ascension 0. */
async function sceneOf(random: Random): Promise<Scene> {
  const centreRa = random.below(3) === 0 ? 0 : random.between(0, 360);
  const centreDec = [90, -90, 0, 45, random.between(-90, 90)][random.below(5)];
  const scale = (): number => 10 ** random.between(-12, 1.5);
  const circle = (dec: number, radius: number): { ra: Float64Array; dec: Float64Array } => {
    const rows = { ra: new Float64Array(ROWS), dec: new Float64Array(ROWS) };
    for (let i = 0; i < ROWS; i++) {
      rows.dec[i] = Math.max(-90, Math.min(90, dec + random.between(-radius, radius)));
      const turn = Math.abs(dec) > 89 ? random.between(0, 360) : centreRa + random.between(-radius, radius);
      rows.ra[i] = ((turn % 360) + 360) % 360;
    }
    return rows;
  };
  const left = circle(centreDec, scale());
  const right = circle(centreDec + scale() * (centreDec > 0 ? -1 : 1), scale());
  const [a, b] = [await layAsOne(runtime, left), await layAsOne(runtime, right)];
  const shift = [0, 1, 2].map((axis) => a.centre[axis] - b.centre[axis]) as [number, number, number];
  const slack = slackOf(a.radius, Math.hypot(...shift), b.radius);
  return { left, right, slack, shift, rows: a.offsets, places: b.offsets };
}

/** The kernel's square of a chord, each step rounded by `round`. */
function squareOf({ rows, places, shift }: Scene, i: number, j: number, round: Round): number {
  const d = [0, 1, 2].map((axis) => {
    const moved = round(rows[3 * i + axis] + Math.fround(shift[axis]));
    return round(moved - places[3 * j + axis]);
  });
  return round(round(round(d[0] * d[0]) + round(d[1] * d[1])) + round(d[2] * d[2]));
}

/** Error of a chord over its bound. */
function errorShare({ left, right, slack }: Scene, i: number, j: number, square: number): number {
  const chord = chordOfKey(separationKey(left.ra[i], left.dec[i], right.ra[j], right.dec[j]));
  return Math.abs(Math.sqrt(square) - chord) / (slack + RELATIVE * Math.sqrt(square));
}

test('however each step is rounded, the error of a chord stays below its bound, and comes near it', async () => {
  const random = new Random(1);
  const roundings = [
    Math.fround,
    roundingOf(() => true),
    roundingOf(() => false),
    roundingOf(() => random.below(2) === 0),
  ];
  let worst = 0;
  for (let round = 0; round < 300; round++) {
    const scene = await sceneOf(random);
    for (let pair = 0; pair < 200; pair++) {
      const [i, j] = [random.below(ROWS), random.below(ROWS)];
      for (const rounding of roundings)
        worst = Math.max(worst, errorShare(scene, i, j, squareOf(scene, i, j, rounding)));
    }
  }
  expect(worst).toBeLessThanOrEqual(1);
  expect(worst).toBeGreaterThan(0.2);
});

onDawn('the error on a device stays below its bound', async () => {
  const { program } = joinProgram();
  const measuring: Program = {
    ...program,
    file: 'bounds.test.ts',
    entryPoint: 'measure',
    wgsl: `${program.wgsl}
struct Pairs { x: f32, y: f32, z: f32, count: u32 }
@group(0) @binding(0) var<uniform> pairs: Pairs;
@group(0) @binding(1) var<storage, read> someRows: array<Place>;
@group(0) @binding(2) var<storage, read> somePlaces: array<Place>;
@group(0) @binding(3) var<storage, read_write> squares: array<f32>;
@compute @workgroup_size(1)
fn measure(@builtin(workgroup_id) id: vec3<u32>) {
  let row = someRows[id.x];
  for (var j = 0u; j < pairs.count; j++) {
    let place = somePlaces[j];
    tileX[0] = place.x;
    tileY[0] = place.y;
    tileZ[0] = place.z;
    squares[id.x * pairs.count + j] = squareTo(row.x + pairs.x, row.y + pairs.y, row.z + pairs.z, 0u);
  }
}`,
  };
  await using device = await WebGpuDevice.open();
  const layout = structLayout(measuring.wgsl, 'Pairs', measuring.file);
  const random = new Random(2);
  let worst = 0;
  for (let round = 0; round < 60; round++) {
    const scene = await sceneOf(random);
    const [x, y, z] = scene.shift;
    const { outputs } = await device.run({
      label: 'test.bounds',
      buffers: {
        pairs: { kind: 'uniform', data: packStruct(layout, { x, y, z, count: ROWS }) },
        rows: { kind: 'input', data: scene.rows },
        places: { kind: 'input', data: scene.places },
        squares: { kind: 'output', byteLength: 4 * ROWS * ROWS },
      },
      passes: [{ program: measuring, bindings: ['pairs', 'rows', 'places', 'squares'], workgroups: [ROWS, 1, 1] }],
    });
    const squares = new Float32Array(outputs.squares);
    squares.forEach((square, at) => {
      worst = Math.max(worst, errorShare(scene, Math.floor(at / ROWS), at % ROWS, square));
    });
  }
  expect(worst).toBeLessThanOrEqual(1);
  expect(worst).toBeGreaterThan(0.1);
});

test('squares of chords at the ends of the bound are kept by every comparison of the kernel', () => {
  const random = new Random(3);
  const round = roundingOf(() => random.below(2) === 0);
  for (let i = 0; i < 20_000; i++) {
    const slack = slackOf(10 ** random.between(-9, 0), 10 ** random.between(-9, 0), 10 ** random.between(-9, 0));
    const square = Math.fround(random.below(9) === 0 ? 0 : 10 ** random.between(-20, 0.6));
    const root = Math.sqrt(square);
    // The true chord may lie anywhere in here.
    const nearest = Math.max(0, root * (1 - RELATIVE) - slack);
    const farthest = root * (1 + RELATIVE) + slack;
    // It lies within the radius, or beyond the minimum, exactly at the end.
    expect(square).toBeLessThanOrEqual(squareBounds(0, nearest, slack).most);
    expect(square).toBeGreaterThanOrEqual(squareBounds(farthest, 2, slack).least);
    // What surely lies beyond the minimum does.
    if (nearest > 0) expect(square).toBeLessThanOrEqual(squareBounds(nearest, 2, slack).surely);
    const { spread } = squareBounds(0, 2, slack);
    // The square of the chord, at most.
    const upper = round(round(square * WIDER) + spread);
    expect(upper).toBeGreaterThanOrEqual(farthest ** 2);
    // A row no farther than one whose square is at most `bound` is a candidate.
    const bound = Math.fround(nearest ** 2 * (1 + 2 ** -23));
    expect(round(square * NARROWER)).toBeLessThanOrEqual(round(bound + spread));
  }
});
