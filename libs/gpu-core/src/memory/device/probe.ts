import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { machineLimits } from '../../machine/limits.js';

/** Who said how much memory the device has. */
export type MemorySource = 'nvidia-smi' | 'amdgpu' | 'host' | 'unknown';

/** What a probe saw, bytes; undefined is what it could not see, never a guess. */
export interface MemoryProbe {
  readonly source: MemorySource;
  readonly totalBytes: number | undefined;
  /** By all programs. */
  readonly usedBytes: number | undefined;
  /** Share of time in which the device worked, in [0, 1]. */
  readonly utilisation: number | undefined;
  /** Which card it was, or why nothing is known. */
  readonly detail: string;
}

export interface ProbeOptions {
  /** Name of the adapter; picks the card where there are several. */
  readonly deviceName?: string;
  /** A software adapter computes in the host's memory. */
  readonly software?: boolean;
  /** Standard output of a program; rejects where there is none. */
  readonly run?: (program: string, args: readonly string[]) => Promise<string>;
  /** Text of a file; rejects where there is none. */
  readonly read?: (path: string) => Promise<string>;
  /** Names in a folder; rejects where there is none. */
  readonly list?: (path: string) => Promise<string[]>;
  /** Ends a program that is asked. */
  readonly signal?: AbortSignal;
  /** Memory that this process may use, bytes. */
  readonly hostBytes?: () => number;
}

const MIB = 2 ** 20;
const NVIDIA_QUERY = ['--query-gpu=name,memory.total,memory.used,utilization.gpu', '--format=csv,noheader,nounits'];
const DRM = '/sys/class/drm';

/** Asks nvidia-smi, then the amdgpu driver; WebGPU itself tells nothing about memory. */
export async function probeMemory(options: ProbeOptions = {}): Promise<MemoryProbe> {
  if (options.software) {
    const totalBytes = (options.hostBytes ?? (() => machineLimits().memoryBytes))();
    return { source: 'host', totalBytes, usedBytes: undefined, utilisation: undefined, detail: 'software adapter' };
  }
  const tried: string[] = [];
  for (const probe of [probeNvidia, probeAmd]) {
    const seen = await probe(options);
    if (typeof seen !== 'string') return seen;
    tried.push(seen);
  }
  return {
    source: 'unknown',
    totalBytes: undefined,
    usedBytes: undefined,
    utilisation: undefined,
    detail: tried.join('; '),
  };
}

async function probeNvidia({
  signal,
  run = runProgram(signal),
  deviceName,
}: ProbeOptions): Promise<MemoryProbe | string> {
  let text: string;
  try {
    text = await run('nvidia-smi', NVIDIA_QUERY);
  } catch (error) {
    return `nvidia-smi: ${(error as Error).message.split('\n')[0]}`;
  }
  const cards = text
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === 4)
    .map(([name, total, used, busy]) => ({
      name,
      totalBytes: scaled(total, MIB),
      usedBytes: scaled(used, MIB),
      utilisation: share(busy),
    }));
  return pick('nvidia-smi', cards, deviceName);
}

async function probeAmd({ read = readText, list = readdir, deviceName }: ProbeOptions): Promise<MemoryProbe | string> {
  let names: string[];
  try {
    names = (await list(DRM)).filter((name) => /^card\d+$/.test(name)).sort();
  } catch (error) {
    return `amdgpu: ${(error as Error).message}`;
  }
  const cards: Card[] = [];
  for (const card of names) {
    const value = async (file: string, parse = scaled): Promise<number | undefined> =>
      read(`${DRM}/${card}/device/${file}`).then(
        (text) => parse(text.trim()),
        // Cards of other drivers have no such file.
        () => undefined,
      );
    const totalBytes = await value('mem_info_vram_total');
    if (totalBytes === undefined) continue;
    const product = await read(`${DRM}/${card}/device/product_name`).then(
      (text) => text.trim(),
      () => '',
    );
    cards.push({
      name: product === '' ? card : product,
      totalBytes,
      usedBytes: await value('mem_info_vram_used'),
      utilisation: await value('gpu_busy_percent', share),
    });
  }
  return pick('amdgpu', cards, deviceName);
}

interface Card {
  readonly name: string;
  readonly totalBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly utilisation: number | undefined;
}

/** Of cards that cannot be told apart the one with the least free memory counts. */
function pick(
  source: 'nvidia-smi' | 'amdgpu',
  cards: readonly Card[],
  deviceName: string | undefined,
): MemoryProbe | string {
  const known = cards.filter(({ totalBytes }) => totalBytes !== undefined && totalBytes > 0);
  if (known.length === 0) return `${source}: ${cards.length === 0 ? 'no card' : 'no card tells its memory'}`;
  const wanted = (deviceName ?? '').toLowerCase();
  const named = known.filter(({ name }) => {
    const own = name.toLowerCase();
    return wanted !== '' && (own.includes(wanted) || wanted.includes(own));
  });
  if (named.length === 0 && known.length > 1 && new Set(known.map(({ name }) => name)).size > 1) {
    const names = known.map(({ name }) => name).join(', ');
    return `${source}: none of ${names} is the adapter ${deviceName ?? '(unnamed)'}`;
  }
  const choice = named.length > 0 ? named : known;
  const card = choice.reduce((a, b) => (free(b) < free(a) ? b : a));
  const detail = choice.length === 1 ? card.name : `${card.name}, the fullest of ${choice.length} alike`;
  return { source, totalBytes: card.totalBytes, usedBytes: card.usedBytes, utilisation: card.utilisation, detail };
}

function free({ totalBytes = 0, usedBytes = 0 }: Card): number {
  return totalBytes - usedBytes;
}

function share(percent: string): number | undefined {
  const value = scaled(percent);
  return value === undefined ? undefined : value / 100;
}

function scaled(text: string, unit = 1): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * unit : undefined;
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8');
}

function runProgram(signal: AbortSignal | undefined): Required<ProbeOptions>['run'] {
  return (program, args) =>
    new Promise((resolve, reject) => {
      execFile(program, args, { timeout: 5000, windowsHide: true, signal }, (error, stdout) => {
        if (error) reject(error);
        else resolve(stdout);
      });
    });
}
