import { fail, Random } from '@armilla/base';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenDevice } from '../device/open-devices.js';
import type { BackendName } from '../operation/operation.js';
import type { Execution } from '../ops/host/execution.js';
import { onnxruntimeFault } from '../ops/matmul/onnxruntime.js';
import { type DType, type RoutedOperation, routedOperation, routedOperations } from '../ops/routing.js';
import { Calibration, type CalibrationCase, type CalibrationRow } from '../router/calibration.js';
import { CalibrationStore } from '../router/calibration-store.js';
import type { CrossoverOptions } from '../router/crossover.js';
import type { Decision } from '../router/decision.js';
import type { RouterDevice } from '../router/device.js';
import { hardwareKey, hashKernels } from '../router/hardware-key.js';
import { routedCall } from '../router/routed-call.js';
import { Router } from '../router/router.js';
import { type RouterView, viewRouter } from '../router/router-view.js';
import { requestOf } from '../router/size.js';
import { kernelSources } from './kernel-sources.js';
import type { Runtime } from './runtime.js';

export interface DispatcherOptions {
  readonly devices?: readonly OpenDevice[];
  /** Rules that name devices for operations: setting `route` and ARMILLA_ROUTE; docs/router.md. */
  readonly route?: string;
  readonly environment?: string;
  /** Where calibrations are kept; default docs/router.md. */
  readonly stateFolder?: string;
}

export interface CallSettings {
  /** Device or kind of device; default: the router's choice. */
  readonly device?: string;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
}

export interface Computed<Output> {
  readonly value: Output;
  /** Where it ran, and why. */
  readonly decision: Decision;
}

/** Runs operations where the router says, measures each call, and keeps what it learnt. */
export class Dispatcher {
  readonly router: Router;
  readonly store: CalibrationStore;
  readonly #devices: ReadonlyMap<string, OpenDevice>;

  private constructor(
    readonly runtime: Runtime,
    routerDevices: readonly RouterDevice[],
    /** Backends that are not there, and why. */
    readonly absent: Readonly<Record<string, string>>,
    options: DispatcherOptions,
  ) {
    this.#devices = new Map((options.devices ?? []).map((one) => [one.id, one]));
    this.router = new Router({
      devices: routerDevices,
      ...(options.route !== undefined && { config: options.route }),
      ...(options.environment !== undefined && { environment: options.environment }),
    });
    const names = (options.devices ?? []).map(({ device: { info } }) => `${info.name}, ${info.description}`);
    this.store = new CalibrationStore(hardwareKey(names, hashKernels(kernelSources())), options.stateFolder);
  }

  /** Takes the stored calibration of this machine, where there is one; never measures, so it never waits. */
  static async open(runtime: Runtime, options: DispatcherOptions = {}): Promise<Dispatcher> {
    const fault = await onnxruntimeFault();
    const { workerCount } = runtime;
    const devices: RouterDevice[] = [
      { id: 'typescript' },
      { id: 'wasm:1' },
      ...(workerCount > 1 ? [{ id: `wasm:${workerCount}` }] : []),
      ...(fault === undefined ? [{ id: 'onnxruntime' }] : []),
      ...(options.devices ?? []).map(({ id, device }) => ({ id, memory: id, software: device.info.software })),
    ];
    const dispatcher = new Dispatcher(runtime, devices, fault === undefined ? {} : { onnxruntime: fault }, options);
    const { models } = await dispatcher.store.load();
    if (models !== undefined) dispatcher.router.restore(models);
    return dispatcher;
  }

  /**
   * Runs `name` ("gpu.matmul") on the device of the router's choice. Throws what the operation throws, OPERATION_UNKNOWN,
   * and OPTION_INVALID for a device that has no backend of it.
   */
  async run<Output>(name: string, input: object, settings: CallSettings = {}): Promise<Computed<Output>> {
    const routed = routedOperation(name) as unknown as RoutedOperation<object, Output>;
    const { signal, fairKey, device, deadlineMs } = settings;
    const size = routed.sizeOfInput(input);
    const dtype = routed.dtypeOf(input);
    const request = {
      ...requestOf(name, dtype, size),
      devices: this.#devicesOf(routed, dtype),
      ...(device !== undefined && { device }),
      ...(deadlineMs !== undefined && { deadlineMs }),
    };
    return await this.runtime.profiler.run(name, async (span) => {
      const result = await routedCall(this.router, request, (place) => {
        signal?.throwIfAborted();
        return this.#runOn(routed, place.device, input, { signal, fairKey });
      });
      span.add({ decision: result.decision.id, bytes: size.bytesIn + size.bytesOut, flops: size.work });
      return result;
    });
  }

