import { probeAll } from './probe.js';
import { reportLine } from './report-line.js';

/** The process of `discover`: prints what each provider offers as one line of JSON. */
const reports = await probeAll(process.env);
// At once: a provider's timer would keep the process for a minute.
process.stdout.write(reportLine(reports), () => process.exit(0));
