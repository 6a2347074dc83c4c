import { fail, formatBytes } from '@armilla/base';
import type { Profile } from '../profile.js';
import { profileOfData, profileToData } from '../profile-data.js';

/** A full ring of the default size takes about 1 MB. */
const BYTE_LIMIT = 2 ** 28;

/** Our own format, which `profileFromJson` and the dashboard read. */
export function profileToJson(profile: Profile): string {
  return JSON.stringify(profileToData(profile));
}

/** Reads JSON from anywhere; `where` names it in errors. Throws PROFILE_INVALID. */
export function profileFromJson(json: string | Uint8Array, where = 'profile'): Profile {
  const invalid = (detail: string, cause?: unknown): Error => fail('PROFILE_INVALID', { where, detail }, { cause });
  if (json.length > BYTE_LIMIT) throw invalid(`it is larger than ${formatBytes(BYTE_LIMIT)}`);
  let data: unknown;
  try {
    data = JSON.parse(typeof json === 'string' ? json : new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw invalid(`not JSON: ${String((cause as Error).message).slice(0, 200)}`, cause);
  }
  const read = profileOfData(data);
  if ('fault' in read) throw invalid(read.fault);
  return read.profile;
}
