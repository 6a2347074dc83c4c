// Copies a Parquet file through the reader and the writer of @armilla/tables.
//   node e2e/interop/parquet.mjs FROM TO CODEC WORKERS
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { encodeParquet, FileSource, openParquet } from '@armilla/tables';

const [from, to, codec, workers] = process.argv.slice(2);
const reader = await openParquet(await FileSource.open(from), { where: from, workers: Number(workers) });
const out = createWriteStream(to);
for await (const bytes of encodeParquet(reader.schema, reader.batches(), {
  codec,
  workers: Number(workers),
  rowGroupRowCount: 4000,
})) {
  if (!out.write(bytes)) await once(out, 'drain');
}
out.end();
await once(out, 'finish');
await reader.close();
