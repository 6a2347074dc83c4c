import { fail, isProblem, type Problem } from '@armilla/base';

/** What is wrong inside a Parquet file, before it is known where; `parquetProblem` adds the place. */
export class ParquetFault extends Error {
  override readonly name = 'ParquetFault';

  constructor(
    readonly detail: string,
    readonly unsupported = false,
  ) {
    super(detail);
  }
}

/** A fault of a file that keeps to the rules but uses something that is not read here. */
export function unsupported(detail: string): ParquetFault {
  return new ParquetFault(detail, true);
}

/**
 * The typed error of anything that decoding foreign bytes threw: faults by their detail, reads beyond a buffer and
 * refused allocations as broken files. Problems pass unchanged.
 */
export function parquetProblem(error: unknown, where: string): Problem {
  if (isProblem(error)) return error;
  if (error instanceof ParquetFault) {
    return fail(
      error.unsupported ? 'PARQUET_UNSUPPORTED' : 'PARQUET_INVALID',
      { where, detail: error.detail },
      { cause: error },
    );
  }
  if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError) {
    const detail = `lengths inside the file contradict each other (${error.message})`;
    return fail('PARQUET_INVALID', { where, detail }, { cause: error });
  }
  const detail = error instanceof Error ? error.message : String(error);
  return fail('INTERNAL', { detail: `${where}: ${detail}` }, { cause: error });
}
