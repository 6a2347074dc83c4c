// One result for each 4,096 values: 16 of each invocation, then in pairs. Values are read as bits: extremes are found
// among integers in the order of the numbers, so that NaN and infinities cannot be taken for impossible.
struct Params { count: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> parts: array<u32>;

const WIDTH = 256u;
const EACH = 16u;

var<workgroup> sums: array<f32, WIDTH>;
var<workgroup> keys: array<u32, WIDTH>;

@compute @workgroup_size(WIDTH)
fn sum(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = group.y * groups.x + group.x;
  var total = 0.0;
  for (var step = 0u; step < EACH; step++) {
    let i = part * WIDTH * EACH + step * WIDTH + lane;
    if (i < params.count) { total += bitcast<f32>(values[i]); }
  }
  sums[lane] = total;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  if (lane == 0u && part * WIDTH * EACH < params.count) { parts[part] = bitcast<u32>(sums[0]); }
}

@compute @workgroup_size(WIDTH)
fn largest(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = group.y * groups.x + group.x;
  var best = 0u;
  for (var step = 0u; step < EACH; step++) {
    let i = part * WIDTH * EACH + step * WIDTH + lane;
    if (i < params.count) { best = max(best, key(values[i], 0xffffffffu)); }
  }
  keys[lane] = best;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { keys[lane] = max(keys[lane], keys[lane + half]); }
  }
  if (lane == 0u && part * WIDTH * EACH < params.count) { parts[part] = number(keys[0]); }
}

@compute @workgroup_size(WIDTH)
fn smallest(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = group.y * groups.x + group.x;
  var best = 0xffffffffu;
  for (var step = 0u; step < EACH; step++) {
    let i = part * WIDTH * EACH + step * WIDTH + lane;
    if (i < params.count) { best = min(best, key(values[i], 0u)); }
  }
  keys[lane] = best;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { keys[lane] = min(keys[lane], keys[lane + half]); }
  }
  if (lane == 0u && part * WIDTH * EACH < params.count) { parts[part] = number(keys[0]); }
}

// Ascends with the number; NaN becomes `nan`, one end of the order, whose number is a NaN again.
fn key(bits: u32, nan: u32) -> u32 {
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return nan; }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn number(key: u32) -> u32 {
  return select(~key, key ^ 0x80000000u, key >= 0x80000000u);
}
