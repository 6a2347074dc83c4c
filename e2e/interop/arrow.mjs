// Reads each Arrow stream and file of a folder with @armilla/tables and writes it again: as it came (.stream, .file) and
// from a column store with its rows in reverse (.store).
//   node e2e/interop/arrow.mjs FROM TO
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ColumnStore, encodeArrowFile, encodeArrowStream, openArrow } from '@armilla/tables';

const [from, to] = process.argv.slice(2);

async function save(name, parts) {
  const all = [];
  for await (const part of parts) all.push(part);
  writeFileSync(join(to, name), Buffer.concat(all));
}

async function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

for (const [i, name] of readdirSync(from).entries()) {
  const bytes = readFileSync(join(from, name));
  const reader = await openArrow(i % 2 ? { name, bytes } : { name, stream: pieces(bytes) });
  const batches = [];
  for await (const batch of reader.batches()) batches.push(batch);
  await save(`${name}.stream`, encodeArrowStream(reader.schema, batches));
  await save(`${name}.file`, encodeArrowFile(reader.schema, batches));
  const store = new ColumnStore(reader.schema);
  for (const batch of batches) store.append(batch);
  const { rowCount } = store.seal();
  await save(
    `${name}.store`,
    encodeArrowStream(store.schema, [
      store.takeBatch(Int32Array.from({ length: rowCount }, (_, row) => rowCount - 1 - row)),
    ]),
  );
}
