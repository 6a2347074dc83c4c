struct Params {
  count: u32,
  // Their bits: WGSL has no constants for them, and may take them for impossible in an expression.
  infinity: u32,
  nan: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> right: array<f32>;

const WIDTH = 256u;

fn index(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.y * groups.x * WIDTH + id.x;
}

@compute @workgroup_size(WIDTH)
fn add(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = index(id, groups);
  if (i < params.count) { out[i] = left[i] + right[i]; }
}

@compute @workgroup_size(WIDTH)
fn multiply(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = index(id, groups);
  if (i < params.count) { out[i] = left[i] * right[i]; }
}

@compute @workgroup_size(WIDTH)
fn square(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = index(id, groups);
  if (i < params.count) { out[i] = left[i] * left[i]; }
}

@compute @workgroup_size(WIDTH)
fn sqrt_of(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = index(id, groups);
  if (i >= params.count) { return; }
  let x = left[i];
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude == 0u || magnitude > 0x7f800000u || bits == 0x7f800000u) {
    out[i] = x;
  } else if (bits > 0x80000000u) {
    out[i] = bitcast<f32>(params.nan);
  } else {
    out[i] = sqrt(x);
  }
}

// The built-in exp may be off by 3 + 2 |x| units in the last place. As in kernel/exp.as.ts: exp(x) = 2^k exp(r), by a
// polynomial up to r^7 / 7!. ln 2 in two parts, of which the first has 9 bits: its product with k is exact.
@compute @workgroup_size(WIDTH)
fn exp_of(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = index(id, groups);
  if (i >= params.count) { return; }
  let x = left[i];
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    out[i] = x;
    return;
  }
  // Compared as bits, so that infinities are not taken for impossible: 88.8 and -104.
  if (bits < 0x80000000u && bits > 0x42b1999au) {
    out[i] = bitcast<f32>(params.infinity);
    return;
  }
  if (bits > 0xc2d00000u) {
    out[i] = 0.0;
    return;
  }
  let k = round(x * 1.44269504);
  let r = (x - k * 0.693359375) + k * 2.12194440e-4;
  var p = 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  let value = 1.0 + (r + r * r * p);
  let whole = i32(k);
  let half = whole >> 1u;
  out[i] = value * power(half) * power(whole - half);
}

// 2^k for k in [-126, 127].
fn power(k: i32) -> f32 {
  return bitcast<f32>(u32(k + 127) << 23u);
}
