import { fail, toProblem } from '@armilla/base';
import { limitsOf } from '../webgpu/limits.js';
import { loadProvider, type Provider, type ProviderName } from '../webgpu/provider.js';
import type { AdapterReport, ProviderReport } from './discovery.js';

/** No adapter has this name: the refusal lists those that there are, which nothing else does. */
const NO_ADAPTER = '@@none@@';
/** How such a refusal begins where there is no adapter at all. */
const REFUSAL = /no suitable backends|Available adapters/;
const NO_DRIVER =
  'no adapter: no Vulkan driver answers (on Linux: libvulkan.so.1 and a driver with its file in /usr/share/vulkan/icd.d)';

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
    const faults: string[] = [];
    for (const [adapter, count] of counts) {
      try {
        adapters.push(await describe(provider, adapter, count));
      } catch (error) {
        faults.push(`it lists ${adapter} and does not give it: ${detailOf(error)}`);
      }
    }
    if (counts.size === 0) return { provider: name, file, adapters, reason: NO_DRIVER };
    return { provider: name, file, adapters, ...(faults.length > 0 && { reason: faults.join('; '), faulty: true }) };
  } catch (error) {
    return { provider: name, file, adapters: [], reason: detailOf(error), faulty: true };
  }
}

async function listNames(provider: Provider): Promise<Map<string, number>> {
  const gpu = provider.create([`adapter=${NO_ADAPTER}`]);
  const names = new Map<string, number>();
  try {
    await gpu.requestAdapter();
  } catch (error) {
    const message = String((error as Error | undefined)?.message ?? error);
    for (const [, name] of message.matchAll(/name: '([^']*)'/g)) names.set(name, (names.get(name) ?? 0) + 1);
    if (names.size === 0 && !REFUSAL.test(message)) throw error;
  } finally {
    provider.release(gpu);
  }
  return names;
}

async function describe(provider: Provider, name: string, count: number): Promise<AdapterReport> {
  const gpu = provider.create([`adapter=${name}`]);
  try {
    const adapter = await gpu.requestAdapter();
    if (adapter === null) throw fail('DEVICE_UNAVAILABLE', { provider: provider.name, detail: 'no adapter came' });
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

/** What was said, without the words that a problem puts around it. */
function detailOf(error: unknown): string {
  const problem = toProblem(error);
  return String(problem.fields.detail ?? problem.message);
}
