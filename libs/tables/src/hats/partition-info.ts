import { fail } from '@armilla/base';
import { endOf, type HatsPixel, MAX_PARTITION_ORDER, pixelCountOf, pixelName, startOf } from './pixel.js';

/** A list that is longer is no list of partitions: the whole sky at order 9 has 3 million pixels. */
const MAX_PARTITION_COUNT = 2 ** 23;
const MAX_LINE_LENGTH = 1000;

/** A partition of a catalog: its pixel and, where the list says them, its rows. */
export interface HatsPartition extends HatsPixel {
  readonly rowCount: number | undefined;
}

/**
 * The partitions of a catalog in the order of the sky's nested curve, of which no two have anything in common.
 */
export class PartitionInfo {
  private constructor(
    readonly where: string,
    readonly partitions: readonly HatsPartition[],
  ) {}

  /** Checks pixels and sorts them. Throws HATS_INVALID for a pixel out of the range of its order, one that comes twice, or overlapping ones. */
  static of(partitions: readonly HatsPartition[], where: string): PartitionInfo {
    for (const partition of partitions) checkPixel(partition, where);
    const sorted = [...partitions].sort((a, b) => startOf(a) - startOf(b) || a.order - b.order);
    for (let i = 1; i < sorted.length; i++) {
      const [before, next] = [sorted[i - 1], sorted[i]];
      if (startOf(next) >= endOf(before)) continue;
      const same = before.order === next.order;
      const detail = same
        ? `partition ${pixelName(next)} is listed twice`
        : `partitions ${pixelName(before)} and ${pixelName(next)} overlap: rows would come twice`;
      throw fail('HATS_INVALID', { where, detail });
    }
    return new PartitionInfo(where, sorted);
  }

  /**
   * Reads `partition_info.csv`: columns `Norder` and `Npix` and, where a catalog has them, `num_rows`; others are left aside.
   * Throws HATS_INVALID with the line.
   */
  static parse(text: string, where: string): PartitionInfo {
    const invalid = (line: number, detail: string): never => {
      throw fail('HATS_INVALID', { where, detail: `line ${line}: ${detail}` });
    };
    const partitions: HatsPartition[] = [];
    let columns: { order: number; pixel: number; rows: number; count: number } | undefined;
    let line = 0;
    for (let at = 0; at < text.length;) {
      let end = text.indexOf('\n', at);
      if (end < 0) end = text.length;
      line++;
      if (end - at > MAX_LINE_LENGTH) invalid(line, `it has ${end - at} characters`);
      const record = text.slice(at, text[end - 1] === '\r' ? end - 1 : end);
      at = end + 1;
      if (record.trim() === '') continue;
      const cells = record.split(',');
      if (!columns) {
        const names = cells.map((cell) => cell.trim().replace(/^\uFEFF/, ''));
        const [order, pixel] = [names.indexOf('Norder'), names.indexOf('Npix')];
        if (order < 0 || pixel < 0)
          invalid(line, `the columns Norder and Npix are needed, got '${record.slice(0, 100)}'`);
        columns = { order, pixel, rows: names.indexOf('num_rows'), count: names.length };
        continue;
      }
      if (cells.length !== columns.count) invalid(line, `${cells.length} values, the header has ${columns.count}`);
      if (partitions.length === MAX_PARTITION_COUNT) invalid(line, `more than ${MAX_PARTITION_COUNT} partitions`);
      const order = wholeNumber(cells[columns.order]);
      const number = wholeNumber(cells[columns.pixel]);
      const rowCount = columns.rows < 0 ? undefined : wholeNumber(cells[columns.rows]);
      if (order === -1 || number === -1 || rowCount === -1)
        invalid(line, `whole numbers are needed, got '${record.slice(0, 100)}'`);
      partitions.push({ order, number, rowCount });
    }
    if (!columns) throw fail('HATS_INVALID', { where, detail: 'it is empty: a header with Norder and Npix is needed' });
    return PartitionInfo.of(partitions, where);
  }

  /** As `partition_info.csv`, in the order of the partitions. */
  toCsv(): string {
    return `Norder,Npix\n${this.partitions.map(({ order, number }) => `${order},${number}\n`).join('')}`;
  }

  /** Rows of all partitions, where the list says them. */
  get rowCount(): number | undefined {
    return rowCountOf(this.partitions);
  }
}

/** Rows of partitions, where all of them are known. */
export function rowCountOf(partitions: readonly HatsPartition[]): number | undefined {
  let sum = 0;
  for (const { rowCount } of partitions) {
    if (rowCount === undefined) return undefined;
    sum += rowCount;
  }
  return sum;
}

function checkPixel(pixel: HatsPixel, where: string): void {
  const { order, number } = pixel;
  if (!Number.isInteger(order) || order < 0 || order > MAX_PARTITION_ORDER)
    throw fail('HATS_INVALID', { where, detail: `${pixelName(pixel)}: orders are in [0, ${MAX_PARTITION_ORDER}]` });
  if (!Number.isSafeInteger(number) || number < 0 || number >= pixelCountOf(order)) {
    const detail = `${pixelName(pixel)}: pixels of order ${order} are in [0, ${pixelCountOf(order) - 1}]`;
    throw fail('HATS_INVALID', { where, detail });
  }
}

/** -1 for what is none. */
function wholeNumber(cell: string): number {
  return /^\s*\d{1,15}(?:\.0*)?\s*$/.test(cell) ? Number(cell) : -1;
}
