// Distances of every left to every right point. Parameters, words of 4 bytes: addresses of left, right and result, number
// of left and of right points, coordinates of a point, left points of an item, right points of a block, scratch, bytes of
// scratch a slot.
export function distanceF32(params: usize, item: u32, control: usize, slot: u32): void {
  distances<f32>(params, item, control, slot);
}

export function distanceF64(params: usize, item: u32, control: usize, slot: u32): void {
  distances<f64>(params, item, control, slot);
}

// @ts-ignore: decorator
@inline
function distances<T>(params: usize, item: u32, control: usize, slot: u32): void {
  const leftCount = load<u32>(params, 12);
  const rightCount = load<u32>(params, 16);
  const coordinates = load<u32>(params, 20);
  const itemPoints = load<u32>(params, 24);
  const blockPoints = load<u32>(params, 28);
  const scratch = <usize>load<u32>(params, 32) + <usize>slot * load<u32>(params, 36);
  const first = item * itemPoints;
  const last = min(first + itemPoints, leftCount);
  const pointBytes = <usize>coordinates * sizeof<T>();
  for (let block: u32 = 0; block < rightCount; block += blockPoints) {
    if (atomic.load<i32>(control, 8) != 0) return;
    const count = min(blockPoints, rightCount - block);
    byCoordinate<T>(<usize>load<u32>(params, 4) + block * pointBytes, count, coordinates, blockPoints, scratch);
    for (let row = first; row < last; row++) {
      row1<T>(
        <usize>load<u32>(params) + row * pointBytes,
        scratch,
        count,
        blockPoints,
        coordinates,
        <usize>load<u32>(params, 8) + (<usize>row * rightCount + block) * sizeof<T>(),
      );
    }
  }
}

// Coordinate c of all points of the block side by side, then coordinate c + 1.
// @ts-ignore: decorator
@inline
function byCoordinate<T>(from: usize, count: u32, coordinates: u32, blockPoints: u32, to: usize): void {
  for (let point: u32 = 0; point < count; point++) {
    for (let c: u32 = 0; c < coordinates; c++) {
      store<T>(to + (<usize>c * blockPoints + point) * sizeof<T>(), load<T>(from));
      from += sizeof<T>();
    }
  }
}

// One left point and the block, 64 bytes of results at a time.
// @ts-ignore: decorator
@inline
function row1<T>(left: usize, block: usize, count: u32, blockPoints: u32, coordinates: u32, out: usize): void {
  const stride = <usize>blockPoints * sizeof<T>();
  const end = <usize>count * sizeof<T>();
  for (let at: usize = 0; at < end; at += 64) {
    let s0 = i64x2.splat(0), s1 = i64x2.splat(0), s2 = i64x2.splat(0), s3 = i64x2.splat(0);
    let source = block + at;
    for (let c: u32 = 0; c < coordinates; c++) {
      const a = v128.splat<T>(load<T>(left + <usize>c * sizeof<T>()));
      s0 = addSquare<T>(s0, a, v128.load(source));
      s1 = addSquare<T>(s1, a, v128.load(source, 16));
      s2 = addSquare<T>(s2, a, v128.load(source, 32));
      s3 = addSquare<T>(s3, a, v128.load(source, 48));
      source += stride;
    }
    s0 = v128.sqrt<T>(s0);
    s1 = v128.sqrt<T>(s1);
    s2 = v128.sqrt<T>(s2);
    s3 = v128.sqrt<T>(s3);
    if (at + 64 <= end) {
      v128.store(out + at, s0);
      v128.store(out + at, s1, 16);
      v128.store(out + at, s2, 32);
      v128.store(out + at, s3, 48);
    } else {
      // Through the row behind the block, as what follows belongs to the next left point.
      const edge = block + <usize>coordinates * stride;
      v128.store(edge, s0);
      v128.store(edge, s1, 16);
      v128.store(edge, s2, 32);
      v128.store(edge, s3, 48);
      memory.copy(out + at, edge, end - at);
    }
  }
}

// @ts-ignore: decorator
@inline
function addSquare<T>(sum: v128, a: v128, b: v128): v128 {
  const difference = v128.sub<T>(a, b);
  return v128.add<T>(sum, v128.mul<T>(difference, difference));
}
