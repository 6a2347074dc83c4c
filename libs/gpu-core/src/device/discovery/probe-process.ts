import { probe } from './probe.js';
import type { ProviderReport } from './discovery.js';

/** The process of `discover`: prints what each provider offers as one line of JSON. */
const reports: ProviderReport[] = [await probe('webgpu', process.env)];
reports.push(await probe('kmamal', { ...process.env, ARMILLA_DAWN_NODE: undefined }));
// At once: a provider's timer would keep the process for a minute.
process.stdout.write(`${JSON.stringify(reports)}\n`, () => process.exit(0));
