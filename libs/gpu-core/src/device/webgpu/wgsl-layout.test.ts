import { packStruct, structLayout } from './wgsl-layout.js';

const SOURCE = `
// struct Params { wrong: f32 }
struct Inner { a: vec3<f32>, b: f32, }
struct Params {
  count: u32,
  centre: vec3f, /* after a gap */
  scale: f32,
  offset: vec2<i32>,
  table: array<vec4<f32>, 3>,
  inner: Inner,
  last: i32,
}
struct Loop { self_: Loop }
`;

test('offsets follow the alignment rules of WGSL', () => {
  const layout = structLayout(SOURCE, 'Params', 'kernel.wgsl');
  const offsets = [...layout.fields].map(([name, { offset }]) => [name, offset]);
  expect(Object.fromEntries(offsets)).toEqual({
    count: 0,
    centre: 16,
    scale: 28,
    offset: 32,
    table: 48,
    inner: 96,
    last: 112,
  });
  expect(layout).toMatchObject({ byteLength: 128, alignment: 16 });
});

test('values are written where the shader reads them', () => {
  const layout = structLayout('struct P { n: u32, at: vec2<f32>, d: i32 }', 'P', 'p.wgsl');
  const view = new DataView(packStruct(layout, { n: 4_000_000_000, at: [1.5, -2], d: -7 }));
  expect(view.getUint32(0, true)).toBe(4_000_000_000);
  expect([view.getFloat32(8, true), view.getFloat32(12, true)]).toEqual([1.5, -2]);
  expect(view.getInt32(16, true)).toBe(-7);
  expect(view.byteLength).toBe(24);
});

test('what cannot be laid out or written is a typed error', () => {
  const invalid = expect.objectContaining({ reason: 'KERNEL_INVALID' });
  expect(() => structLayout(SOURCE, 'Missing', 'kernel.wgsl')).toThrow(invalid);
  expect(() => structLayout(SOURCE, 'Loop', 'kernel.wgsl')).toThrow(invalid);
  expect(() => structLayout('struct P { @align(16) n: u32 }', 'P', 'p.wgsl')).toThrow(invalid);
  const layout = structLayout('struct P { n: u32 }', 'P', 'p.wgsl');
  expect(() => packStruct(layout, {})).toThrow('field n of structure P is missing');
  expect(() => packStruct(layout, { n: 1, m: 2 })).toThrow('has no field m');
  expect(() => packStruct(layout, { n: [1, 2] })).toThrow('got 2 numbers');
});
