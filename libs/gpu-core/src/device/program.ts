import { readFileSync } from 'node:fs';

/** A WGSL kernel; compiled once a device. */
export interface Program {
  readonly wgsl: string;
  /** For messages: "ops/matmul/kernel.wgsl". */
  readonly file: string;
  readonly entryPoint: string;
  /** Values of `override` declarations, such as the tile size. */
  readonly constants?: Readonly<Record<string, number>>;
  /** It computes with pairs of f32: it runs only where the self-test of the device found them exact (`DeviceInfo.df64`). */
  readonly needsDf64?: boolean;
}

/** The kernel in the file at `path`, which messages call `file`. */
export function readProgram(path: string, file: string, entryPoint: string, constants?: Program['constants']): Program {
  return { wgsl: readFileSync(path, 'utf8'), file, entryPoint, ...(constants && { constants }) };
}
