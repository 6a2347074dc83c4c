// Matches two CSV tables in memory, as a library: no server, no files.
import { crossmatch } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { openTable } from '@armilla/tables';

const survey = `name,ra,dec
Sirius,101.28715,-16.71612
Vega,279.23473,38.78369
Nowhere,0,0
`;
const reference = `hip,ra,dec,vmag
32349,101.287155,-16.716116,-1.44
91262,279.234735,38.783689,0.03
`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

await using runtime = await Runtime.create();
const matches = await crossmatch(
  await openTable({ name: 'survey.csv', bytes: bytes(survey) }),
  await openTable({ name: 'reference.csv', bytes: bytes(reference) }),
  { radiusArcsec: 1, find: 'nearest', join: 'left', columns: ['name', 'hip', 'vmag', 'separation_arcsec'] },
  { runtime },
);
for await (const batch of matches) {
  for (const row of batch) console.log(`${row['name']}: ${row['hip'] ?? 'no counterpart'}`);
}
const { left } = matches.summary();
console.log(`${left.matchedRowCount} matched, ${left.unmatchedRowCount} unmatched, ${left.rejectedRowCount} rejected`);
