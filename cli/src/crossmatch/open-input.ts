import { openTable, type TableReader } from '@armilla/tables';
import { STANDARD } from './flags.js';

/** Opens a table that the command line names: a file, a glob, a folder, or `-`. */
export function openInput(
  name: string,
  options: { readonly types?: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<TableReader> {
  return openTable(name === STANDARD ? { name: 'standard input', stream: process.stdin } : name, options);
}
