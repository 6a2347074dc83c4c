/** A column as `fitsFile` writes it: its cards, and the bytes of each row. */
export interface FitsFileColumn {
  readonly name: string;
  /** TFORM. */
  readonly form: string;
  readonly cards?: Readonly<Record<string, string | number>>;
  readonly rows: readonly Uint8Array[];
}

/** The bytes of a FITS file with one binary table; for tests. `before` goes between the primary header and the table. */
export function fitsFile(columns: readonly FitsFileColumn[], before: Uint8Array = new Uint8Array(0)): Buffer {
  const rowCount = columns[0]?.rows.length ?? 0;
  const rowBytes = columns.reduce((sum, { rows }) => sum + (rows[0]?.length ?? 0), 0);
  const table = fitsHeader({
    XTENSION: "'BINTABLE'",
    BITPIX: 8,
    NAXIS: 2,
    NAXIS1: rowBytes,
    NAXIS2: rowCount,
    PCOUNT: 0,
    GCOUNT: 1,
    TFIELDS: columns.length,
    ...Object.fromEntries(
      columns.flatMap(({ name, form, cards = {} }, index) => [
        [`TTYPE${index + 1}`, `'${name.replaceAll("'", "''")}'`],
        [`TFORM${index + 1}`, `'${form}'`],
        ...Object.entries(cards).map(([key, value]) => [`${key}${index + 1}`, value] as const),
      ]),
    ),
  });
  const rows = Array.from({ length: rowCount }, (_, row) => columns.map((column) => column.rows[row])).flat();
  return Buffer.concat([
    fitsHeader({ SIMPLE: 'T', BITPIX: 8, NAXIS: 0 }),
    before,
    table,
    inBlocks(Buffer.concat(rows), 0),
  ]);
}

/** A header of these cards, in whole blocks. */
export function fitsHeader(cards: Readonly<Record<string, string | number>>): Buffer {
  const lines = Object.entries(cards).map(([key, value]) => `${key.padEnd(8)}= ${String(value)}`.padEnd(80));
  return inBlocks(Buffer.from([...lines, 'END'.padEnd(80)].join(''), 'latin1'), 32);
}

function inBlocks(bytes: Buffer, fill: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((2880 - (bytes.length % 2880)) % 2880, fill)]);
}
