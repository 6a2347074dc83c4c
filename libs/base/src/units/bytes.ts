import { fail } from '../problem/problem.js';

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `2GiB`, `500MB`, `1048576`. */
export function parseBytes(text: string, field: string): number {
  const match = /^\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*$/i.exec(text);
  const factor = match ? BYTES_PER_UNIT[match[2].toLowerCase()] : undefined;
  if (!match || factor === undefined) {
    throw fail('OPTION_INVALID', { field, expected: 'a size such as 2GiB or 500MB', got: `'${text}'` });
  }
  return Math.round(Number(match[1]) * factor);
}

/** 1536 -> "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && at < units.length - 1) {
    value /= 1024;
    at++;
  }
  return `${at === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[at]}`;
}
