import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../repository/root.js';

/** Published catalogs, read in place: ARMILLA_DATA_DIR, else ../shared/data; undefined where there are none. */
export const dataFolder = [process.env['ARMILLA_DATA_DIR'], join(repositoryRoot, '..', 'shared', 'data')].find(
  (folder) => folder !== undefined && existsSync(join(folder, 'hipparcos')),
);

export const hipparcos = {
  left: join(dataFolder ?? '', 'hipparcos', 'hip2_j1991.csv.gz'),
  right: join(dataFolder ?? '', 'hipparcos', 'hip1_j2000_v9.csv.gz'),
};

export const neowise = {
  left: join(dataFolder ?? '', 'neowise', 'neowise_epochs.parquet'),
  right: join(dataFolder ?? '', 'neowise', 'tier5_radio_silent.parquet'),
};

/** `test` where the catalogs are; otherwise a skip that says why. */
export function testWithData(name: string, run: () => Promise<void>, timeoutMs?: number): void {
  if (dataFolder) test(name, run, timeoutMs);
  else test.skip(`${name} (no real data: set ARMILLA_DATA_DIR)`, run);
}
