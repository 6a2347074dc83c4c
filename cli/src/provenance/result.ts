import { needsSidecar, PROVENANCE_KEY, type RowsMoment, sidecarPath, type WriteOptions } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import { STANDARD, type TableOutput } from '../table/flags.js';
import type { DescribedInput } from './inputs.js';

/** What a result says of itself. */
export interface ResultProvenance {
  /** The document, the same in every run; with the counts when the rows are written. */
  document(rows: RowsMoment): object | Promise<object>;
  /** What differs between two runs: it stands in no result, only beside one. */
  run(): object | Promise<object>;
}

/** How a result carries its provenance: in its metadata or, where the format has none, in a file beside it. */
export function provenanceOptions(
  output: TableOutput,
  { fields }: Schema,
  { document, run }: ResultProvenance,
): Pick<WriteOptions, 'metadata' | 'sidecar'> {
  const { format } = output;
  const path = besidePath(output);
  return {
    metadata: async (rows) => ({ [PROVENANCE_KEY]: JSON.stringify(await document(rows)) }),
    sidecar:
      path === undefined
        ? undefined
        : {
            path,
            text: async ({ rowCount, byteCount }) => {
              const columns = fields.map(({ name, type, metadata }) => ({
                name,
                type: String(type),
                unit: metadata.get('unit'),
                ucd: metadata.get('ucd'),
              }));
              const written = { format, row_count: rowCount, byte_count: byteCount, columns };
              const whole = { ...(await document('written')), output: written, run: await run() };
              return `${JSON.stringify(whole, undefined, 2)}\n`;
            },
          },
  };
}

/** The file beside an output, where it has one. */
export function besidePath({ path, format }: TableOutput): string | undefined {
  return path !== STANDARD && format !== 'hats' && needsSidecar(format) ? sidecarPath(path) : undefined;
}

/** When the files of the inputs changed last, by input; null for what is no file. */
export function modifiedJson(inputs: readonly DescribedInput[]): readonly (string | null)[] {
  return inputs.map(({ modified }) => modified?.toISOString() ?? null);
}
