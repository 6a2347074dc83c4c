import { fail, type Problem } from '@armilla/base';

/** What is wrong with a VOTable. */
export function votableInvalid(where: string, detail: string): Problem {
  return fail('VOTABLE_INVALID', { where, detail });
}

/** What is right in a VOTable, but not read here. */
export function votableUnsupported(where: string, detail: string): Problem {
  return fail('VOTABLE_UNSUPPORTED', { where, detail });
}
