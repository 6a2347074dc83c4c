import { toProblem } from '@armilla/base';
import { limitsOf } from '../webgpu/limits.js';
import { loadProvider, type Provider, providerName, type ProviderName } from '../webgpu/provider.js';
import type { AdapterReport, ProviderReport } from './discovery.js';

/** No adapter has this name: the refusal lists those that there are, which nothing else does. */
const NO_ADAPTER = '@@none@@';
const NO_DRIVER =
  'no adapter: no Vulkan driver answers (on Linux: libvulkan.so.1 and a driver with its file in /usr/share/vulkan/icd.d)';

/** Looks at each provider, first at the one that ARMILLA_GPU_PROVIDER names, which alone is loaded to compute. */
export async function probeAll(env: Readonly<Record<string, string | undefined>>): Promise<ProviderReport[]> {
  let named: ProviderName;
  try {
    named = providerName(env);
  } catch (error) {
    return [{ provider: 'webgpu', adapters: [], reason: detailOf(error) }];
  }
  const other = named === 'webgpu' ? 'kmamal' : 'webgpu';
  return [await probe(named, env), await probe(other, { ...env, ARMILLA_DAWN_NODE: undefined })];
}

/** Looks at one provider; never throws. A driver that is broken may end the process: `discover` has one for it. */
export async function probe(
  name: ProviderName,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ProviderReport> {
  let provider: Provider;
  try {
    provider = loadProvider({ ...env, ARMILLA_GPU_PROVIDER: name });
  } catch (error) {
    return { provider: name, adapters: [], reason: detailOf(error) };
  }
  const { file } = provider;
  try {
    const counts = await listNames(provider);
    const adapters: AdapterReport[] = [];
    for (const [adapter, count] of counts) {
      const report = await describe(provider, adapter, count);
      if (report !== undefined) adapters.push(report);
    }
    return { provider: name, file, adapters, ...(adapters.length === 0 && { reason: NO_DRIVER }) };
  } catch (error) {
    return { provider: name, file, adapters: [], reason: detailOf(error) };
  }
}

async function listNames(provider: Provider): Promise<Map<string, number>> {
  const gpu = provider.create([`adapter=${NO_ADAPTER}`]);
  const names = new Map<string, number>();
  try {
    await gpu.requestAdapter();
  } catch (error) {
    for (const [, name] of String((error as Error).message).matchAll(/name: '([^']*)'/g)) {
      names.set(name, (names.get(name) ?? 0) + 1);
    }
  } finally {
    provider.release(gpu);
  }
  return names;
}

async function describe(provider: Provider, name: string, count: number): Promise<AdapterReport | undefined> {
  const gpu = provider.create([`adapter=${name}`]);
  try {
    const adapter = await gpu.requestAdapter();
    if (adapter === null) return undefined;
    const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
    return {
      name,
      vendor,
      architecture,
      description,
      software: isFallbackAdapter === true,
      count,
      features: [...adapter.features].sort(),
      limits: limitsOf(adapter.limits),
    };
  } finally {
    provider.release(gpu);
  }
}

function detailOf(error: unknown): string {
  const problem = toProblem(error);
  return String(problem.fields.detail ?? problem.message);
}
