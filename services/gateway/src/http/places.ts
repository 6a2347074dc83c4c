import { fail } from '@armilla/base';

/** The streams that may run at once; one more is refused at once, with the advice to come again. */
export class Places {
  #taken = 0;

  constructor(private readonly limit: number) {}

  get taken(): number {
    return this.#taken;
  }

  /** Returns what gives the place back. */
  take(): () => void {
    if (this.#taken >= this.limit) throw fail('SERVER_BUSY', { running: this.#taken, waiting: 0, retry_seconds: 1 });
    this.#taken++;
    let held = true;
    return () => {
      if (held) this.#taken--;
      held = false;
    };
  }
}
