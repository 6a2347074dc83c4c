/** One picture of a report, before it is drawn. */
export interface Picture {
  readonly id: string;
  readonly title: string;
  /** What a reader who does not see it should know. */
  readonly alternative: string;
  /** What it is drawn from. */
  readonly data: DataTable;
  /** For Vega. */
  readonly spec: PictureSpec;
}

/** Numbers and fixed words only: names that come from files are not in the data of pictures. */
export interface DataTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (number | string)[])[];
}

/** What differs between pictures in a Vega specification. */
export interface PictureSpec {
  readonly width: number;
  readonly height: number;
  readonly data: readonly object[];
  readonly scales?: readonly object[];
  readonly projections?: readonly object[];
  readonly axes?: readonly object[];
  readonly legends?: readonly object[];
  readonly marks: readonly object[];
}

export const WIDTH = 640;
export const HEIGHT = 320;

/** Colours of the page (styles.ts), which knows light and dark. */
export const COLOURS = {
  paper: 'var(--paper)',
  ink: 'var(--ink)',
  quiet: 'var(--quiet)',
  first: 'var(--first)',
  second: 'var(--second)',
  third: 'var(--third)',
} as const;

/** CSV as of RFC 4180; the values need no quotes. */
export function csvOf({ columns, rows }: DataTable): string {
  return [columns, ...rows].map((cells) => cells.map(cell).join(',')).join('\n');
}

function cell(value: number | string): string {
  if (typeof value === 'string') return value;
  return Number.isFinite(value) ? String(Number(value.toPrecision(10))) : '';
}

/** The rows as objects, which Vega takes. */
export function valuesOf({ columns, rows }: DataTable): object[] {
  return rows.map((cells) => Object.fromEntries(cells.map((value, c) => [columns[c], value])));
}

/** A linear scale over [0, width] or [height, 0], of its values as they are. */
export function linear(name: 'x' | 'y', domain: readonly [number, number], reverse = false): object {
  return { name, type: 'linear', domain, range: name === 'x' ? 'width' : 'height', reverse, zero: false, nice: false };
}

export function axis(scale: 'x' | 'y', title: string): object {
  const orient = scale === 'x' ? 'bottom' : 'left';
  return { scale, orient, title, grid: true, tickCount: scale === 'x' ? 8 : 6, labelOverlap: true };
}

/** An axis of counts, which has no ticks between whole numbers. */
export function countAxis(title: string): object {
  return { ...axis('y', title), tickMinStep: 1, format: ',d' };
}

/** The area of a point in square pixels: few are drawn large, so that they are seen, many small, so that they do not hide each other. */
export function pointSize(count: number, smallest: number): number {
  return Math.max(smallest, Math.min(80, 9000 / Math.max(1, count)));
}

/** A line through the values of one column. */
export function line(data: string, x: string, y: string, colour: string, dash: readonly number[] = []): object {
  return {
    type: 'line',
    from: { data },
    encode: {
      enter: {
        x: { scale: 'x', field: x },
        y: { scale: 'y', field: y },
        stroke: { value: colour },
        strokeWidth: { value: 2 },
        strokeDash: { value: dash },
      },
    },
  };
}

/** A line across the picture at one x, with its name. */
export function marker(x: number, text: string, row: number): object[] {
  return [
    {
      type: 'rule',
      encode: {
        enter: {
          x: { scale: 'x', value: x },
          y: { value: 0 },
          y2: { signal: 'height' },
          stroke: { value: COLOURS.ink },
          strokeDash: { value: [2, 3] },
        },
      },
    },
    {
      type: 'text',
      encode: {
        enter: {
          x: { scale: 'x', value: x, offset: 4 },
          y: { value: 12 + 14 * row },
          text: { value: text },
          fill: { value: COLOURS.ink },
          fontSize: { value: 12 },
        },
      },
    },
  ];
}

/** Names of what is drawn, by colour and shape or dash. */
export function legend(
  entries: readonly {
    readonly text: string;
    readonly colour: string;
    readonly shape?: string;
    readonly dash?: readonly number[];
  }[],
): { scales: object[]; legends: object[] } {
  const domain = entries.map(({ text }) => text);
  const lines = entries.every(({ shape }) => shape === undefined);
  const scale = (name: string, range: readonly unknown[]): object => ({ name, type: 'ordinal', domain, range });
  const colour = scale(
    'colour',
    entries.map((entry) => entry.colour),
  );
  return lines
    ? {
        scales: [
          colour,
          scale(
            'dash',
            entries.map(({ dash }) => dash ?? [1, 0]),
          ),
        ],
        legends: [
          { stroke: 'colour', strokeDash: 'dash', symbolType: 'stroke', orient: 'top', direction: 'horizontal' },
        ],
      }
    : {
        scales: [
          colour,
          scale(
            'shape',
            entries.map(({ shape }) => shape ?? 'square'),
          ),
        ],
        legends: [{ fill: 'colour', shape: 'shape', orient: 'top', direction: 'horizontal' }],
      };
}
