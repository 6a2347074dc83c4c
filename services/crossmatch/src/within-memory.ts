import { isProblem } from '@armilla/base';

/** Whether work failed for want of memory: less of it at a time may do. */
export function isShortOfMemory(error: unknown): boolean {
  return isProblem(error) && (error.reason === 'MEMORY_EXHAUSTED' || error.reason === 'MEMORY_OVER_LIMIT');
}

/** Searches for rows from `from` up to `to`, or up to where memory is enough for; gives that end and what was found. */
export async function withinMemory<T>(
  from: number,
  to: number,
  search: (to: number) => Promise<T>,
): Promise<{ readonly to: number; readonly found: T }> {
  for (let end = to; ; end = from + ((end - from) >> 1)) {
    try {
      return { to: end, found: await search(end) };
    } catch (error) {
      if (!isShortOfMemory(error) || end - from <= 1) throw error;
    }
  }
}
