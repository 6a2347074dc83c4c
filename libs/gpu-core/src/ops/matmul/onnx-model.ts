/** Element types of ONNX (TensorProto.DataType in onnx.proto). */
export const ONNX_TYPE = { f32: 1, f64: 11 } as const;

/** Of onnx.proto: the version of the format, and the set of operators in which MatMul takes both types. */
const IR_VERSION = 8;
const OPERATOR_SET = 13;

/**
 * The bytes of a model with one node, c = MatMul(a, b), in which all extents are free: a [m, k], b [k, n], c [m, n], or
 * with a batch in front. Fields and numbers as in onnx.proto of ONNX 1.14.
 */
export function matmulModel(type: keyof typeof ONNX_TYPE, batched: boolean): Uint8Array {
  const batch = batched ? ['batch'] : [];
  const node = [text(1, 'a'), text(1, 'b'), text(2, 'c'), text(4, 'MatMul')].flat();
  const graph = [
    bytes(1, node),
    text(2, 'matmul'),
    bytes(11, valueInfo('a', type, [...batch, 'm', 'k'])),
    bytes(11, valueInfo('b', type, [...batch, 'k', 'n'])),
    bytes(12, valueInfo('c', type, [...batch, 'm', 'n'])),
  ].flat();
  return Uint8Array.from([...integer(1, IR_VERSION), ...bytes(7, graph), ...bytes(8, integer(2, OPERATOR_SET))]);
}

/** ValueInfoProto: a name and a tensor type with named extents. */
function valueInfo(name: string, type: keyof typeof ONNX_TYPE, extents: readonly string[]): number[] {
  const shape = extents.flatMap((extent) => bytes(1, text(2, extent)));
  const tensor = [...integer(1, ONNX_TYPE[type]), ...bytes(2, shape)];
  return [...text(1, name), ...bytes(2, bytes(1, tensor))];
}

/** A field of wire type 0. */
function integer(field: number, value: number): number[] {
  return [...varint(field << 3), ...varint(value)];
}

/** A field of wire type 2. */
function bytes(field: number, content: readonly number[]): number[] {
  return [...varint((field << 3) | 2), ...varint(content.length), ...content];
}

function text(field: number, content: string): number[] {
  return bytes(field, [...Buffer.from(content)]);
}

function varint(value: number): number[] {
  const out: number[] = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return [...out, value];
}
