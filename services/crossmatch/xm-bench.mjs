import { Runtime } from '@armilla/gpu-core';
import { crossmatch, CatalogTable } from '@armilla/crossmatch';
import { Random } from '@armilla/base';
import { Table, tableFromArrays } from 'apache-arrow';
const n = Number(process.argv[2] ?? 1e6), payloadCols = Number(process.argv[3] ?? 1), reps = Number(process.argv[4] ?? 5);
const join = process.argv[5] ?? 'inner', find = process.argv[6] ?? 'nearest', order = process.argv[7] ?? 'left';
function sky(seed) { const r = new Random(seed); const ra = new Float64Array(n), dec = new Float64Array(n); for (let i = 0; i < n; i++) { ra[i] = 360 * r.uniform(); dec[i] = Math.asin(2 * r.uniform() - 1) * 180 / Math.PI; } return { ra, dec }; }
const a = sky(1), b = { ra: a.ra.slice(), dec: a.dec.slice() };
const rr = new Random(7); for (let i = 0; i < n; i++) if (rr.uniform() < 0.6) { b.dec[i] += rr.normal() * 0.3 / 3600; } else { const s = rr; b.ra[i] = 360 * s.uniform(); b.dec[i] = Math.asin(2 * s.uniform() - 1) * 180 / Math.PI; }
for (let i = n - 1; i > 0; i--) { const j = rr.below(i + 1); [b.ra[i], b.ra[j]] = [b.ra[j], b.ra[i]]; [b.dec[i], b.dec[j]] = [b.dec[j], b.dec[i]]; }
function table(s) { const c = { ra: s.ra, dec: s.dec }; for (let k = 0; k < payloadCols; k++) c['p' + k] = s.ra.map((x) => x + k); return tableFromArrays(c); }
const reader = (t) => ({ where: 'm', format: 'arrow-stream', schema: t.schema, rowCount: t.numRows, misfits: new Map(), async *batches({ columns } = {}) { for (let f = 0; f < t.numRows; f += 65536) yield* t.slice(f, f + 65536).batches; }, close: async () => {} });
const A = table(a), B = table(b);
const runtime = await Runtime.create();
let resident = process.argv[8] ? await CatalogTable.load(reader(B), { runtime }) : undefined;
for (let i = 0; i < reps; i++) {
  const c0 = process.cpuUsage(); const t0 = performance.now(); let first = 0;
  const s = await crossmatch(reader(A), resident ?? reader(B), { radiusArcsec: 2, join, find, order }, { runtime });
  const tl = performance.now() - t0; let rows = 0, batches = 0;
  for await (const x of s) { first ||= performance.now() - t0; rows += x.numRows; batches++; }
  const c = process.cpuUsage(c0);
  console.log({ rows, batches, load: tl | 0, first: first | 0, total: (performance.now() - t0) | 0, cpu: ((c.user + c.system) / 1000) | 0, rss: process.memoryUsage.rss() >> 20 });
}
await runtime.close();