  /** What the router would do for a call of size n, and why; nothing is run. */
  explain(name: string, n: number, dtype?: string): Decision {
    const routed = routedOperation(name);
    const type = dtype ?? routed.dtypes[0];
    if (!routed.dtypes.includes(type as DType)) {
      throw fail('OPTION_INVALID', { field: 'dtype', expected: `one of ${routed.dtypes.join(', ')}`, got: type });
    }
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 31 - 1)) {
      throw fail('OPTION_INVALID', { field: 'size', expected: 'an integer in [1, 2147483647]', got: String(n) });
    }
    return this.router.explain({
      ...requestOf(name, type, routed.sizeOf(n, type as DType)),
      devices: this.#devicesOf(routed, type),
    });
  }

  /** Ids of the devices that `name` can run on with operands of that type. Throws OPERATION_UNKNOWN. */
  devicesOf(name: string, dtype: string): readonly string[] {
    return this.#devicesOf(routedOperation(name), dtype);
  }

  view(): RouterView {
    const sizes = routedOperations().map((one): [string, CrossoverOptions] => [
      one.operation.name,
      { sizeOf: (n) => one.sizeOf(n, one.dtypes[0]), smallest: one.smallest, largest: one.largest },
    ]);
    return viewRouter(this.router, Object.fromEntries(sizes));
  }

  /** Measures the operations on the devices (at most 0.3 s each, first calls apart) and stores what was found. */
  async calibrate(
    run: { signal?: AbortSignal; operations?: readonly string[]; devices?: readonly string[] } = {},
  ): Promise<readonly CalibrationRow[]> {
    const rows = await new Calibration(this.router, this.#cases()).run(run);
    await this.store.save(this.router.store());
    return rows;
  }

  /** Keeps what calls have taught since. */
  save(): Promise<void> {
    return this.store.save(this.router.store());
  }

  #cases(): CalibrationCase[] {
    const random = new Random(1);
    return routedOperations().flatMap((routed) =>
      routed.dtypes.map((dtype) => {
        // Of one size at a time: those of all would take gigabytes.
        let made: { readonly n: number; readonly input: object } | undefined;
        const inputOf = (n: number): object => {
          if (made?.n !== n) made = { n, input: routed.sample(n, dtype, random) as object };
          return made.input;
        };
        const measure = async (device: string, n: number): Promise<number> => {
          const input = inputOf(n);
          // Backends on this thread may give it back to nobody: others have their turn between two calls.
          await nextTurn();
          const startMs = performance.now();
          await this.#runOn(routed as unknown as RoutedOperation<object>, device, input, {});
          return performance.now() - startMs;
        };
        return {
          operation: routed.operation.name,
          dtype,
          sizeOf: (n: number) => routed.sizeOf(n, dtype),
          smallest: routed.smallest,
          largest: routed.largest,
          prepare: inputOf,
          measure: Object.fromEntries(
            this.#devicesOf(routed, dtype).map((id) => [id, ({ n }: { n: number }) => measure(id, n)]),
          ),
        };
      }),
    );
  }

  /** Devices with a backend of it. WGSL has no f64. */
  #devicesOf({ operation }: { readonly operation: { readonly backends: object } }, dtype: string): string[] {
    return this.router.devices
      .filter(({ kind }) => kind in operation.backends && !(kind === 'webgpu' && dtype === 'f64'))
      .map(({ id }) => id);
  }

  #runOn<Output>(
    { operation }: RoutedOperation<object, Output>,
    device: string,
    input: object,
    settings: Pick<Execution, 'signal' | 'fairKey'>,
  ): Promise<Output> {
    const [kind, part] = device.split(':');
    const execution: Execution = {
      runtime: this.runtime,
      ...settings,
      ...(kind === 'wasm' && { workerCount: Number(part) }),
      ...(kind === 'webgpu' && { device: this.#devices.get(device)?.device }),
    };
    return operation.on(kind as BackendName)(execution, input);
  }
}
