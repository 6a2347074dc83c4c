// The cells that blocks of left rows visit: balls near balls, by a tree of balls about four neighbours each along the curve.
import { CONTROL_CANCEL } from '../kernel/layout.as';
import {
  BALL_BYTES, REMEMBERED_CELLS, V_BLOCK_BALLS, V_BLOCK_COUNT, V_CELL_ENDS, V_CELLS, V_COUNTS, V_FIRST_PLACE, V_FIRST_VISITS, V_FLOOR_CHORD, V_LEVEL_COUNT, V_LEVELS, V_LIMIT_CHORD, V_REACHES,
  V_STEP, V_SURE_COUNT, V_VISITS, VISIT_BYTES, VISIT_FIRST_PLACE, VISIT_LEAST, VISIT_MOST, VISIT_PLACE_COUNT, VISIT_SPREAD, VISIT_SURELY,
} from './layout.as';

const FAN: i32 = 4;
/** 1 + 2^-48: distances of f64 vectors are rounded up by more than they err. */
const UPWARDS: f64 = 1.0000000000000035527;
// As in bounds.ts, which says what they are: 2^-44, 2^-24 (1 + 2^-10), 2^-18, 2^11.
const ADDED: f64 = 5.684341886080802e-14;
const ROUNDED: f64 = 5.966285243630409e-8;
const OUTWARDS: f64 = 0.000003814697265625;
const TWICE_SHARE: f64 = 2048;
/** What distances of f64 vectors and sums of radii may err by, with what a key may differ from the vectors. */
const MARGIN: f64 = 2 * ADDED;

/** Counts, while the cells found shorten the reach. */
const TO_SHORTEN: i32 = 0;
const TO_COUNT: i32 = 1;
const TO_WRITE: i32 = 2;

class Search {
  static purpose: i32 = 0;
  static params: usize = 0;
  static levels: usize = 0;
  static x: f64 = 0;
  static y: f64 = 0;
  static z: f64 = 0;
  static radius: f64 = 0;
  /** Cells that lie wholly farther from the centre hold nothing. */
  static reach: f64 = 0;
  static sureCount: i32 = 0;
  static visits: i32 = 0;
  static places: i32 = 0;
  /** Where the cells of the block are remembered. */
  static cells: usize = 0;
  static out: usize = 0;

  static begin(params: usize): void {
    Search.params = params;
    Search.levels = load<u32>(params, V_LEVELS);
    Search.sureCount = load<i32>(params, V_SURE_COUNT);
  }

  static of(block: i32): void {
    const ball = usize(load<u32>(Search.params, V_BLOCK_BALLS)) + usize(block) * BALL_BYTES;
    Search.cells = usize(load<u32>(Search.params, V_CELLS)) + usize(block * REMEMBERED_CELLS) * 4;
    Search.x = load<f64>(ball);
    Search.y = load<f64>(ball, 8);
    Search.z = load<f64>(ball, 16);
    Search.radius = load<f64>(ball, 24);
  }
}

// @ts-ignore: decorator
@inline
function ballOf(level: i32, node: i32): usize {
  return usize(load<u32>(Search.levels + (usize(level) << 3))) + usize(node) * BALL_BYTES;
}

// @ts-ignore: decorator
@inline
function ballCount(level: i32): i32 {
  return load<i32>(Search.levels + (usize(level) << 3), 4);
}

/** Makes the balls of all levels above the first. */
export function raise(params: usize, _item: i32, _control: usize, _slot: i32): void {
  Search.begin(params);
  for (let level = 1, levels = load<i32>(params, V_LEVEL_COUNT); level < levels; level++)
    for (let node = 0, count = ballCount(level); node < count; node++) enclose(level, node);
}

/** The ball about those below it. */
function enclose(level: i32, node: i32): void {
  const from = ballOf(level - 1, FAN * node);
  const to = ballOf(level - 1, min(FAN * (node + 1), ballCount(level - 1)));
  const share = f64(to - from) / f64(BALL_BYTES);
  let x: f64 = 0;
  let y: f64 = 0;
  let z: f64 = 0;
  for (let ball = from; ball < to; ball += BALL_BYTES) {
    x += load<f64>(ball) / share;
    y += load<f64>(ball, 8) / share;
    z += load<f64>(ball, 16) / share;
  }
  let radius: f64 = 0;
  for (let ball = from; ball < to; ball += BALL_BYTES) radius = max(radius, (distance(ball, x, y, z) + load<f64>(ball, 24)) * UPWARDS);
  const out = ballOf(level, node);
  store<f64>(out, x);
  store<f64>(out, y, 8);
  store<f64>(out, z, 16);
  store<f64>(out, radius, 24);
}

