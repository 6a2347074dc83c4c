import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { fail } from '@armilla/base';
import type { TableReader } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import type { ResolvedOptions } from '../options.js';
import type { Identity, ScratchOptions } from './scratch.js';

/** Bytes at each end of a file that its digest is made of, besides its size and time. */
const END_BYTES = 2 ** 20;
/** The same for one of many, as a catalog has. */
const MANY_FILES = 64;
const END_BYTES_OF_MANY = 2 ** 14;
/** Of the scratch files: another one cannot read them. */
const FORMAT = '4';

/** What the scratch files of a match depend on. */
export async function identityOf(
  left: TableReader,
  right: TableReader,
  rightSchema: Schema,
  options: ResolvedOptions,
  { inputs }: ScratchOptions,
): Promise<Identity> {
  return {
    'the program': FORMAT,
    'the options': digest(JSON.stringify({ ...options, area: options.left.area?.text })),
    [left.where]: await digestOfInput(left.schema, inputs?.left),
    ...(options.selfMatch === undefined && {
      [`${right.where} (right)`]: await digestOfInput(rightSchema, inputs?.right),
    }),
  };
}

/** Empty where nothing is known of the files. */
async function digestOfInput(schema: Schema, files: readonly string[] | undefined): Promise<string> {
  if (files === undefined || files.length === 0) return '';
  const parts = schema.fields.map(({ name, type }) => `${name} ${String(type)}`);
  const endBytes = files.length > MANY_FILES ? END_BYTES_OF_MANY : END_BYTES;
  for (const path of files) parts.push(await digestOfFile(path, endBytes));
  return digest(parts.join('\n'));
}

async function digestOfFile(path: string, endBytes: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size, mtimeMs } = await file.stat();
      const bytes = Buffer.alloc(Math.min(size, 2 * endBytes));
      const first = Math.min(size, endBytes);
      await file.read(bytes, 0, first, 0);
      await file.read(bytes, first, bytes.length - first, size - (bytes.length - first));
      return `${size} ${mtimeMs} ${digest(bytes)}`;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fail('INPUT_UNREADABLE', { where: path, detail: (error as Error).message }, { cause: error });
  }
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
