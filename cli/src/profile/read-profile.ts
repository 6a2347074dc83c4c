import { open } from 'node:fs/promises';
import { fail } from '@armilla/base';
import { type Profile, profileFromJson } from '@armilla/gpu-core';

/** A profile of format json. Throws PROFILE_INVALID, INPUT_NOT_FOUND and INPUT_UNREADABLE. */
export async function readProfile(path: string): Promise<Profile> {
  try {
    await using file = await open(path);
    return profileFromJson(await file.readFile(), path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw fail('INPUT_NOT_FOUND', { where: path }, { cause: error });
    if (code === undefined || !code.startsWith('E')) throw error;
    throw fail('INPUT_UNREADABLE', { where: path, detail: message }, { cause: error });
  }
}

/** Names are data of others: none may end a line or steer the terminal. */
export function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}
