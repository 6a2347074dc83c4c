import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.env.ARMILLA_DATA_DIR ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url));

/** Path of a file or folder of the real data, or undefined where it is not there. */
export function realData(path: string): string | undefined {
  const whole = join(root, path);
  return existsSync(whole) ? whole : undefined;
}
