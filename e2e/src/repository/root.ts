import { join } from 'node:path';

/** The repository root; jest runs with it as the working directory. */
export const repositoryRoot = join(import.meta.dirname, '..', '..', '..');
