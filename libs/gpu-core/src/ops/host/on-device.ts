import { fail } from '@armilla/base';
import { fileURLToPath } from 'node:url';
import type { Device, JobBuffer } from '../../device/device.js';
import { type Program, readProgram } from '../../device/program.js';
import { packStruct, structLayout } from '../../device/webgpu/wgsl-layout.js';
import { DeviceArray } from './device-array.js';
import type { Execution } from './execution.js';
import { type Numbers, typeName, type Values, valuesOf } from './operand.js';

const programs = new Map<string, Program>();

/** The kernel in the operation's folder, as tools/build-wasm.mjs copies it, with values of its `override` declarations. */
export function programOf(folder: string, entryPoint: string, constants?: Program['constants']): Program {
  const key = `${folder}/${entryPoint} ${JSON.stringify(constants)}`;
  let program = programs.get(key);
  if (program === undefined) {
    const file = `ops/${folder}/kernel.wgsl`;
    program = readProgram(
      fileURLToPath(new URL(`../../../build/${file}`, import.meta.url)),
      file,
      entryPoint,
      constants,
    );
    programs.set(key, program);
  }
  return program;
}

/** The structure `Params` of a program. */
export function paramsOf(program: Program, values: Readonly<Record<string, number>>): JobBuffer {
  return { kind: 'uniform', data: packStruct(structLayout(program.wgsl, 'Params', program.file), values) };
}

/**
 * Values [start, end) of an operand as a buffer of a job on `device`: in place where the device keeps the operand and the job
 * takes all of it, else uploaded.
 */
export function inputOf(operand: Values<Numbers>, device: Device, start = 0, end = operand.length): JobBuffer {
  const whole = start === 0 && end === operand.length && end > 0;
  if (whole && operand instanceof DeviceArray && device.holds(operand.resident))
    return { kind: 'resident', resident: operand.resident };
  return { kind: 'input', data: valuesOf(operand).subarray(start, end) };
}

/** The device of a call. Throws BACKEND_UNAVAILABLE where there is none, or for f64, which WGSL does not have. */
export function deviceOf({ device }: Execution, operation: string, values: Values<Numbers>): Device {
  const unavailable = (detail: string): never => {
    throw fail('BACKEND_UNAVAILABLE', { operation, backend: 'webgpu', detail });
  };
  if (typeName(values) === 'f64') unavailable('WGSL has no f64; give Float32Array');
  return device ?? unavailable('the call was given no device');
}

/** Most bytes of one binding. */
export function bindingBytes({ info: { limits } }: Device): number {
  return Math.min(limits.maxBufferBytes, limits.maxStorageBindingBytes);
}

/** Workgroups of a loop over `count` invocations, as a rectangle where one row of them is not enough. */
export function workgroupsFor(device: Device, count: number, workgroupSize: number): [number, number, number] {
  const groups = Math.max(1, Math.ceil(count / workgroupSize));
  const width = Math.min(groups, device.info.limits.maxWorkgroupsPerDimension);
  return [width, Math.ceil(groups / width), 1];
}
