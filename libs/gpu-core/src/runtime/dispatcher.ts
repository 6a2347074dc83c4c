import { fail, Random } from '@armilla/base';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenDevice } from '../device/open-devices.js';
import type { BackendName } from '../operation/operation.js';
import { DeviceArray, type DeviceNumbers, type KeepOptions } from '../ops/host/device-array.js';
import type { Execution } from '../ops/host/execution.js';
import { isMemoryFault } from '../ops/host/pieces.js';
import { batchedMatmul, halfMatmul, matmul } from '../ops/matmul/index.js';
import { onnxruntimeFault } from '../ops/matmul/onnxruntime.js';
import { fastestTile, isTile, type MatmulTile } from '../ops/matmul/tiles.js';
import { type DType, type RoutedOperation, routedOperation, routedOperations } from '../ops/routing.js';
import type { Roofline } from '../profile/roofline.js';
import type { Span } from '../profile/span.js';
import { Calibration, type CalibrationCase, type CalibrationRow, type CalibrationRun } from '../router/calibration.js';
import { CalibrationStore } from '../router/calibration-store.js';
import type { CrossoverOptions } from '../router/crossover.js';
import type { Decision } from '../router/decision.js';
import type { RouterDevice } from '../router/device.js';
import { hardwareKey, hardwareName, hashKernels } from '../router/hardware-key.js';
import { routedCall, type RunPlace } from '../router/routed-call.js';
import { Router } from '../router/router.js';
import { type RouterView, viewRouter } from '../router/router-view.js';
import { joinModels, modelsElsewhere, type StoredModels } from '../router/stored-models.js';
import { ShadowLog, type ShadowRow } from '../router/shadow.js';
import { type OpSize, requestOf } from '../router/size.js';
import { Absences } from './absences.js';
import { Batches, type BatchOptions, type BatchView } from './batches.js';
import { type DeviceMemoryView, GpuDevices } from './gpu-devices.js';
import { kernelSources } from './kernel-sources.js';
import { choosable, type Places, placesOf } from './places.js';
import { rooflinesOf } from './rooflines.js';
import type { Runtime } from './runtime.js';

export interface DispatcherOptions {
  readonly devices?: readonly OpenDevice[];
  /** Name and driver of each GPU of this machine, also of those that another process has; default those of `devices`. */
  readonly hardware?: readonly string[];
  /** Rules that name devices for operations: setting `route` and ARMILLA_ROUTE; docs/router.md. */
  readonly route?: string;
  readonly environment?: string;
  /** Where calibrations are kept; default docs/router.md. */
  readonly stateFolder?: string;
  /** How small calls are made one; false: never. */
  readonly batches?: BatchOptions | false;
  /** One of so many calls runs on the next best device too, and the results are compared; default none. */
  readonly shadowOneOf?: number;
}

export interface CallSettings {
  /** Device or kind of device; default: the router's choice. */
  readonly device?: string;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
  /** Whose budget of device memory it takes, and whose turn in batches; default "default". */
  readonly tenant?: string;
}

/** `size`: where it is known already. */
type SizedSettings = CallSettings & { readonly size?: OpSize };

export interface Computed<Output> {
  readonly value: Output;
  /** Where it ran, and why. */
  readonly decision: Decision;
}

/** What a dispatcher knows: plain data. */
export interface DispatcherView extends RouterView {
  /** Of each device that has memory of its own. */
  readonly memory: readonly DeviceMemoryView[];
  readonly batches: readonly BatchView[];
  readonly shadow: readonly ShadowRow[];
}

const PRODUCTS = new Set([matmul, batchedMatmul, halfMatmul].map(({ name }) => name));

/** Runs operations where the router says, measures each call, and keeps what it learnt. */
export class Dispatcher {
  readonly router: Router;
  readonly store: CalibrationStore;
  /** The last calls that ran twice. */
  readonly shadow = new ShadowLog();
  readonly #devices: GpuDevices;
  readonly #absences = new Absences();
  /** Stored models of devices that another process has: they stay. */
  #elsewhere: StoredModels = [];
  #ignored: string | undefined;
  readonly #tiles = new Map<string, MatmulTile>();
  readonly #batches: Batches<Decision>;

