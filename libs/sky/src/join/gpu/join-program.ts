import { packStruct, type Program, readProgram, type StructLayout, structLayout } from '@armilla/gpu-core';
import { createRequire } from 'node:module';

/** Left rows of a block at most: invocations of a workgroup in kernel.wgsl. */
export const BLOCK_ROWS = 64;
/** Nearest rows that the kernel keeps apart for each left row, as MOST_WANTED in kernel.wgsl. */
export const MOST_WANTED = 16;
/** Count of a left row whose two counts in the kernel differ. */
export const DISAGREES = 0xffff_ffff;
const FILE = 'join/gpu/kernel.wgsl';

export interface JoinProgram {
  readonly program: Program;
  readonly row: StructLayout;
  readonly place: StructLayout;
  readonly block: StructLayout;
  readonly visit: StructLayout;
  readonly found: StructLayout;
  params(values: { wanted: number; capacity: number; firstPlace: number }): ArrayBuffer;
}

let loaded: JoinProgram | undefined;

/** The kernel, with the layouts of its structures. */
export function joinProgram(): JoinProgram {
  if (loaded !== undefined) return loaded;
  const program = readProgram(createRequire(import.meta.url).resolve('@armilla/sky/join.wgsl'), FILE, 'join');
  const layout = (name: string): StructLayout => structLayout(program.wgsl, name, FILE);
  const params = layout('Params');
  return (loaded = {
    program,
    row: layout('Row'),
    place: layout('Place'),
    block: layout('Block'),
    visit: layout('Visit'),
    found: layout('Found'),
    params: (values) => packStruct(params, values),
  });
}

/** Word of a field within one structure. */
export function wordOf(layout: StructLayout, field: string): number {
  const found = layout.fields.get(field);
  if (found === undefined) throw new TypeError(`${FILE}: structure ${layout.name} has no field ${field}`);
  return found.offset / 4;
}
