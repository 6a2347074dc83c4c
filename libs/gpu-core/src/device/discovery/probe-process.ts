import { providerName } from '../webgpu/provider.js';
import { probe } from './probe.js';
import { reportLine } from './report-line.js';

/** The process of `discover`: prints what the provider of its environment offers as one line of JSON. */
const report = await probe(providerName(process.env), process.env);
// At once: a provider's timer would keep the process for a minute.
process.stdout.write(reportLine(report), () => process.exit(0));
