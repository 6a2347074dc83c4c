import { toProblem } from '@armilla/base';

/** A device is passed over for so long after a call failed with it, ms: about what a driver takes to come back. */
export const ABSENT_MS = 10_000;

/** Devices that calls have failed with lately: others are spared the wait. */
export class Absences {
  readonly #absent = new Map<string, { readonly why: string; readonly untilMs: number }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A call has found that the device cannot be used; why. */
  add(device: string, fault: unknown): string {
    const { fields, message } = toProblem(fault);
    const why = String(fields.detail ?? message);
    this.#absent.set(device, { why, untilMs: this.now() + ABSENT_MS });
    return why;
  }

  /** Why devices are passed over now, by id. */
  list(): Readonly<Record<string, string>> {
    const nowMs = this.now();
    for (const [device, { untilMs }] of this.#absent) if (untilMs <= nowMs) this.#absent.delete(device);
    return Object.fromEntries([...this.#absent].map(([device, { why }]) => [device, why]));
  }
}
