// Writes docs/config.md from the one table of settings; libs/chassis tests that it is current.
//   node tools/write-config-docs.mjs
import { writeFileSync } from 'node:fs';
import { configPage } from '@armilla/chassis';

writeFileSync(new URL('../docs/config.md', import.meta.url), configPage());
