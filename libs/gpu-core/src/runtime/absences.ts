import { isProblem, toProblem } from '@armilla/base';
import { isDeviceFault } from '../ops/host/pieces.js';

/** A device is passed over for so long after a call failed with it, ms: about what a driver takes to come back. */
export const ABSENT_MS = 10_000;
/** And for so long by the operation whose kernel it does not compile: the next try is no likelier. */
export const NOT_COMPILED_MS = 600_000;

interface Absence {
  readonly device: string;
  /** Undefined: of all. */
  readonly operation: string | undefined;
  readonly why: string;
  readonly untilMs: number;
}

/** Devices that calls have failed with lately: others are spared the wait. */
export class Absences {
  readonly #absent = new Map<string, Absence>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A call of an operation has failed; why its device is passed over now. Undefined where the fault is not the device's. */
  add(device: string, operation: string, fault: unknown): string | undefined {
    const notCompiled = isProblem(fault) && fault.reason === 'KERNEL_INVALID';
    if (!notCompiled && !isDeviceFault(fault)) return undefined;
    const { fields, message } = toProblem(fault);
    const why = notCompiled ? message : String(fields.detail ?? message);
    this.#absent.set(notCompiled ? `${device} ${operation}` : device, {
      device,
      operation: notCompiled ? operation : undefined,
      why,
      untilMs: this.now() + (notCompiled ? NOT_COMPILED_MS : ABSENT_MS),
    });
    return why;
  }

  /** Why calls of an operation pass devices over now, by id. */
  list(operation: string): Readonly<Record<string, string>> {
    const nowMs = this.now();
    for (const [key, { untilMs }] of this.#absent) if (untilMs <= nowMs) this.#absent.delete(key);
    const absent = [...this.#absent.values()].filter((one) => (one.operation ?? operation) === operation);
    return Object.fromEntries(absent.map(({ device, why }) => [device, why]));
  }
}
