import { writeFileSync } from 'node:fs';
import { Random } from '@armilla/base';

/** Rows of a stored table. */
const ROW_COUNT = 40_000;
/** Less than a join of two such tables needs, whatever the machine. */
export const LITTLE_MEMORY = ['--memory', '4MiB', '--workers', '2'];

/** Writes stars all over the sky as CSV: the same for every seed, up to a scatter of 0.7 arcsec. */
export function storeStars(path: string, seed: number): string {
  const places = new Random(1);
  const random = new Random(seed);
  const rows = Array.from({ length: ROW_COUNT }, (_, i) => {
    const [ra, dec] = [places.between(0, 360), places.between(-90, 90)];
    return `${i},${ra + random.normal() / 5000},${Math.max(-90, Math.min(90, dec + random.normal() / 5000))}`;
  });
  writeFileSync(path, `id,ra,dec\n${rows.join('\n')}\n`);
  return path;
}
