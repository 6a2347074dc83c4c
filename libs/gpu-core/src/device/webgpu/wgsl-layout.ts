import { fail } from '@armilla/base';

export interface FieldLayout {
  /** Bytes from the start of the structure. */
  readonly offset: number;
  readonly type: string;
  readonly byteLength: number;
}

/** Where the fields of a WGSL structure lie in a buffer. */
export interface StructLayout {
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldLayout>;
  /** Of one structure, padded to its alignment. */
  readonly byteLength: number;
  readonly alignment: number;
}

interface Extent {
  readonly byteLength: number;
  readonly alignment: number;
}

const SCALARS: Readonly<Record<string, number>> = { f32: 4, i32: 4, u32: 4, f16: 2 };

/**
 * The layout of structure `name` in the WGSL text `source`, by the rules of the language (WGSL, "Alignment and Size"):
 * scalars, vectors, arrays of a literal length and nested structures. So the host never repeats an offset by hand.
 * Throws KERNEL_INVALID.
 */
export function structLayout(source: string, name: string, file: string): StructLayout {
  return layoutOf(withoutComments(source), name, file, []);
}

/** Writes one structure; every field has to be given, and none besides. Arrays take as many numbers as they have. */
export function packStruct(
  layout: StructLayout,
  values: Readonly<Record<string, number | readonly number[]>>,
): ArrayBuffer {
  const buffer = new ArrayBuffer(layout.byteLength);
  const view = new DataView(buffer);
  for (const key of Object.keys(values)) {
    if (!layout.fields.has(key)) throw fail('INTERNAL', { detail: `structure ${layout.name} has no field ${key}` });
  }
  for (const [key, field] of layout.fields) {
    const value = values[key];
    if (value === undefined) throw fail('INTERNAL', { detail: `field ${key} of structure ${layout.name} is missing` });
    const scalar = /(f32|i32|u32)/.exec(field.type)?.[1];
    const numbers = typeof value === 'number' ? [value] : value;
    if (scalar === undefined || numbers.length * 4 !== field.byteLength) {
      throw fail('INTERNAL', {
        detail: `field ${key} of structure ${layout.name} is ${field.type} (${field.byteLength} bytes), got ${numbers.length} numbers`,
      });
    }
    numbers.forEach((number, i) => {
      const at = field.offset + 4 * i;
      if (scalar === 'f32') view.setFloat32(at, number, true);
      else if (scalar === 'i32') view.setInt32(at, number, true);
      else view.setUint32(at, number, true);
    });
  }
  return buffer;
}

function layoutOf(source: string, name: string, file: string, outer: readonly string[]): StructLayout {
  const body = new RegExp(`\\bstruct\\s+${name}\\s*\\{([^}]*)\\}`).exec(source)?.[1];
  if (body === undefined || outer.includes(name)) {
    const detail = body === undefined ? `there is no structure ${name}` : `structure ${name} holds itself`;
    throw fail('KERNEL_INVALID', { file, line: '?', detail });
  }
  const fields = new Map<string, FieldLayout>();
  let end = 0;
  let alignment = 1;
  for (const member of splitMembers(body)) {
    const [, field, type] = /^(?:@\w+\([^)]*\)\s*)*(\w+)\s*:\s*(.+)$/s.exec(member) ?? [];
    if (field === undefined || /@(align|size)/.test(member)) {
      throw fail('KERNEL_INVALID', { file, line: '?', detail: `structure ${name}: cannot lay out '${member}'` });
    }
    const extent = extentOf(source, type.replace(/\s+/g, ''), file, [...outer, name]);
    const offset = roundUp(end, extent.alignment);
    fields.set(field, { offset, type: type.replace(/\s+/g, ''), byteLength: extent.byteLength });
    end = offset + extent.byteLength;
    alignment = Math.max(alignment, extent.alignment);
  }
  return { name, fields, byteLength: roundUp(end, alignment), alignment };
}

function extentOf(source: string, type: string, file: string, outer: readonly string[]): Extent {
  const scalar = SCALARS[type];
  if (scalar !== undefined) return { byteLength: scalar, alignment: scalar };
  const [, width, item] = /^vec([234])<(f32|i32|u32|f16)>$/.exec(longForm(type)) ?? [];
  if (width !== undefined) {
    const count = Number(width);
    return { byteLength: count * SCALARS[item], alignment: (count === 3 ? 4 : count) * SCALARS[item] };
  }
  const [, element, length] = /^array<(.+),(\d+)u?>$/.exec(type) ?? [];
  if (element !== undefined) {
    const { byteLength, alignment } = extentOf(source, element, file, outer);
    return { byteLength: roundUp(byteLength, alignment) * Number(length), alignment };
  }
  return layoutOf(source, type, file, outer);
}

/** vec4f is short for vec4<f32>. */
function longForm(type: string): string {
  return type.replace(/^vec([234])([fiuh])$/, (_, width: string, letter: string) => {
    const item = { f: 'f32', i: 'i32', u: 'u32', h: 'f16' }[letter];
    return `vec${width}<${item}>`;
  });
}

/** Members end with commas; those within <> belong to a type. */
function splitMembers(body: string): string[] {
  const members: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= body.length; at++) {
    const letter = body[at];
    if (letter === '<') depth++;
    else if (letter === '>') depth--;
    else if (letter === undefined || (letter === ',' && depth === 0)) {
      const member = body.slice(from, at).trim();
      if (member !== '') members.push(member);
      from = at + 1;
    }
  }
  return members;
}

function withoutComments(source: string): string {
  return source.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '');
}

function roundUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
