import { toProblem } from '@armilla/base';
import type { Log } from '@armilla/chassis';
import { type CalibrationRow, type Dispatcher, routedOperations } from '@armilla/gpu-core';

/** How often it is looked what is worth another measurement, ms. */
const LOOK_MS = 60_000;
/** What was interrupted is tried again after this time, and after twice the last one from then on, ms. */
const FIRST_PAUSE_MS = 1000;

/**
 * Measures, while a server serves, what no stored measurement of this machine tells, and again what calls found slower and
 * what others interrupted; keeps at the end what calls have taught. Nobody waits for it, and nothing of it fails a server: what went wrong is logged.
 */
export class BackgroundCalibration {
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #interrupted: readonly CalibrationRow[] = [];

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly log: Log,
  ) {}

  /** Begins, and logs why a calibration that is stored was not taken. */
  start(lookMs = LOOK_MS): void {
    const { ignored, store } = this.dispatcher;
    if (ignored !== undefined) this.log.warn('calibration ignored', { file: store.path, detail: ignored });
    this.#calibrate(unmeasuredDevices(this.dispatcher));
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  /** Ends it without a result. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    this.#abort.abort();
    await this.#running;
  }

  /** Keeps what was measured and learnt. */
  async save(): Promise<void> {
    if (this.dispatcher.router.store().length === 0) return;
    const { store } = this.dispatcher;
    if (await store.changed()) {
      this.log.info('router not saved', { file: store.path, detail: 'another process has stored since' });
      return;
    }
    try {
      await this.dispatcher.save();
    } catch (error) {
      this.log.warn('router not saved', { file: store.path, detail: (error as Error).message });
    }
  }

  #look(): void {
    const { router, runtime } = this.dispatcher;
    // What others compute meanwhile would be measured as well.
    if (runtime.stats().queuedTasks > 0) return;
    const again = [...router.slowed(), ...this.#interrupted];
    const operations = [...new Set(again.map(({ operation }) => operation))];
    this.#calibrate([...new Set(again.map(({ device }) => device))], operations);
  }

  #calibrate(devices: readonly string[], operations?: readonly string[]): void {
    if (devices.length === 0) return;
    this.#running ??= this.#measure(devices, operations).finally(() => (this.#running = undefined));
  }

  async #measure(devices: readonly string[], operations: readonly string[] | undefined): Promise<void> {
    const startMs = performance.now();
    const { signal } = this.#abort;
    try {
      const rows = await this.dispatcher.calibrate({ signal, devices, ...(operations && { operations }) });
      this.#interrupted = rows.filter(({ interrupted }) => interrupted);
      if (this.#interrupted.length > 0 && this.#pauseMs < LOOK_MS) {
        this.#again = setTimeout(() => this.#look(), this.#pauseMs).unref();
        this.#pauseMs *= 2;
      }
      for (const { device, operation, dtype, fault } of rows)
        if (fault !== undefined) this.log.warn('not calibrated', { device, operation, dtype, detail: fault });
      const elapsedMs = Math.round(performance.now() - startMs);
      this.log.info('router calibrated', { devices, operations, elapsedMs, file: this.dispatcher.store.path });
    } catch (error) {
      if (!signal.aborted) this.log.warn('router not calibrated', { devices, detail: toProblem(error).message });
    }
  }
}

/** Devices with an operation of which no measurement is known. */
export function unmeasuredDevices(dispatcher: Dispatcher): string[] {
  const { router } = dispatcher;
  const known = new Map(router.store().map(({ operation, dtype, devices }) => [`${operation} ${dtype}`, devices]));
  const unmeasured = routedOperations().flatMap(({ operation: { name }, dtypes }) =>
    dtypes.flatMap((dtype) => {
      const measured = known.get(`${name} ${dtype}`) ?? {};
      return dispatcher.placesOf(name, dtype).devices.filter((id) => !(id in measured));
    }),
  );
  return router.devices.map(({ id }) => id).filter((id) => unmeasured.includes(id));
}
