// Candidates of blocks of left rows among the right rows of the cells that they visit. docs/operations/sky.join.md derives
// why no row is lost: squares of chords are compared with bounds that hold whatever f32 rounds, up or down.

struct Params {
  // Right rows that each left row wants, up to MOST_WANTED; 0: all within the radius.
  wanted: u32,
  // Candidates that there is room for.
  capacity: u32,
  // Number of the first of these places among all.
  firstPlace: u32,
}

// A left row: its offset from the centre of its block, and the number of the place that is itself.
struct Row {
  x: f32,
  y: f32,
  z: f32,
  itself: u32,
}

// A right row: its offset from the centre of its cell.
struct Place {
  x: f32,
  y: f32,
  z: f32,
}

struct Block {
  firstRow: u32,
  rowCount: u32,
  firstVisit: u32,
  visitCount: u32,
}

// A cell that a block visits. Squares of chords: rows beyond `most` lie outside of the radius, those below `least` within the
// minimum radius, those from `surely` on surely not; `spread` is what the error may add to a square, besides its 2^-9th.
struct Visit {
  x: f32,
  y: f32,
  z: f32,
  firstPlace: u32,
  placeCount: u32,
  most: f32,
  least: f32,
  surely: f32,
  spread: f32,
}

// Where the candidates of a left row lie.
struct Found {
  first: u32,
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> places: array<Place>;
@group(0) @binding(3) var<storage, read> blocks: array<Block>;
@group(0) @binding(4) var<storage, read> visits: array<Visit>;
@group(0) @binding(5) var<storage, read_write> found: array<Found>;
@group(0) @binding(6) var<storage, read_write> candidates: array<u32>;
@group(0) @binding(7) var<storage, read_write> total: atomic<u32>;

const GROUP = 64u;
const MOST_WANTED = 16u;
// Candidates that a row remembers while it counts them.
const REMEMBERED = 4u;
// More than the square of any chord.
const FARTHEST = 8.0;
const DISAGREES = 0xffffffffu;
const WIDER = 1.001953125;
const NARROWER = 0.998046875;

var<workgroup> tileX: array<f32, GROUP>;
var<workgroup> tileY: array<f32, GROUP>;
var<workgroup> tileZ: array<f32, GROUP>;
var<workgroup> counts: array<u32, GROUP>;
// Squares of the nearest rows of each left row, and its first candidates.
var<workgroup> nearest: array<array<f32, MOST_WANTED>, GROUP>;
var<workgroup> remembered: array<array<u32, REMEMBERED>, GROUP>;
var<workgroup> base: u32;
var<workgroup> again: u32;

fn loadTile(visit: Visit, tile: u32, lane: u32) {
  let at = tile + lane;
  if (at < visit.placeCount) {
    let place = places[visit.firstPlace + at];
    tileX[lane] = place.x;
    tileY[lane] = place.y;
    tileZ[lane] = place.z;
  }
}

// The square of the chord to a place of the tile.
fn squareTo(x: f32, y: f32, z: f32, at: u32) -> f32 {
  let dx = x - tileX[at];
  let dy = y - tileY[at];
  let dz = z - tileZ[at];
  return dx * dx + dy * dy + dz * dz;
}

fn isCandidate(square: f32, visit: Visit, reach: f32) -> bool {
  return square <= visit.most && square >= visit.least && square * NARROWER <= reach;
}

@compute @workgroup_size(64)
fn join(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let block = blocks[group.x];
  let idle = lane >= block.rowCount;
  let row = block.firstRow + min(lane, block.rowCount - 1u);
  let left = rows[row];

  // No right row that is wanted lies farther than this square: that of the last of the `wanted` nearest, at most.
  var bound = FARTHEST;
  if (params.wanted > 0u) {
    for (var k = 0u; k < params.wanted; k++) { nearest[lane][k] = FARTHEST; }
    for (var v = 0u; v < block.visitCount; v++) {
      let visit = visits[block.firstVisit + v];
      let x = left.x + visit.x;
      let y = left.y + visit.y;
      let z = left.z + visit.z;
      for (var tile = 0u; tile < visit.placeCount; tile += GROUP) {
        loadTile(visit, tile, lane);
        workgroupBarrier();
        let count = min(GROUP, visit.placeCount - tile);
        for (var at = 0u; at < count; at++) {
          let square = squareTo(x, y, z, at);
          let upper = square * WIDER + visit.spread;
          if (upper < bound && square >= visit.surely && params.firstPlace + visit.firstPlace + tile + at != left.itself) {
            var k = params.wanted - 1u;
            while (k > 0u && nearest[lane][k - 1u] > upper) {
              nearest[lane][k] = nearest[lane][k - 1u];
              k--;
            }
            nearest[lane][k] = upper;
            bound = nearest[lane][params.wanted - 1u];
          }
        }
        workgroupBarrier();
      }
    }
  }

  var count = 0u;
  for (var v = 0u; v < block.visitCount; v++) {
    let visit = visits[block.firstVisit + v];
    let x = left.x + visit.x;
    let y = left.y + visit.y;
    let z = left.z + visit.z;
    let reach = bound + visit.spread;
    for (var tile = 0u; tile < visit.placeCount; tile += GROUP) {
      loadTile(visit, tile, lane);
      workgroupBarrier();
      let tileCount = min(GROUP, visit.placeCount - tile);
      for (var at = 0u; at < tileCount; at++) {
        let square = squareTo(x, y, z, at);
        if (isCandidate(square, visit, reach)) {
          if (count < REMEMBERED) { remembered[lane][count] = visit.firstPlace + tile + at; }
          count++;
        }
      }
      workgroupBarrier();
    }
  }
  if (idle) { count = 0u; }

  // The candidates of a block lie one behind the other, those of a row in the order of its visits.
  counts[lane] = count;
  if (lane == 0u) { again = 0u; }
  workgroupBarrier();
  var first = 0u;
  for (var other = 0u; other < lane; other++) { first += counts[other]; }
  if (lane == GROUP - 1u) { base = atomicAdd(&total, first + count); }
  if (count > REMEMBERED) { again = 1u; }
  let start = workgroupUniformLoad(&base);
  first += start;
  if (!idle) { found[row] = Found(first, count); }
  let fits = first + count <= params.capacity;
  if (workgroupUniformLoad(&again) == 0u) {
    if (fits) { for (var k = 0u; k < count; k++) { candidates[first + k] = remembered[lane][k]; } }
    return;
  }
  var written = 0u;
  for (var v = 0u; v < block.visitCount; v++) {
    let visit = visits[block.firstVisit + v];
    let x = left.x + visit.x;
    let y = left.y + visit.y;
    let z = left.z + visit.z;
    let reach = bound + visit.spread;
    for (var tile = 0u; tile < visit.placeCount; tile += GROUP) {
      loadTile(visit, tile, lane);
      workgroupBarrier();
      let tileCount = min(GROUP, visit.placeCount - tile);
      for (var at = 0u; at < tileCount; at++) {
        let square = squareTo(x, y, z, at);
        if (isCandidate(square, visit, reach)) {
          if (fits && written < count) { candidates[first + written] = visit.firstPlace + tile + at; }
          written++;
        }
      }
      workgroupBarrier();
    }
  }
  // A compiler may round the two loops apart: that must not pass unseen.
  if (!idle && written != count) { found[row].count = DISAGREES; }
}