// @ts-ignore: decorator
@inline
function distance(ball: usize, x: f64, y: f64, z: f64): f64 {
  const dx = load<f64>(ball) - x;
  const dy = load<f64>(ball, 8) - y;
  const dz = load<f64>(ball, 16) - z;
  return sqrt<f64>(dx * dx + dy * dy + dz * dz);
}

/** How far each block of an item reaches, what it visits, and how many places these cells hold. */
export function countVisits(params: usize, item: i32, control: usize, _slot: i32): void {
  Search.begin(params);
  const step = load<i32>(params, V_STEP);
  const end = min(load<i32>(params, V_BLOCK_COUNT), (item + 1) * step);
  for (let block = item * step; block < end; block++) {
    if (atomic.load<i32>(control, CONTROL_CANCEL) != 0) return;
    Search.of(block);
    const limitChord = load<f64>(params, V_LIMIT_CHORD);
    Search.reach = limitChord + Search.radius + MARGIN;
    // Within its own radius no cell is near enough to shorten what a block reaches.
    if (Search.sureCount > 0 && limitChord > Search.radius) countNearest();
    else count(TO_COUNT);
    store<f64>(usize(load<u32>(params, V_REACHES)) + (usize(block) << 3), Search.reach);
    const counts: usize = usize(load<u32>(params, V_COUNTS)) + (usize(block) << 3);
    store<i32>(counts, Search.visits);
    store<i32>(counts, Search.places, 4);
  }
}

/** Writes the visits of the blocks of an item. */
export function writeVisits(params: usize, item: i32, control: usize, _slot: i32): void {
  Search.begin(params);
  Search.purpose = TO_WRITE;
  const step = load<i32>(params, V_STEP);
  const end = min(load<i32>(params, V_BLOCK_COUNT), (item + 1) * step);
  for (let block = item * step; block < end; block++) {
    if (atomic.load<i32>(control, CONTROL_CANCEL) != 0) return;
    Search.of(block);
    Search.out = usize(load<u32>(params, V_VISITS)) + usize(load<u32>(usize(load<u32>(params, V_FIRST_VISITS)) + (usize(block) << 2))) * VISIT_BYTES;
    const visits = load<i32>(usize(load<u32>(params, V_COUNTS)) + (usize(block) << 3));
    if (visits > REMEMBERED_CELLS) {
      Search.reach = load<f64>(usize(load<u32>(params, V_REACHES)) + (usize(block) << 3));
      look();
      continue;
    }
    for (let i = 0; i < visits; i++) {
      const cell = load<i32>(Search.cells + (usize(i) << 2));
      const ball = ballOf(0, cell);
      writeVisit(cell, ball, distance(ball, Search.x, Search.y, Search.z));
    }
  }
}

// @ts-ignore: decorator
@inline
function look(): void {
  const top = load<i32>(Search.params, V_LEVEL_COUNT) - 1;
  if (top >= 0) lookThrough(top, 0, 1);
}

/** Looks at balls [from, to) of a level, and at what lies in those that are near. */
function lookThrough(level: i32, from: i32, to: i32): void {
  const x = Search.x;
  const y = Search.y;
  const z = Search.z;
  let ball = ballOf(level, from);
  for (let node = from; node < to; node++, ball += BALL_BYTES) {
    const dx = load<f64>(ball) - x;
    const dy = load<f64>(ball, 8) - y;
    const dz = load<f64>(ball, 16) - z;
    const reach = Search.reach + load<f64>(ball, 24);
    const square = dx * dx + dy * dy + dz * dz;
    if (square > reach * reach) continue;
    if (level > 0) lookThrough(level - 1, FAN * node, min(FAN * (node + 1), ballCount(level - 1)));
    else take(node, ball, sqrt<f64>(square));
  }
}

function take(node: i32, ball: usize, apart: f64): void {
  if (Search.purpose == TO_WRITE) {
    writeVisit(node, ball, apart);
    return;
  }
  const size = sizeOf(node);
  if (Search.visits < REMEMBERED_CELLS) store<i32>(Search.cells + (usize(Search.visits) << 2), node);
  Search.visits++;
  Search.places += size;
  if (Search.purpose == TO_SHORTEN && size >= Search.sureCount) Search.reach = min(Search.reach, farthest(ball, apart));
}