  private constructor(
    readonly runtime: Runtime,
    routerDevices: readonly RouterDevice[],
    /** Backends that are not there, and why. */
    readonly absent: Readonly<Record<string, string>>,
    private readonly options: DispatcherOptions,
  ) {
    const devices = new GpuDevices(options.devices ?? [], runtime.profiler);
    this.#devices = devices;
    this.#batches = new Batches(options.batches || {}, (name, input, like, count) =>
      count === 1
        ? this.#route(name, input, like)
        : runtime.profiler.run(name, (span) => this.#traced(span, name, input, like), { parent: null }),
    );
    this.router = new Router({
      devices: routerDevices,
      operations: routedOperations().map(({ operation }) => operation.name),
      availableBytes: (id) => devices.availableBytes(id),
      pieceBytes: (id) => devices.pieceBytes(id),
      ...(options.route !== undefined && { config: options.route }),
      ...(options.environment !== undefined && { environment: options.environment }),
    });
    const hardware = options.hardware ?? (options.devices ?? []).map(({ device: { info } }) => hardwareName(info));
    this.store = new CalibrationStore(hardwareKey(hardware, hashKernels(kernelSources())), options.stateFolder);
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
    const loaded = await dispatcher.store.load();
    if (loaded.models === undefined) {
      if (!loaded.missing) dispatcher.#ignored = loaded.reason;
      return dispatcher;
    }
    dispatcher.router.restore(loaded.models);
    dispatcher.#elsewhere = modelsElsewhere(
      loaded.models,
      devices.map(({ id }) => id),
    );
    for (const [id, tile] of Object.entries(loaded.tuning)) if (isTile(tile)) dispatcher.#tiles.set(id, tile);
    return dispatcher;
  }

  /** Why the stored calibration was not taken: "PATH: corrupted: ..."; undefined where it was, and where none is stored. */
  get ignored(): string | undefined {
    return this.#ignored;
  }

  /**
   * Runs `name` ("gpu.matmul") on the device of the router's choice. Throws what the operation throws, OPERATION_UNKNOWN,
   * and OPTION_INVALID for a device that has no backend of it.
   */
  async run<Output>(name: string, input: object, settings: CallSettings = {}): Promise<Computed<Output>> {
    const routed = routedOperation(name) as unknown as RoutedOperation<object>;
    if (typeof input !== 'object' || input === null) {
      throw fail('OPTION_INVALID', { field: 'input', expected: `an input of ${name}`, got: String(input) });
    }
    routed.check?.(input);
    // Once: for some operations it is an estimate.
    const size = routed.sizeOfInput(input);
    const { device, deadlineMs, tenant, fairKey, signal } = settings;
    const dtype = routed.dtypeOf(input);
    const call = { routed, input, bytes: size.bytesIn + size.bytesOut, dtype, device, tenant, fairKey, signal };
    const result = this.runtime.profiler.run(name, (span) =>
      // Who has no time to lose does not wait for others.
      this.options.batches !== false && deadlineMs === undefined && this.#batches.takes(call)
        ? this.#batches.add(call).then((ended) => noted(span, ended, size))
        : this.#traced(span, name, input, { ...settings, size }),
    );
    return (await result) as Computed<Output>;
  }

  /**
   * Keeps numbers on a device ("webgpu:0") for calls that are to come: `run` takes the result as an operand, the router counts no
   * upload of it there. Throws OPTION_INVALID for a device that is not here, and what `DeviceArray.keep` throws.
   */
  async keep<T extends DeviceNumbers>(
    device: string,
    values: T, // [n]
    label: string,
    options?: KeepOptions,
  ): Promise<DeviceArray<T>> {
    return await DeviceArray.keep(this.#devices.deviceOf(device), values, label, options);
  }

  /** What the router would do for a call of size n, and why; nothing is run. */
  explain(name: string, n: number, dtype?: string): Decision {
    const routed = routedOperation(name);
    const type = dtype ?? routed.dtypes[0];
    if (!routed.dtypes.includes(type as DType)) {
      throw fail('OPTION_INVALID', { field: 'dtype', expected: `one of ${routed.dtypes.join(', ')}`, got: type });
    }
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 30)) {
      throw fail('OPTION_INVALID', { field: 'size', expected: 'an integer in [1, 1073741824]', got: String(n) });
    }
    return this.router.explain({
      ...requestOf(name, type, routed.sizeOf(n, type as DType)),
      ...placesOf(this.router.devices, routed, type as DType),
      gone: this.#absences.list(name),
    });
  }

  /** Where `name` can run with operands of that type. Throws OPERATION_UNKNOWN. */
  placesOf(name: string, dtype: string): Places {
    return placesOf(this.router.devices, routedOperation(name), dtype as DType);
  }

  /** The devices with memory of their own, for jobs of other code: they are in the profile like those of operations. */
  get devices(): readonly OpenDevice[] {
    return this.#devices.traced;
  }

  /** Of each device that has memory of its own, as its thread told last. */
  memory(): readonly DeviceMemoryView[] {
    return this.#devices.view();
  }

  /** The most that calls have reached on each device that was measured. */
  rooflines(): Roofline[] {
    return rooflinesOf(this.router);
  }

  /** By operation: the range of its sizes, and which devices can run it. */
  crossoverOptions(): Readonly<Record<string, CrossoverOptions>> {
    const all = routedOperations().map((one): [string, CrossoverOptions] => [
      one.operation.name,
      {
        sizeOf: (n) => one.sizeOf(n, one.dtypes[0]),
        smallest: one.smallest,
        largest: one.largest,
        devices: (dtype) => choosable(placesOf(this.router.devices, one, dtype as DType)),
      },
    ]);
    return Object.fromEntries(all);
  }

  view(): DispatcherView {
    return {
      ...viewRouter(this.router, this.crossoverOptions()),
      memory: this.memory(),
      batches: this.#batches.view(),
      shadow: this.shadow.report(),
    };
  }

  /**
   * Chooses how each card cuts matrix products, measures the operations on the devices (at most 0.3 s each, first calls apart)
   * and stores what was found.
   */
  async calibrate(run: CalibrationRun = {}): Promise<readonly CalibrationRow[]> {
    await this.#tune(run);
    const rows = await new Calibration(this.router, this.#cases()).run(run);
    await this.save();
    return rows;
  }

  /** Keeps what calls have taught since. */
  save(): Promise<void> {
    return this.store.save(joinModels(this.router.store(), this.#elsewhere), Object.fromEntries(this.#tiles));
  }

  /** How `device` cuts matrix products; undefined where no calibration has chosen. */
  tileOf(device: string): MatmulTile | undefined {
    return this.#tiles.get(device);
  }

  async #tune({ signal, operations, devices }: CalibrationRun): Promise<void> {
    if (operations !== undefined && !operations.some((name) => PRODUCTS.has(name))) return;
    for (const { id, device } of this.options.devices ?? []) {
      if (device.info.software || (devices !== undefined && !devices.includes(id))) continue;
      this.#tiles.set(id, await fastestTile(device, signal));
    }
  }

  async #traced(span: Span, name: string, input: object, settings: SizedSettings): Promise<Computed<unknown>> {
    const { size = routedOperation(name).sizeOfInput(input as never) } = settings;
    return noted(span, await this.#route(name, input, { ...settings, size }), size);
  }

  /**
   * Runs a call where the router says. A device without memory for it, even in pieces, is passed over for the next best; where
   * there is none, the call waits for memory. A device that is gone is passed over, too, also by other calls for a while.
   */
  async #route(name: string, input: object, settings: SizedSettings): Promise<Computed<unknown>> {
    const routed = routedOperation(name) as unknown as RoutedOperation<object>;
    const { size = routed.sizeOfInput(input) } = settings;
    const dtype = routed.dtypeOf(input);
    const { device, deadlineMs, signal, fairKey, tenant } = settings;
    let full: readonly string[] = [];
    let gone = this.#absences.list(name);
    const failed = new Map<string, unknown>();
    const request = {
      ...requestOf(name, dtype, size, this.#devices.placesOf(routed.keptOf?.(input) ?? [])),
      ...placesOf(this.router.devices, routed, dtype, input),
      ...(device !== undefined && { device }),
      ...(deadlineMs !== undefined && { deadlineMs }),
    };
    const bytes = size.bytesIn + size.bytesOut;
    for (let waits = false; ;) {
      let at: string | undefined;
      const run = async ({ device: id, signal: unwanted }: RunPlace): Promise<unknown> => {
        signal?.throwIfAborted();
        // The router has no other.
        if (failed.has(id)) throw failed.get(id);
        const either = unwanted && (signal ? AbortSignal.any([signal, unwanted]) : unwanted);
        // The second run of a shadow call leaves the caller's result alone.
        const own = at === undefined ? input : { ...input, out: undefined };
        at ??= id;
        const settings = { signal: either ?? signal, fairKey, tenant, ...this.#devices.execution(id, bytes, waits) };
        return this.#runOn(routed, id, own, settings);
      };
      try {
        const now = { ...request, gone, ...(waits ? { memoryBytes: 0 } : { full }) };
        const hedged = routed.hedged?.(input) ?? false;
        const result = await routedCall(this.router, now, run, { hedged, ...this.#shadowOf(routed, input) });
        this.#devices.count(result.decision, waits);
        return result;
      } catch (error) {
        const why = at !== undefined && this.#devices.has(at) ? this.#absences.add(at, name, error) : undefined;
        if (at !== undefined && why !== undefined) {
          failed.set(at, error);
          gone = { ...gone, [at]: why };
          continue;
        }
        if (!isMemoryFault(error) || waits) throw error;
        if (at === undefined) waits = true;
        else if (this.#devices.has(at)) full = [...full, at];
        else throw error;
      }
    }
  }

  #shadowOf(routed: RoutedOperation<object>, input: { out?: unknown }): Parameters<typeof routedCall>[3] {
    const { shadowOneOf: oneOf } = this.options;
    // A result in place may be an operand, which the first run has overwritten.
    if (oneOf === undefined || input.out !== undefined) return {};
    return { shadow: { oneOf, log: this.shadow, compare: (a, b) => routed.difference(input, a, b) } };
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
          const { bytesIn, bytesOut } = routed.sizeOf(n, dtype);
          const on = this.#devices.execution(device, bytesIn + bytesOut, false);
          await this.#runOn(routed as unknown as RoutedOperation<object>, device, input, on);
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
            placesOf(this.router.devices, routed, dtype).devices.map((id) => [
              id,
              ({ n }: { n: number }) => measure(id, n),
            ]),
          ),
        };
      }),
    );
  }

  #runOn<Output>(
    { operation }: RoutedOperation<object, Output>,
    device: string,
    input: object,
    settings: Omit<Execution, 'runtime' | 'workerCount'>,
  ): Promise<Output> {
    const [kind, part] = device.split(':');
    const execution: Execution = {
      runtime: this.runtime,
      ...settings,
      ...(kind === 'wasm' && { workerCount: Number(part) }),
      ...(kind === 'webgpu' && { matmulTile: this.#tiles.get(device) }),
    };
    return operation.on(kind as BackendName)(execution, input);
  }
}

function noted<Result extends Computed<unknown>>(span: Span, result: Result, size: OpSize): Result {
  span.add({ decision: result.decision.id, bytes: size.bytesIn + size.bytesOut, flops: size.work });
  return result;
}
