#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/index.js', import.meta.url);
if (!existsSync(entry)) {
  process.stderr.write('armilla: not built yet; run ./armilla (or npm run build) in the checkout\n');
  process.exit(69);
}
const { main } = await import(entry);
process.exit(await main(process.argv.slice(2)));
