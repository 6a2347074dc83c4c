import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const BIN = join(import.meta.dirname, '..', '..', 'bin', 'armilla.mjs');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Runs the command line through `bash -c`, with $ARMILLA in place of the program. */
  readonly shell?: boolean;
}

export function startCli(
  args: readonly string[],
  { env, cwd, shell }: CliOptions = {},
): ChildProcessWithoutNullStreams {
  const variables = { ...process.env, ARMILLA: `${process.execPath} ${BIN}`, ...env };
  return shell
    ? spawn('bash', ['-c', args.join(' ')], { env: variables, cwd })
    : spawn(process.execPath, [BIN, ...args], { env: variables, cwd });
}

/** Runs the command line as users do, in a process of its own. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A child that refuses its arguments does not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** A folder for one test file, and its removal. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'armilla-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
