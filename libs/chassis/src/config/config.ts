import { readFileSync } from 'node:fs';
import { fail, parseBytes } from '@armilla/base';
import { type LogLevel } from '../log/logger.js';
import { CONFIG_KEYS, type ConfigKey, type ConfigKeyName } from './keys.js';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type ValueOf<K extends ConfigKey> = K['type'] extends 'level'
  ? LogLevel
  : K['type'] extends 'switch'
    ? boolean
    : K['type'] extends 'text'
      ? string
      : number;

/** One value per key of CONFIG_KEYS, in camel case: `grpc_address` is `config.grpcAddress`. */
export type Config = { readonly [K in ConfigKeyName as Camel<K>]: ValueOf<(typeof CONFIG_KEYS)[K]> };

export interface ConfigSources {
  /** From the command line, keys in any of `grpc_address`, `grpc-address`, `grpcAddress`. */
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Variables that do not start with ARMILLA_ are ignored. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** JSON file of keys and values; ARMILLA_CONFIG names one, too. */
  readonly file?: string;
}

const ENV_PREFIX = 'ARMILLA_';
/** ARMILLA_ variables that are no server settings: clients, tests and tools read them. */
const FOREIGN_ENV = new Set([
  'ARMILLA_CONFIG',
  'ARMILLA_DATA_DIR',
  'ARMILLA_DAWN_NODE',
  'ARMILLA_GPU_PROVIDER',
  'ARMILLA_GRPC',
  'ARMILLA_MUTANTS',
  'ARMILLA_SEED',
  'ARMILLA_TOKEN',
  'ARMILLA_URL',
]);
const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];
const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { '': 1, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400 };

/** Flags win over the environment, the environment over the file, the file over the defaults. All bad values and unknown keys are listed in one CONFIG_INVALID. */
export function loadConfig(sources: ConfigSources = {}): Config {
  const problems: string[] = [];
  const values = new Map<ConfigKeyName, string | number | boolean>();
  const take = (name: string, value: unknown, where: string): void => {
    const key = snakeCase(name);
    if (!isKey(key)) {
      problems.push(`${where}: no such key${nearest(key)}`);
      return;
    }
    try {
      values.set(key, parseValue(key, value));
    } catch (error) {
      problems.push(`${where}: ${(error as Error).message}`);
    }
  };
  const file = sources.file ?? sources.env?.ARMILLA_CONFIG;
  for (const [name, value] of Object.entries(readConfigFile(file, problems))) take(name, value, `${file}: ${name}`);
  for (const [name, value] of Object.entries(sources.env ?? {})) {
    if (!name.startsWith(ENV_PREFIX) || FOREIGN_ENV.has(name) || value === undefined || value === '') continue;
    take(name.slice(ENV_PREFIX.length).toLowerCase(), value, name);
  }
  for (const [name, value] of Object.entries(sources.flags ?? {})) {
    if (value !== undefined) take(name, value, `--${snakeCase(name).replaceAll('_', '-')}`);
  }
  const config = Object.fromEntries(
    Object.entries(CONFIG_KEYS).map(([key, entry]) => [
      camelCase(key),
      values.get(key as ConfigKeyName) ?? entry.default,
    ]),
  ) as unknown as Config;
  if (problems.length === 0) checkTogether(config, problems);
  if (problems.length > 0) throw fail('CONFIG_INVALID', { detail: problems.join('; ') });
  return config;
}

function checkTogether(config: Config, problems: string[]): void {
  if ((config.tlsCert === '') !== (config.tlsKey === '')) problems.push('tls_cert and tls_key: give both or neither');
  if (config.defaultDeadlineSeconds > config.maxDeadlineSeconds)
    problems.push('default_deadline_seconds: is over max_deadline_seconds');
}

function parseValue(key: ConfigKeyName, value: unknown): string | number | boolean {
  const entry: ConfigKey = CONFIG_KEYS[key];
  const seen = JSON.stringify(value);
  const refuse = (expected: string): Error => new RangeError(`must be ${expected}, got ${seen}`);
  switch (entry.type) {
    case 'text':
      if (typeof value !== 'string') throw refuse('text');
      return value;
    case 'level':
      if (!LEVELS.includes(value as string)) throw refuse(LEVELS.join(', '));
      return value as string;
    case 'switch':
      if (value === true || value === 'true' || value === '1' || value === 'on') return true;
      if (value === false || value === 'false' || value === '0' || value === 'off') return false;
      throw refuse('true or false');
    default: {
      const number = typeof value === 'number' ? value : parseNumber(entry.type, String(value), key);
      const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = entry;
      const broken = entry.type === 'seconds' || entry.type === 'share';
      if (!(broken || Number.isInteger(number)) || !(number >= minimum && number <= maximum)) {
        throw refuse(`${broken ? 'a number' : 'a whole number'} in [${minimum}, ${maximum}] ${entry.unit}`.trim());
      }
      return number;
    }
  }
}

function parseNumber(type: ConfigKey['type'], text: string, field: string): number {
  if (type === 'bytes') return parseBytes(text, field);
  const match = /^\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*$/.exec(text);
  const factor = match && (type === 'seconds' ? SECONDS_PER_UNIT[match[2]] : match[2] === '' ? 1 : undefined);
  return match && factor !== undefined && factor !== null ? Number(match[1]) * factor : NaN;
}

function readConfigFile(path: string | undefined, problems: string[]): Record<string, unknown> {
  if (path === undefined || path === '') return {};
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content === 'object' && content !== null && !Array.isArray(content))
      return content as Record<string, unknown>;
    problems.push(`${path}: must hold a JSON object of keys and values`);
  } catch (error) {
    problems.push(`${path}: cannot be read: ${(error as Error).message}`);
  }
  return {};
}

const isKey = (key: string): key is ConfigKeyName => Object.hasOwn(CONFIG_KEYS, key);

const snakeCase = (name: string): string =>
  name.replaceAll('-', '_').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const camelCase = (key: string): string => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** ", did you mean ...?" for a key within two typing errors. */
function nearest(key: string): string {
  const close = Object.keys(CONFIG_KEYS).find((known) => distance(known, key) <= 2);
  return close === undefined ? '' : `, did you mean ${close}?`;
}

/** Edits (insert, delete, replace) between two short texts. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}
