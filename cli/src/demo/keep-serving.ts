import { encodeTable } from '@armilla/tables';
import { printLine } from '../terminal/standard-output.js';
import { CATALOG_SCHEMA, catalogBatches } from './arrow-catalog.js';
import type { DemoField } from './simulation.js';

/** Keeps the right catalog as the table `demo`, and says how to match with it. */
export async function keepServing(url: string, field: DemoField, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/v1/crossmatch/tables/demo?ttl=86400s`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.apache.arrow.stream' },
    body: ReadableStream.from(encodeTable('arrow-stream', CATALOG_SCHEMA, catalogBatches(field.right))),
    duplex: 'half',
    signal,
  } as RequestInit);
  if (!response.ok) throw new Error(`the table could not be stored: ${await response.text()}`);
  const { centreRaDeg, centreDecDeg } = field;
  await printLine(
    `\nstill serving until Ctrl-C; the right catalog is kept as 'demo'. Try, in another terminal:\n` +
      `  printf 'ra,dec\\n${centreRaDeg},${centreDecDeg}\\n' | curl -sS --data-binary @- '${url}/v1/crossmatch?right=demo&radius=60arcsec&find=all&format=csv'`,
  );
}
