struct Params {
  leftCount: u32,
  rightCount: u32,
  coordinateCount: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(32, 8)
fn distance_of(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= params.rightCount || id.y >= params.leftCount) { return; }
  var sum = 0.0;
  var a = id.y * params.coordinateCount;
  var b = id.x * params.coordinateCount;
  for (var c = 0u; c < params.coordinateCount; c++) {
    let difference = left[a + c] - right[b + c];
    sum += difference * difference;
  }
  // The root of zero as the inverse of an inverse root would not be a number.
  out[id.y * params.rightCount + id.x] = select(sqrt(sum), 0.0, sum == 0.0);
}