function count(purpose: i32): void {
  Search.purpose = purpose;
  Search.visits = 0;
  Search.places = 0;
  look();
}

/** The farthest point of a cell from any of the block, as a reach. */
// @ts-ignore: decorator
@inline
function farthest(cell: usize, apart: f64): f64 {
  return apart + load<f64>(cell, 24) + 2 * Search.radius + MARGIN;
}

/** No farther than a cell that holds all that is wanted: first the one that the nearest parts lead to, then any. */
function countNearest(): void {
  reachNearest();
  count(TO_SHORTEN);
  const seen = Search.visits;
  if (seen > REMEMBERED_CELLS) {
    count(TO_COUNT);
    return;
  }
  // What was seen before nearer cells may lie too far.
  Search.visits = 0;
  Search.places = 0;
  for (let i = 0; i < seen; i++) {
    const cell = load<i32>(Search.cells + (usize(i) << 2));
    const ball = ballOf(0, cell);
    const apart = distance(ball, Search.x, Search.y, Search.z);
    if (apart > Search.reach + load<f64>(ball, 24)) continue;
    store<i32>(Search.cells + (usize(Search.visits) << 2), cell);
    Search.visits++;
    Search.places += sizeOf(cell);
  }
}

function reachNearest(): void {
  let node: i32 = 0;
  const top = load<i32>(Search.params, V_LEVEL_COUNT) - 1;
  if (top < 0) return;
  for (let level = top - 1; level >= 0; level--) {
    let least: f64 = Infinity;
    let nearest = FAN * node;
    for (let child = nearest, end = min(nearest + FAN, ballCount(level)); child < end; child++) {
      const apart = distance(ballOf(level, child), Search.x, Search.y, Search.z);
      if (apart < least) {
        least = apart;
        nearest = child;
      }
    }
    node = nearest;
  }
  const cell = ballOf(0, node);
  if (sizeOf(node) >= Search.sureCount) Search.reach = min(Search.reach, farthest(cell, distance(cell, Search.x, Search.y, Search.z)));
}

// @ts-ignore: decorator
@inline
function firstPlaceOf(cell: i32): i32 {
  return cell == 0 ? load<i32>(Search.params, V_FIRST_PLACE) : load<i32>(usize(load<u32>(Search.params, V_CELL_ENDS)) + (usize(cell) << 2) - 4);
}

// @ts-ignore: decorator
@inline
function sizeOf(cell: i32): i32 {
  return load<i32>(usize(load<u32>(Search.params, V_CELL_ENDS)) + (usize(cell) << 2)) - firstPlaceOf(cell);
}

function writeVisit(node: i32, cell: usize, apart: f64): void {
  const out = Search.out;
  const limitChord = load<f64>(Search.params, V_LIMIT_CHORD);
  const floorChord = load<f64>(Search.params, V_FLOOR_CHORD);
  const slack = f64(roundUp(ADDED + ROUNDED * (3 * (Search.radius + apart) + load<f64>(cell, 24))));
  const nearer = max(0, floorChord - slack);
  store<f32>(out, f32(Search.x - load<f64>(cell)));
  store<f32>(out, f32(Search.y - load<f64>(cell, 8)), 4);
  store<f32>(out, f32(Search.z - load<f64>(cell, 16)), 8);
  store<i32>(out, firstPlaceOf(node) - load<i32>(Search.params, V_FIRST_PLACE), VISIT_FIRST_PLACE);
  store<i32>(out, sizeOf(node), VISIT_PLACE_COUNT);
  store<f32>(out, roundUp((limitChord + slack) * (limitChord + slack)), VISIT_MOST);
  store<f32>(out, roundDown(nearer * nearer), VISIT_LEAST);
  store<f32>(out, floorChord > 0 ? roundUp((floorChord + slack) * (floorChord + slack)) : 0, VISIT_SURELY);
  store<f32>(out, roundUp(slack * slack * TWICE_SHARE), VISIT_SPREAD);
  Search.out = out + VISIT_BYTES;
}

// @ts-ignore: decorator
@inline
function roundUp(value: f64): f32 {
  return f32(value * (1 + OUTWARDS));
}

// @ts-ignore: decorator
@inline
function roundDown(value: f64): f32 {
  return f32(value * (1 - OUTWARDS));
}
