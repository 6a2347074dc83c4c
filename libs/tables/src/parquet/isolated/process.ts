import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fail, formatBytes, type Problem, reviveProblem } from '@armilla/base';
import type { Reply, Request } from './protocol.js';

export interface DecoderLimits {
  /** Resident memory of the child process (bytes). */
  readonly memoryBytes: number;
  /** Longest time without a sign of progress while something is asked of it (milliseconds). */
  readonly silenceMs: number;
}

/** V8's heap in the child; what decoding needs lies outside of it. */
const HEAP_MIB = 256;

/** A child process that decodes one file. Whatever happens to it, the caller sees a typed error. */
export class DecoderProcess {
  readonly #child: ChildProcess;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #replies: AsyncIterator<string>;
  readonly #exited: Promise<void>;
  #silent = false;
  #killed = false;

  /** `fd` is the file, open for reading; the child has its own copy of it afterwards. */
  constructor(
    fd: number,
    private readonly where: string,
    private readonly limits: DecoderLimits,
  ) {
    const entry = createRequire(import.meta.url).resolve('@armilla/tables/parquet-child');
    this.#child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, '--no-warnings', entry], {
      stdio: ['pipe', 'pipe', 'ignore', fd, 'pipe'],
      env: {}, // nothing of ours is the child's business
    });
    const { stdin, stdout, stdio } = this.#child;
    this.#chunks = (stdout as Readable)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.#replies = createInterface({ input: stdio[4] as Readable })[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    // A child that is gone does not take requests; the replies tell why.
    (stdin as Writable).on('error', () => undefined);
  }

  send(request: Request): void {
    (this.#child.stdin as Writable).write(`${JSON.stringify(request)}\n`);
  }

  /** The reply to a short request; problems are thrown. */
  reply(): Promise<Reply> {
    return this.#watched(this.outcome());
  }

  /** The reply that comes when the table was sent, at the pace of its reader; problems are thrown. */
  async outcome(): Promise<Reply> {
    const { value, done } = await this.#replies.next();
    if (done) throw await this.#ending();
    const message = JSON.parse(value) as Reply;
    if (message.kind === 'problem') throw reviveProblem(message.problem);
    return message;
  }

  /** The next bytes of the table; undefined when the child closed its output. */
  async chunk(): Promise<Uint8Array | undefined> {
    try {
      const { value, done } = await this.#watched(this.#chunks.next());
      return done ? undefined : value;
    } catch (error) {
      if (this.#killed) return undefined;
      throw error;
    }
  }

  /** Ends the process, whatever it does. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#child.kill('SIGKILL');
    this.#child.stdout?.destroy(); // unread rows would keep it open
    await this.#exited;
  }

  async #watched<T>(step: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#silent = true;
      this.#child.kill('SIGKILL');
    }, this.limits.silenceMs);
    try {
      return await step;
    } finally {
      clearTimeout(timer);
    }
  }

  async #ending(): Promise<Problem> {
    await this.#exited;
    const { memoryBytes, silenceMs } = this.limits;
    const detail = this.#silent
      ? `decoding it was stopped after ${silenceMs / 1000} s without progress`
      : this.#killed
        ? 'decoding it was ended'
        : `decoding it ended early: it takes more than ${formatBytes(memoryBytes)} of memory, or it breaks the decoder (${this.#child.signalCode ?? `exit code ${this.#child.exitCode}`})`;
    return fail('PARQUET_INVALID', { where: this.where, detail });
  }
}
