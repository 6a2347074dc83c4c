import { fail, problemToJson, toProblem } from '@armilla/base';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { DropMessage, Reply } from './messages.js';
import { FunctionCall, Phase, type Work } from './work.js';

interface Member {
  readonly slot: number;
  readonly worker: Worker;
  readonly kernels: Set<number>;
  readonly heaps: Set<number>;
  current: Work | undefined;
}

/**
 * A fixed number of worker threads that take slices of works in turn: one slice for each fair key, round and round.
 * Idle workers do not keep the process alive.
 */
export class Pool {
  #members: Member[] = [];
  /** Works by key, in the order in which the keys get their turn. */
  readonly #queue = new Map<object, Work[]>();
  #closed = false;
  /** Items of phases that were finished since the start. */
  itemsDone = 0;

  constructor(readonly workerCount: number) {
    for (let slot = 0; slot < workerCount; slot++) this.#members.push(this.#hire(slot));
  }

  get queuedCount(): number {
    let count = 0;
    for (const works of this.#queue.values()) count += works.length;
    return count;
  }

  add(work: Phase | FunctionCall): void {
    if (this.#closed) {
      work.stop(fail('DRAINING'));
      return;
    }
    if (work.settled) return;
    const works = this.#queue.get(work.fairKey);
    if (works === undefined) this.#queue.set(work.fairKey, [work]);
    else works.push(work);
    this.dispatch();
  }

  /** Gives idle workers something to do. */
  dispatch(): void {
    for (const member of this.#members) {
      if (member.current !== undefined) continue;
      const work = this.#next();
      if (work === undefined) return;
      this.#send(member, work as Phase | FunctionCall);
    }
  }

  /** Makes the workers forget heaps; `collect` also runs their garbage collectors. */
  dropHeap(heapId: number, collect: boolean): void {
    for (const member of this.#members) {
      const known = member.heaps.delete(heapId);
      if (known || collect)
        member.worker.postMessage({ kind: 'drop', heapIds: [heapId], collect } satisfies DropMessage);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const works of this.#queue.values()) {
      for (const work of [...works]) (work as Phase | FunctionCall).stop(fail('DRAINING'));
    }
    this.#queue.clear();
    const members = this.#members;
    this.#members = [];
    await Promise.all(members.map((member) => member.worker.terminate()));
    for (const member of members) member.current?.end({ work: member.current.id });
  }

  #next(): Work | undefined {
    for (const [key, works] of [...this.#queue]) {
      const live = works.filter((work) => !work.settled);
      if (live.length === 0) {
        this.#queue.delete(key);
        continue;
      }
      if (live.length !== works.length) works.splice(0, works.length, ...live);
      const at = works.findIndex((work) => work.ready);
      if (at < 0) continue;
      const work = works[at];
      // Behind all others: of its key, and its key among the keys.
      works.push(...works.splice(at, 1));
      this.#queue.delete(key);
      this.#queue.set(key, works);
      return work;
    }
    return undefined;
  }

  #send(member: Member, work: Phase | FunctionCall): void {
    member.current = work;
    member.worker.ref();
    work.start();
    try {
      if (work instanceof FunctionCall) {
        member.worker.postMessage(work.message(), work.transfer as ArrayBuffer[]);
        return;
      }
      const { kernel, heap } = work.options;
      const message = {
        ...work.message(member.slot),
        ...(member.kernels.has(kernel.id) ? {} : { module: kernel.module }),
        ...(member.heaps.has(heap.id) ? {} : { memory: heap.memory }),
      };
      member.worker.postMessage(message);
      member.kernels.add(kernel.id);
      member.heaps.add(heap.id);
    } catch (error) {
      // Arguments that cannot be cloned never reach the worker.
      this.#finish(member, { work: work.id, problem: problemToJson(toProblem(error)) });
    }
  }

  #finish(member: Member, reply: Reply): void {
    const work = member.current;
    member.current = undefined;
    member.worker.unref();
    this.itemsDone += reply.itemCount ?? 0;
    work?.end(reply);
    // After the owner has seen the end: its next phase then competes with the others.
    if (!this.#closed) queueMicrotask(() => this.dispatch());
  }

  #hire(slot: number): Member {
    const worker = new Worker(createRequire(import.meta.url).resolve('@armilla/gpu-core/worker'), { stderr: false });
    worker.unref();
    const member: Member = { slot, worker, kernels: new Set(), heaps: new Set(), current: undefined };
    let cause: unknown;
    worker.on('message', (reply: Reply) => this.#finish(member, reply));
    worker.on('error', (error) => (cause = error));
    worker.on('exit', (code) => {
      if (this.#closed) return;
      this.#members[slot] = this.#hire(slot);
      const detail = cause instanceof Error ? cause.message : `exit code ${code}`;
      const problem = problemToJson(fail('INTERNAL', { detail: `a worker thread stopped: ${detail}` }));
      this.#finish(member, { work: member.current?.id ?? 0, problem });
    });
    return member;
  }
}
