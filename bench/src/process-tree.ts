import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process and all that it started took. */
export interface TreeUsage {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** User and system time. */
  readonly cpuSeconds: number;
  /** Largest resident memory of all processes at one moment. */
  readonly peakRssMib: number;
}

const SAMPLE_MS = 20;
/** Linux tells times in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** Runs a command to its end and measures it with its children, by samples of /proc. */
export async function runTree(command: string, args: readonly string[]): Promise<TreeUsage> {
  const begun = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const cpuOf = new Map<number, number>();
  let peakRssMib = 0;
  const sample = (): void => {
    let rss = 0;
    for (const pid of treeOf(child.pid)) {
      const found = usageOf(pid);
      if (!found) continue;
      rss += found.rssMib;
      cpuOf.set(pid, found.cpuSeconds);
    }
    peakRssMib = Math.max(peakRssMib, rss);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(timer));
  const seconds = (performance.now() - begun) / 1000;
  const cpuSeconds = [...cpuOf.values()].reduce((sum, one) => sum + one, 0);
  return { code, stdout, stderr, seconds, cpuSeconds, peakRssMib: Math.round(peakRssMib) };
}

function* treeOf(pid: number | undefined): Generator<number> {
  if (pid === undefined) return;
  yield pid;
  const children = contentOf(`/proc/${pid}/task/${pid}/children`) ?? '';
  for (const child of children.split(' ').filter(Boolean)) yield* treeOf(Number(child));
}

function usageOf(pid: number): { rssMib: number; cpuSeconds: number } | undefined {
  const status = contentOf(`/proc/${pid}/status`);
  const stat = contentOf(`/proc/${pid}/stat`);
  if (status === undefined || stat === undefined) return undefined;
  const rss = /VmRSS:\s+(\d+) kB/.exec(status);
  // Fields 14 and 15 of proc(5), counted behind the name, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    rssMib: rss ? Number(rss[1]) / 1024 : 0,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}

/** Undefined where the process has ended, or there is no /proc. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (/^(ENOENT|ESRCH)$/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
