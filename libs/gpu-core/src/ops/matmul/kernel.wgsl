// A workgroup computes a tile of the result, each invocation 4 x 4 of it; left and right pass through workgroup memory.
struct Params {
  rowCount: u32,
  innerCount: u32,
  columnCount: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>; // [batch, rowCount, innerCount]
@group(0) @binding(2) var<storage, read> right: array<f32>; // [batch, innerCount, columnCount]
@group(0) @binding(3) var<storage, read_write> out: array<f32>; // [batch, rowCount, columnCount]
// The same as pairs of f16 in words, the first in the lower half.
@group(0) @binding(1) var<storage, read> leftPairs: array<u32>;
@group(0) @binding(2) var<storage, read> rightPairs: array<u32>;

// Invocations along an edge of the tile, and the inner length that passes through workgroup memory at once.
override THREADS: u32 = 16u;
override DEPTH: u32 = 16u;

const EACH = 4u;

var<workgroup> leftTile: array<f32, THREADS * EACH * DEPTH>; // [DEPTH, rows]
var<workgroup> rightTile: array<f32, DEPTH * THREADS * EACH>; // [DEPTH, columns]

@compute @workgroup_size(THREADS, THREADS)
fn multiply(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let edge = THREADS * EACH;
  let firstLeft = group.z * params.rowCount * params.innerCount;
  let firstRight = group.z * params.innerCount * params.columnCount;
  var sums: array<vec4<f32>, EACH>;
  for (var start = 0u; start < params.innerCount; start += DEPTH) {
    for (var at = lane; at < edge * DEPTH; at += THREADS * THREADS) {
      // Neighbouring invocations read neighbouring values of a row.
      let row = group.y * edge + at / DEPTH;
      let p = start + at % DEPTH;
      var value = 0.0;
      if (row < params.rowCount && p < params.innerCount) { value = left[firstLeft + row * params.innerCount + p]; }
      leftTile[(at % DEPTH) * edge + at / DEPTH] = value;
    }
    for (var at = lane; at < edge * DEPTH; at += THREADS * THREADS) {
      let p = start + at / edge;
      let column = group.x * edge + at % edge;
      var value = 0.0;
      if (column < params.columnCount && p < params.innerCount) {
        value = right[firstRight + p * params.columnCount + column];
      }
      rightTile[at] = value;
    }
    workgroupBarrier();
    accumulate(local, min(DEPTH, params.innerCount - start), &sums);
    workgroupBarrier();
  }
  put(group, local, &sums);
}

@compute @workgroup_size(THREADS, THREADS)
fn multiplyPairs(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let edge = THREADS * EACH;
  let firstLeft = group.z * params.rowCount * params.innerCount;
  let firstRight = group.z * params.innerCount * params.columnCount;
  var sums: array<vec4<f32>, EACH>;
  for (var start = 0u; start < params.innerCount; start += DEPTH) {
    for (var at = lane; at < edge * DEPTH; at += THREADS * THREADS) {
      let row = group.y * edge + at / DEPTH;
      let p = start + at % DEPTH;
      var value = 0.0;
      if (row < params.rowCount && p < params.innerCount) {
        let i = firstLeft + row * params.innerCount + p;
        value = halfOf(leftPairs[i / 2u], i);
      }
      leftTile[(at % DEPTH) * edge + at / DEPTH] = value;
    }
    for (var at = lane; at < edge * DEPTH; at += THREADS * THREADS) {
      let p = start + at / edge;
      let column = group.x * edge + at % edge;
      var value = 0.0;
      if (column < params.columnCount && p < params.innerCount) {
        let i = firstRight + p * params.columnCount + column;
        value = halfOf(rightPairs[i / 2u], i);
      }
      rightTile[at] = value;
    }
    workgroupBarrier();
    accumulate(local, min(DEPTH, params.innerCount - start), &sums);
    workgroupBarrier();
  }
  put(group, local, &sums);
}

fn halfOf(pair: u32, i: u32) -> f32 {
  let both = unpack2x16float(pair);
  return select(both.x, both.y, (i & 1u) == 1u);
}

// The tile ends where the inner length does: what lies beyond is zero, and zero times infinity is not.
fn accumulate(local: vec3<u32>, depth: u32, sums: ptr<function, array<vec4<f32>, EACH>>) {
  let edge = THREADS * EACH;
  for (var p = 0u; p < depth; p++) {
    let b = p * edge + local.x * EACH;
    let columns = vec4<f32>(rightTile[b], rightTile[b + 1u], rightTile[b + 2u], rightTile[b + 3u]);
    let a = p * edge + local.y * EACH;
    for (var row = 0u; row < EACH; row++) { (*sums)[row] += leftTile[a + row] * columns; }
  }
}

fn put(group: vec3<u32>, local: vec3<u32>, sums: ptr<function, array<vec4<f32>, EACH>>) {
  let edge = THREADS * EACH;
  let firstOut = group.z * params.rowCount * params.columnCount;
  for (var i = 0u; i < EACH; i++) {
    let row = group.y * edge + local.y * EACH + i;
    for (var j = 0u; j < EACH; j++) {
      let column = group.x * edge + local.x * EACH + j;
      if (row < params.rowCount && column < params.columnCount) {
        out[firstOut + row * params.columnCount + column] = (*sums)[i][j];
      }
    }
  }
}
