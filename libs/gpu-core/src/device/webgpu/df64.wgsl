// Double-single arithmetic: a number is the unevaluated sum of two f32 (Dekker 1971). Compilers of shaders may fuse and
// reorder; each intermediate goes through an exclusive-or with a zero that they cannot know (params.zero).
struct Params { count: u32, zero: u32 }
@group(0) @binding(0) var<uniform> params: Params;
/** (a, b) of each case. */
@group(0) @binding(1) var<storage, read> cases: array<vec2<f32>>;
/** (sum, error of the sum, product, error of the product). */
@group(0) @binding(2) var<storage, read_write> results: array<vec4<f32>>;

fn hold(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ params.zero); }

/** Knuth 1969: s + e = a + b exactly. */
fn two_sum(a: f32, b: f32) -> vec2<f32> {
  let s = hold(a + b);
  let bb = hold(s - a);
  let aa = hold(s - bb);
  let da = hold(a - aa);
  let db = hold(b - bb);
  return vec2<f32>(s, hold(da + db));
}

/** p + e = a * b exactly; halves by a mask, as fused multiply-add is none on some adapters. */
fn two_prod(a: f32, b: f32) -> vec2<f32> {
  let p = hold(a * b);
  let ah = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
  let al = hold(a - ah);
  let bh = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
  let bl = hold(b - bh);
  let e1 = hold(hold(ah * bh) - p);
  let e2 = hold(e1 + hold(ah * bl));
  let e3 = hold(e2 + hold(al * bh));
  return vec2<f32>(p, hold(e3 + hold(al * bl)));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= params.count) { return; }
  let at = cases[id.x];
  results[id.x] = vec4<f32>(two_sum(at.x, at.y), two_prod(at.x, at.y));
}
