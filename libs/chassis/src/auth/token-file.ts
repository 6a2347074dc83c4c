import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { fail } from '@armilla/base';
import { type Log } from '../log/logger.js';

/** How often the file is looked at, at most. */
const CHECK_INTERVAL_MS = 1000;

interface TokenEntry {
  readonly hash: Buffer;
  readonly name: string;
}

/**
 * Accepted bearer tokens: a file with the SHA-256 hash of one token per line (64 hexadecimal digits, then optionally a
 * name); empty lines and lines from `#` on are skipped. A changed file is read again; one that became unreadable leaves
 * the last good list in force.
 */
export class TokenFile {
  readonly #path: string;
  readonly #log: Log | undefined;
  #entries: readonly TokenEntry[];
  #stamp: string;
  #checkedAt = performance.now();

  /** Throws CONFIG_INVALID when the file is missing or not as said. */
  constructor(path: string, log?: Log) {
    this.#path = path;
    this.#log = log;
    try {
      this.#stamp = stampOf(path);
      this.#entries = parseTokens(readFileSync(path, 'utf8'));
    } catch (error) {
      throw fail('CONFIG_INVALID', { detail: `auth_tokens: ${path}: ${(error as Error).message}` }, { cause: error });
    }
  }

  /** The name of the token's owner. `authorization` is the header, "Bearer TOKEN". Throws UNAUTHENTICATED. */
  check(authorization: string | undefined): string {
    this.#reload();
    if (authorization === undefined || authorization === '')
      throw fail('UNAUTHENTICATED', { detail: 'send it in the header "authorization: Bearer TOKEN"' });
    const token = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1];
    if (token === undefined)
      throw fail('UNAUTHENTICATED', { detail: 'the authorization header is not of the form "Bearer TOKEN"' });
    const hash = hashToken(token);
    // Every entry is compared, so that the time tells nothing about which one came close.
    let name: string | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.hash, hash)) name = entry.name;
    }
    if (name === undefined) throw fail('UNAUTHENTICATED', { detail: 'this one is not accepted' });
    return name;
  }

  #reload(): void {
    const now = performance.now();
    if (now - this.#checkedAt < CHECK_INTERVAL_MS) return;
    this.#checkedAt = now;
    try {
      const stamp = stampOf(this.#path);
      if (stamp === this.#stamp) return;
      this.#entries = parseTokens(readFileSync(this.#path, 'utf8'));
      this.#stamp = stamp;
      this.#log?.info('tokens reloaded', { path: this.#path, tokenCount: this.#entries.length });
    } catch (error) {
      this.#log?.error('tokens not reloaded', { path: this.#path, detail: (error as Error).message });
    }
  }
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs} ${size} ${ino}`;
}

function parseTokens(text: string): TokenEntry[] {
  const entries: TokenEntry[] = [];
  text.split(/\r?\n/).forEach((line, at) => {
    const content = line.replace(/#.*/, '').trim();
    if (content === '') return;
    const match = /^([0-9a-f]{64})(?:\s+(\S.*))?$/i.exec(content);
    // The line itself stays out of the message: it may be a token written there by mistake.
    if (!match) throw new Error(`line ${at + 1} does not begin with the 64 hexadecimal digits of a SHA-256 hash`);
    entries.push({ hash: Buffer.from(match[1], 'hex'), name: match[2] ?? `token ${at + 1}` });
  });
  if (entries.length === 0) throw new Error('holds no hash');
  return entries;
}
