/** 1234567 -> "1,234,567", whatever the locale; with a noun "1 row", "1,234,567 rows". */
export function formatCount(count: number | bigint, noun?: string): string {
  const digits = String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  if (noun === undefined) return digits;
  return `${digits} ${noun}${Number(count) === 1 ? '' : 's'}`;
}
