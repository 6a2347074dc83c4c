import { Gate } from '@armilla/base';
import type { Fence } from './buffer-source.js';
import type { Residents } from './residents.js';
import type { MemoryRequest, StageLog, StageReport } from './stages.js';
import type { Attempt, WaitingLine } from './waiting-line.js';

/** Spills of residents for requests; one after another, since two would give up twice as much as one needs. */
export class Spills {
  readonly #turn = new Gate(1);

  constructor(
    private readonly residents: Residents,
    private readonly fence: Fence,
    private readonly stages: StageLog,
    private readonly line: WaitingLine,
  ) {}

  get possible(): boolean {
    return this.residents.spillableBytes() > 0;
  }

  /** Spills so many bytes, of one tenant's where it is given, and waits until the device is done with them. */
  async spill(request: MemoryRequest, bytes: number, tenant?: string): Promise<StageReport> {
    let freedBytes = 0;
    let problem: string | undefined;
    try {
      freedBytes = await this.residents.spill(bytes, tenant);
      await this.fence.reached(this.fence.epochOfLastSubmit);
    } catch (error) {
      // The resident stays where it is; the next stage may still help.
      problem = error instanceof Error ? error.message : String(error);
    }
    return this.stages.add('spill', request, freedBytes, { problem });
  }

  /** Spills until the attempt succeeds; undefined where there is nothing more to spill for it. */
  async until<T>(
    request: MemoryRequest,
    bytes: number,
    attempt: () => Attempt<T> | Promise<Attempt<T>>,
    onSpill?: (report: StageReport) => void,
  ): Promise<T | undefined> {
    if (!this.possible) return undefined;
    await this.#turn.enter(request.signal);
    try {
      for (;;) {
        // Whoever was before may have freed enough.
        const { value, overBudget } = await attempt();
        if (value !== undefined || !this.possible) return value;
        // A tenant over its own budget is not helped by the residents of others.
        const report = await this.spill(request, bytes, overBudget);
        onSpill?.(report);
        if (report.freedBytes === 0) return undefined;
      }
    } finally {
      this.#turn.leave();
    }
  }

  /** Residents that come free while others wait are theirs. */
  async forLine(): Promise<void> {
    if (this.line.length === 0 || !this.possible) return;
    await this.#turn.enter();
    try {
      for (let next = this.line.next(); next && this.possible; next = this.line.next()) {
        const request = { byteLength: next.byteLength, usage: 0, label: 'queue', tenant: next.tenant };
        const { freedBytes } = await this.spill(request, next.byteLength, next.overBudget);
        if (freedBytes === 0) break;
        this.line.pump();
      }
    } finally {
      this.#turn.leave();
    }
  }
}
