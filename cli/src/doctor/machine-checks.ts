import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { formatBytes } from '@armilla/base';
import { machineLimits } from '@armilla/gpu-core';
import type { Check } from './check.js';

const LEAST_MEMORY_BYTES = 2 ** 30;
const LEAST_DISK_BYTES = 2 * 2 ** 30;
const LEAST_NODE = [20, 19] as const;

/** A module with one v128 constant, and one with a shared memory: a machine without them refuses to compile them. */
const SIMD_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];
const THREADS_MODULE = [0, 97, 115, 109, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1];

export function nodeCheck(version = process.versions.node): Check {
  const [major, minor] = version.split('.').map(Number);
  const ok = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  return {
    name: 'Node.js',
    ok,
    seen: version,
    fix: ok ? undefined : `install Node.js ${LEAST_NODE.join('.')} or later`,
  };
}

export function coresCheck(): Check {
  const { coreCount, source } = machineLimits();
  return { name: 'cores', ok: coreCount >= 1, seen: `${coreCount} (from ${source})` };
}

export function memoryCheck(): Check {
  const { memoryBytes, source } = machineLimits();
  const free = Math.min(memoryBytes, freemem());
  const ok = free >= LEAST_MEMORY_BYTES;
  return {
    name: 'memory',
    ok,
    seen: `${formatBytes(free)} free of ${formatBytes(memoryBytes)} (from ${source})`,
    fix: ok
      ? undefined
      : 'close other programs or raise the limit of the container: a match of 10 million rows a side needs about 2 GiB',
  };
}

export async function diskCheck(folder = tmpdir()): Promise<Check> {
  const fix = `make room in ${folder}, or set TMPDIR (or spool_directory) to a folder with room: uploads that cannot be streamed wait there`;
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    return {
      name: 'disk',
      ok: free >= LEAST_DISK_BYTES,
      seen: `${formatBytes(free)} free in ${folder}`,
      fix: free >= LEAST_DISK_BYTES ? undefined : fix,
    };
  } catch (error) {
    return { name: 'disk', ok: false, seen: (error as Error).message, fix };
  }
}

export function webAssemblyChecks(): Check[] {
  const fix = 'use a Node.js build without --jitless and without --no-wasm flags; matches run without it, more slowly';
  return [['WebAssembly SIMD', SIMD_MODULE] as const, ['WebAssembly threads', THREADS_MODULE] as const].map(
    ([name, bytes]) => {
      const ok = compiles(Uint8Array.from(bytes));
      return { name, ok, seen: ok ? 'there' : 'missing', fix: ok ? undefined : fix };
    },
  );
}

function compiles(bytes: Uint8Array): boolean {
  try {
    new WebAssembly.Module(bytes);
    return true;
  } catch (error) {
    // Not only CompileError: under --jitless the name itself is unknown.
    return !(error instanceof Error);
  }
}
