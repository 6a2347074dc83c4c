import { fail } from '@armilla/base';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export type ProviderName = 'webgpu' | 'kmamal';

/** What a native WebGPU module gives, of which Dawn's bindings are one. */
export interface Provider {
  readonly name: ProviderName;
  /** The file that was loaded. */
  readonly file: string;
  /** A WebGPU entry point; `flags` are those of Dawn's Node.js bindings ("backend=null"). It stays reachable until `release`. */
  create(flags: readonly string[]): GPU;
  /** Lets go of what `create` gave, after its devices are destroyed. */
  release(gpu: GPU): void;
}

interface NativeModule {
  create?(flags: string[]): GPU;
  /** Only @kmamal/gpu: ends the timer that `create` has started. */
  destroy?(gpu: GPU): void;
  globals?: object;
}

/**
 * Entry points in use. One that is collected as garbage while work is pending ends the process, even where a variable of
 * a module still names it.
 */
const alive = new Set<GPU>();

/**
 * Loads the native module: the file ARMILLA_DAWN_NODE, else the package of ARMILLA_GPU_PROVIDER ("webgpu", the default,
 * or "kmamal"). `resolve` finds the files of packages. Throws DEVICE_UNAVAILABLE, which says why it cannot be loaded.
 */
export function loadProvider(
  env: Readonly<Record<string, string | undefined>> = process.env,
  require: NodeJS.Require = createRequire(import.meta.url),
): Provider {
  const name = providerName(env);
  const file = env.ARMILLA_DAWN_NODE || fileOf(name, require);
  let native: NativeModule;
  try {
    native = require(file) as NativeModule;
  } catch (cause) {
    throw fail('DEVICE_UNAVAILABLE', { provider: name, detail: reasonOf(cause) }, { cause });
  }
  const { create } = native;
  if (typeof create !== 'function') {
    throw fail('DEVICE_UNAVAILABLE', { provider: name, detail: `${file} has no function create: it is too old` });
  }
  // The constants of the interface (GPUBufferUsage, …) are globals by its standard.
  Object.assign(globalThis, native.globals ?? {});
  return {
    name,
    file,
    create: (flags) => {
      const gpu = create([...flags]);
      alive.add(gpu);
      return gpu;
    },
    release: (gpu) => {
      native.destroy?.(gpu);
      alive.delete(gpu);
    },
  };
}

/** The provider that is loaded. Throws OPTION_INVALID. */
export function providerName(env: Readonly<Record<string, string | undefined>>): ProviderName {
  const name = env.ARMILLA_GPU_PROVIDER || 'webgpu';
  if (name === 'webgpu' || name === 'kmamal') return name;
  throw fail('OPTION_INVALID', { field: 'ARMILLA_GPU_PROVIDER', expected: "'webgpu' or 'kmamal'", got: name });
}

function fileOf(name: ProviderName, require: NodeJS.Require): string {
  const packageName = name === 'webgpu' ? 'webgpu' : '@kmamal/gpu';
  try {
    if (name === 'kmamal') return require.resolve(packageName);
    // The package's own entry is an ES module, which a worker cannot load at once; its binary can be.
    const platform = `${process.platform}-${process.platform === 'darwin' ? 'universal' : process.arch}`;
    const file = join(dirname(require.resolve('webgpu/package.json')), 'dist', platform, 'dawn.node');
    if (!existsSync(file)) {
      throw fail('DEVICE_UNAVAILABLE', { provider: name, detail: `webgpu has no binary for ${platform}` });
    }
    return file;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    const detail = `the package ${packageName} is not installed; install it with npm install ${packageName}`;
    throw fail('DEVICE_UNAVAILABLE', { provider: name, detail }, { cause });
  }
}

/** The first line: a loader's message names the library that is missing or too old. */
function reasonOf(error: unknown): string {
  return String((error as Error).message ?? error).split('\n', 1)[0];
}
