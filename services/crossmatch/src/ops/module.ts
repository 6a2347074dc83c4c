import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The built module whose exports run in pool workers; found by its public entry, so that sources under test find it too. */
export function workerModule(): URL {
  return pathToFileURL(createRequire(import.meta.url).resolve('@armilla/crossmatch/worker'));
}
