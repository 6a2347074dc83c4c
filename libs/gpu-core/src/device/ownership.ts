import { fail } from '@armilla/base';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process that computes on a device. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the kernel's clock ticks: a number that is used again is another process. */
  readonly startTicks: string;
  readonly command: string;
  /** Part of the device that it takes, in (0, 1]. */
  readonly share: number;
}

export interface ClaimOptions {
  /** Where processes of this machine leave their claims. */
  readonly folder?: string;
  /** In (0, 1]; default 1: nobody else may use the device. */
  readonly share?: number;
  readonly owner?: Omit<Owner, 'share'>;
}

/** A claim that another one leaves no room for. */
export interface Refusal {
  readonly owners: readonly Owner[];
}

const FOLDER = join(tmpdir(), 'armilla-devices');
/** A claim of another container, whose processes cannot be seen, holds as long as it is renewed. */
const RENEW_MS = 10_000;
const FOREIGN_MS = 60_000;
/** Who works on a folder is done in milliseconds, or dead. */
const GUARD_MS = 5_000;
const GUARD_TRY_MS = 5;

/** A device belongs to one process, or to several whose shares add up to at most 1. */
export class Claim implements Disposable {
  readonly #timer: NodeJS.Timeout;

  private constructor(private readonly file: string) {
    this.#timer = setInterval(() => this.#renew(), RENEW_MS).unref();
  }

  /** Takes the share of the device, or says who holds it. Claims of processes that have ended are cleared away. Throws DEVICE_UNAVAILABLE where no claim can be left. */
  static async take(device: string, options: ClaimOptions = {}): Promise<Claim | Refusal> {
    const share = options.share ?? 1;
    if (!(share > 0 && share <= 1)) {
      throw fail('OPTION_INVALID', { field: 'gpu_share', expected: 'a number in (0, 1]', got: String(share) });
    }
    const owner: Owner = { ...(options.owner ?? thisProcess()), share };
    const parent = options.folder ?? FOLDER;
    const folder = join(parent, encodeURIComponent(device));
    try {
      openToAll(parent);
      openToAll(folder);
      return await Claim.#takeIn(folder, share, owner);
    } catch (cause) {
      const detail = `claims of devices cannot be kept in ${folder}: ${(cause as Error).message}`;
      throw fail('DEVICE_UNAVAILABLE', { provider: device, detail }, { cause });
    }
  }

  static #takeIn(folder: string, share: number, owner: Owner): Promise<Claim | Refusal> {
    return withGuard(folder, () => {
      const owners = livingOwners(folder);
      const taken = owners.reduce((sum, other) => sum + other.share, 0);
      if (taken + share > 1 + 1e-9) return { owners };
      const file = join(folder, `${owner.pid}-${owner.startTicks}-${owners.length}-${process.hrtime.bigint()}.json`);
      writeFileSync(`${file}.part`, JSON.stringify(owner));
      renameSync(`${file}.part`, file);
      return new Claim(file);
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    rmSync(this.file, { force: true });
  }

  #renew(): void {
    try {
      utimesSync(this.file, new Date(), new Date());
    } catch (error) {
      // Whoever cleared the folder has taken the claim: nothing is left to renew. Any other fault may pass.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') clearInterval(this.#timer);
    }
  }
}

/** A folder in which processes of every user leave claims. */
function openToAll(folder: string): void {
  if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, 0o777);
}

/** Processes that hold claims of the device. */
export function ownersOf(device: string, folder: string = FOLDER): readonly Owner[] {
  const claims = join(folder, encodeURIComponent(device));
  return existsSync(claims) ? livingOwners(claims) : [];
}

export function describeOwners({ owners }: Refusal): string {
  return owners
    .map(({ pid, host, command, share }) => `process ${pid} on ${host} (${command}) holds ${Math.round(share * 100)} %`)
    .join(', ');
}

function thisProcess(): Omit<Owner, 'share'> {
  const command = [process.argv0, ...process.argv.slice(1, 3)].join(' ').slice(0, 200);
  return { pid: process.pid, host: hostname(), startTicks: startTicksOf(process.pid) ?? '0', command };
}

function livingOwners(folder: string): Owner[] {
  const owners: Owner[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.json')) continue;
    const file = join(folder, name);
    const owner = readOwner(file);
    if (owner !== undefined && isAlive(owner, file)) owners.push(owner);
    else rmSync(file, { force: true });
  }
  return owners;
}

function readOwner(file: string): Owner | undefined {
  try {
    const { pid, host, startTicks, command, share } = JSON.parse(readFileSync(file, 'utf8')) as Owner;
    const whole = Number.isInteger(pid) && pid > 0 && typeof host === 'string' && typeof startTicks === 'string';
    return whole && share > 0 && share <= 1 ? { pid, host, startTicks, command: String(command), share } : undefined;
  } catch {
    // Junk, or given back in between: nobody's claim.
    return undefined;
  }
}

function isAlive({ pid, host, startTicks }: Owner, file: string): boolean {
  if (host !== hostname()) return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < FOREIGN_MS;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not permitted: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const ticks = startTicksOf(pid);
  return ticks === undefined || startTicks === '0' || ticks === startTicks;
}

/** Field 22 of /proc/PID/stat (proc(5)); undefined where there is none. */
function startTicksOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    // No such process, or no such system.
    return undefined;
  }
}

/** One process at a time: a folder can be made only once. */
async function withGuard<T>(folder: string, work: () => T): Promise<T> {
  const guard = join(folder, 'guard');
  for (;;) {
    try {
      mkdirSync(guard);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const madeMs = statSync(guard, { throwIfNoEntry: false })?.mtimeMs;
      // Given back in between: the next one may be another's already.
      if (madeMs === undefined) continue;
      if (Date.now() - madeMs > GUARD_MS) rmSync(guard, { recursive: true, force: true });
      else await new Promise((resolve) => setTimeout(resolve, GUARD_TRY_MS));
    }
  }
  try {
    return work();
  } finally {
    rmSync(guard, { recursive: true, force: true });
  }
}
