import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { fail } from '@armilla/base';
import type { TableReader } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import type { ResolvedOptions } from '../options.js';
import type { Identity, ScratchOptions } from './scratch.js';

/** Bytes at each end of a file that its digest is made of, besides its size and time. */
const END_BYTES = 2 ** 20;
/** Of the scratch files: another one cannot read them. */
const FORMAT = '3';

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
  for (const path of files) parts.push(await digestOfFile(path));
  return digest(parts.join('\n'));
}

async function digestOfFile(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size, mtimeMs } = await file.stat();
      const bytes = Buffer.alloc(Math.min(size, 2 * END_BYTES));
      const first = Math.min(size, END_BYTES);
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
