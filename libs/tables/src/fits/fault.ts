import { fail, type Problem } from '@armilla/base';

/** What is wrong with a FITS file. */
export function fitsInvalid(where: string, detail: string): Problem {
  return fail('FITS_INVALID', { where, detail });
}

/** What is right in a FITS file, but not read here. */
export function fitsUnsupported(where: string, detail: string): Problem {
  return fail('FITS_UNSUPPORTED', { where, detail });
}
