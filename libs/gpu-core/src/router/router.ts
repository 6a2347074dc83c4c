import { fail, Random } from '@armilla/base';
import { Backlog } from './backlog.js';
import { bucketOf } from './bucket-correction.js';
import { type Choice, choose, confidence, earliest, evenWork, meetsDeadline } from './choice.js';
import { CostModel, type Observation } from './cost-model.js';
import {
  type CrossoverOptions,
  type CrossoverRange,
  crossoverRanges,
  elementwiseSize,
  type Residency,
} from './crossover.js';
import {
  bestServiceMs,
  chosenPrediction,
  type Decision,
  type DevicePrediction,
  type DeviceRefusal,
} from './decision.js';
import { type KnownDevice, knownDevices, matchesDevice } from './device.js';
import { Exploration } from './exploration.js';
import type { SecondStart } from './hedge.js';
import { noDevice } from './no-device.js';
import { OperationModels } from './operation-models.js';
import { shippedPriors } from './priors.js';
import { type DecisionRecord, RecentDecisions } from './recent.js';
import { Regret, type RegretRow } from './regret.js';
import { RouteRules } from './route-rules.js';
import type { RouterOptions } from './router-options.js';
import { bytesToMove, checkRequest, memoryOf, type RouteRequest } from './size.js';
import type { StoredModels } from './stored-models.js';

/**
 * Work on the host's cores is interrupted by all else that runs there: slices of the scheduler and collections of garbage
 * last some milliseconds, whatever they interrupt.
 */
const HICCUP_MS = 3;

/** Median of the time of a call by what it has taken without an end, where times have no scale of their own (Pareto, exponent 1). */
const UNENDED = 2;

/** Chooses the device of each call by what it learnt of them, and says why. Owns no device; nothing here waits. */
export class Router {
  readonly devices: readonly KnownDevice[];
  readonly #options: RouterOptions;
  readonly #now: () => number;
  readonly #rules: RouteRules;
  readonly #operations = new Map<string, OperationModels>();
  readonly #backlog = new Backlog();
  readonly #exploration: Exploration;
  readonly #regret = new Regret();
  readonly #recent: RecentDecisions;
  /** Decisions that run, with the service time that was added to the queue. */
  readonly #running = new Map<number, number>();
  #lastId = 0;

  /** Throws OPTION_INVALID for bad devices, CONFIG_INVALID for rules that are malformed or name no device. */
  constructor(options: RouterOptions) {
    this.#options = options;
    this.devices = knownDevices(options.devices);
    this.#now = options.now ?? ((): number => performance.now());
    const { environment = process.env.ARMILLA_ROUTE, config, operations } = options;
    this.#rules = new RouteRules(this.devices, environment, config, operations);
    this.#exploration = new Exploration(options.random ?? new Random(1));
    this.#recent = new RecentDecisions(options.recentCapacity ?? 256);
  }

  /**
   * The device for a call. Throws OPTION_INVALID for a bad request or an override that names no device with a backend,
   * CONFIG_INVALID for a rule that does, MEMORY_OVER_LIMIT where no device can hold the smallest piece.
   */
  decide(request: RouteRequest): Decision {
    const { decision, key, index } = this.#choose(request, true);
    const state = this.#operation(request.operation, request.dtype);
    state.calls++;
    for (const model of state.models) model.fade();
    if (decision.reason === 'fastest' || decision.reason === 'hysteresis') state.choices.set(key, index);
    this.#recent.add(decision);
    return decision;
  }

  /** What `decide` would say, without tries; changes nothing. Its id is 0. Throws as `decide` does. */
  explain(request: RouteRequest): Decision {
    return this.#choose(request, false).decision;
  }

  /** The call begins (or waits for its device): later decisions see the queue. */
  start(decision: Decision): void {
    const { terms } = chosenPrediction(decision);
    const serviceMs = terms.launchMs + terms.computeMs + terms.transferMs;
    this.#running.set(decision.id, serviceMs);
    this.#backlog.begin(this.#device(decision.chosen).queue, serviceMs, this.#now());
  }

  /** The call begins on another device, too; until the result is disposed of. */
  startAlso(decision: Decision, deviceId: string): Disposable {
    const prediction = decision.predictions.find(({ device }) => device === deviceId);
    const serviceMs = prediction === undefined ? 0 : prediction.totalMs - prediction.terms.queueMs;
    const { queue } = this.#device(deviceId);
    this.#backlog.begin(queue, serviceMs, this.#now());
    return { [Symbol.dispose]: () => this.#backlog.end(queue, serviceMs, this.#now()) };
  }

  /** The call ended without a time worth learning: failed or cancelled. */
  abandon(decision: Decision): void {
    const serviceMs = this.#running.get(decision.id);
    if (serviceMs === undefined) return;
    this.#running.delete(decision.id);
    this.#backlog.end(this.#device(decision.chosen).queue, serviceMs, this.#now());
  }

  /**
   * The call ended after `serviceMs` on its device, waiting apart; learns from it. Where `second` won, that is what the device
   * has had: it would have needed more.
   */
  finish(decision: Decision, serviceMs: number, second?: SecondStart): void {
    this.abandon(decision);
    if (!(serviceMs >= 0 && serviceMs < Infinity)) return;
    const bestMs = bestServiceMs(decision);
    this.#recent.finish(decision, serviceMs, second);
    this.#regret.add(decision, serviceMs, bestMs);
    this.#exploration.account(serviceMs, decision.reason === 'exploration' ? serviceMs - bestMs : 0);
    this.learn(decision, decision.chosen, second?.won ? UNENDED * serviceMs : serviceMs);
  }

  /** Learns from a measured run of a decision's call on any device. */
  learn(decision: Decision, deviceId: string, serviceMs: number): void {
    const prediction = decision.predictions.find(({ device }) => device === deviceId);
    if (prediction === undefined) return;
    const state = this.#operation(decision.operation, decision.dtype);
    const index = this.devices.findIndex(({ id }) => id === deviceId);
    const { chunkCount, bytesToMove: bytes } = prediction;
    state.sampledAtCall[index] = state.calls;
    const sample = { chunkCount, work: decision.work, bytesToMove: bytes, ms: serviceMs };
    const observation = state.models[index].observe(sample, this.devices[index].memory === 'host' ? HICCUP_MS : 0);
    if (observation.kind === 'usual') this.#trust(state, index);
    else this.#suspect(state, index, observation);
  }

  /** Ranges of sizes by the fastest idle device with a backend; software devices and overrides apart. */
  crossover(
    operation: string,
    dtype: string,
    residency: Residency = 'host',
    options: CrossoverOptions = {},
  ): CrossoverRange[] {
    const { sizeOf = elementwiseSize, smallest = 1, largest = 2 ** 30 } = options;
    const ids = options.devices?.(dtype);
    const state = this.#operation(operation, dtype);
    const able = this.devices.flatMap((device, i) =>
      device.software || ids?.includes(device.id) === false ? [] : [{ device, model: state.models[i] }],
    );
    const fastest = (n: number): string => {
      const { work, bytesIn, bytesOut } = sizeOf(n);
      let best = Infinity;
      let name = '';
      for (const { device, model } of able) {
        const bytes = residency === 'device' || device.memory === 'host' ? 0 : bytesIn + bytesOut;
        const { totalMs } = model.predict(work, bytes);
        if (totalMs < best) [best, name] = [totalMs, device.id];
      }
      return name;
    };
    return able.length === 0 ? [] : crossoverRanges(fastest, smallest, largest);
  }

  /** Puts a calibrated model in place. */
  install(operation: string, dtype: string, deviceId: string, model: CostModel): void {
    this.#operation(operation, dtype).install(this.devices.indexOf(this.#device(deviceId)), model);
  }

  /** Models that saw a measurement. */
  store(): StoredModels {
    return [...this.#operations.values()].flatMap((state) => {
      const devices = state.store();
      return Object.keys(devices).length > 0 ? [{ operation: state.operation, dtype: state.dtype, devices }] : [];
    });
  }

  /** Takes over stored models; those of devices that are not here are left out. */
  restore(stored: StoredModels): void {
    for (const { operation, dtype, devices } of stored) {
      for (const [id, model] of Object.entries(devices)) {
        if (this.devices.some((device) => device.id === id))
          this.install(operation, dtype, id, CostModel.restore(model));
      }
    }
  }

  /** Devices that were found slower and not calibrated since, by operation: worth measuring again from time to time. */
  slowed(): { readonly operation: string; readonly dtype: string; readonly device: string }[] {
    return this.operations().flatMap(({ operation, dtype, slowed }) =>
      [...slowed].map((index) => ({ operation, dtype, device: this.devices[index].id })),
    );
  }

  /** Every (operation, dtype) that was asked for, calibrated or loaded. */
  operations(): readonly OperationModels[] {
    return [...this.#operations.values()];
  }

  /** Newest first. */
  recent(limit?: number): DecisionRecord[] {
    return this.#recent.list(limit);
  }

  regret(): RegretRow[] {
    return this.#regret.report();
  }

  /** What tries to learn have cost beyond the best prediction, of the time of all calls, ms. */
  explorationCost(): { readonly spentMs: number; readonly totalMs: number } {
    const { spentMs, totalMs } = this.#exploration;
    return { spentMs, totalMs };
  }

  #operation(operation: string, dtype: string): OperationModels {
    const key = `${operation} ${dtype}`;
    let state = this.#operations.get(key);
    if (state === undefined) {
      state = new OperationModels(operation, dtype, this.devices, this.#options.priors ?? shippedPriors);
      this.#operations.set(key, state);
    }
    return state;
  }

  #device(id: string): KnownDevice {
    const device = this.devices.find((known) => known.id === id);
    if (device !== undefined) return device;
    const expected = `one of ${this.devices.map((known) => known.id).join(', ')}`;
    throw fail('OPTION_INVALID', { field: 'device', expected, got: `'${id}'` });
  }

  #choose(request: RouteRequest, real: boolean): { decision: Decision; key: number; index: number } {
    checkRequest(request);
    const state = this.#operation(request.operation, request.dtype);
    const rule = this.#rules.of(request);
    const gone = this.#rules.passedOver(request, rule);
    const atMs = this.#now();
    const predictions: DevicePrediction[] = [];
    const candidates: DevicePrediction[] = [];
    const indices: number[] = [];
    const refused: DeviceRefusal[] = [];
    let moved = 0;
    for (let i = 0; i < this.devices.length; i++) {
      const device = this.devices[i];
      if (request.devices !== undefined && !request.devices.includes(device.id)) {
        const detail = request.faults?.[device.id];
        refused.push({ device: device.id, reason: 'no-backend', ...(detail !== undefined && { detail }) });
        continue;
      }
      if (device.id in gone) {
        refused.push({ device: device.id, reason: 'unavailable', detail: gone[device.id] });
        continue;
      }
      const chunkCount = this.#chunks(request, device);
      if (chunkCount === 0) {
        refused.push({ device: device.id, reason: 'memory' });
        continue;
      }
      const prediction = this.#predict(state, i, request, chunkCount, atMs);
      predictions.push(prediction);
      if (rule !== undefined && !matchesDevice(device, rule.device))
        refused.push({ device: device.id, reason: 'overridden' });
      else if (rule === undefined && device.software) refused.push({ device: device.id, reason: 'software' });
      else if (rule === undefined && request.ruleOnly?.[device.id] !== undefined)
        refused.push({ device: device.id, reason: 'rule-only', detail: request.ruleOnly[device.id] });
      else {
        candidates.push(prediction);
        indices.push(i);
        moved += prediction.bytesToMove;
      }
    }
    if (candidates.length === 0) {
      const limits = this.devices.map(({ id }) => this.#options.availableBytes?.(id) ?? Infinity);
      throw noDevice(request, refused, Math.max(...limits));
    }

    const key = bucketOf(request.work) * 64 + bucketOf(moved);
    const last = rule === undefined ? indices.indexOf(state.choices.get(key) ?? -1) : -1;
    let choice: Choice = choose(candidates, last, request.deadlineMs);
    if (rule !== undefined) choice = { index: choice.index, reason: `override-${rule.source}` };
    else {
      const tried = real && candidates.length > 1 ? this.#explore(state, request, candidates, indices, choice) : -1;
      if (tried >= 0) choice = { index: tried, reason: 'exploration' };
    }

    const chosen = candidates[choice.index];
    const others = candidates.filter((candidate) => candidate !== chosen);
    const rival = others.length > 0 ? others[earliest(others)] : undefined;
    const decision: Decision = {
      id: real ? ++this.#lastId : 0,
      atMs,
      operation: request.operation,
      dtype: request.dtype,
      work: request.work,
      chosen: chosen.device,
      reason: choice.reason,
      confidence: rival === undefined ? 1 : confidence(chosen, rival),
      chunkCount: chosen.chunkCount,
      predictions,
      refused,
      crossoverWork: rival === undefined ? null : evenWork(chosen, rival, request.work),
      modelVersion: state.version,
      request,
    };
    return { decision, key, index: indices[choice.index] };
  }

  /** Pieces that the call must be cut into for the memory of a device; 0: it cannot be cut so small. */
  #chunks(request: RouteRequest, device: KnownDevice): number {
    const available = this.#options.availableBytes?.(device.id) ?? Infinity;
    const needed = memoryOf(request);
    if (request.full?.includes(device.id)) return 0;
    if (needed <= available) return 1;
    if (available <= 0 || (request.smallestPieceBytes ?? 0) > available) return 0;
    return Math.ceil(needed / Math.min(available, this.#options.pieceBytes?.(device.id) ?? available));
  }

  #predict(
    state: OperationModels,
    index: number,
    request: RouteRequest,
    chunkCount: number,
    nowMs: number,
  ): DevicePrediction {
    const device = this.devices[index];
    const model = state.models[index];
    const bytes = bytesToMove(request, device.memory, chunkCount);
    const { launchMs, computeMs, transferMs, totalMs, variance } = model.predict(request.work, bytes, chunkCount);
    const queueMs = this.#backlog.waitMs(device.queue, nowMs);
    return {
      device: device.id,
      totalMs: totalMs + queueMs,
      terms: { launchMs, computeMs, transferMs, queueMs },
      sigma: Math.sqrt(variance),
      samples: model.samples,
      source: model.source,
      bytesToMove: bytes,
      chunkCount,
    };
  }

  /** Index of a candidate to try in place of the choice, or -1. */
  #explore(
    state: OperationModels,
    request: RouteRequest,
    candidates: readonly DevicePrediction[],
    indices: readonly number[],
    choice: Choice,
  ): number {
    const best = candidates[choice.index];
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i];
      if (i === choice.index) continue;
      if (request.deadlineMs !== undefined && meetsDeadline(candidate, request.deadlineMs) < 0.95) continue;
      const model = state.models[indices[i]];
      const tried = {
        // As bad as it may well be, so that the budget holds.
        extraMs: Math.max(0, candidate.totalMs * Math.exp(2 * candidate.sigma) - best.totalMs),
        ratio: candidate.totalMs / best.totalMs,
        samples: candidate.samples,
        callsSinceSample: state.calls - state.sampledAtCall[indices[i]],
        // Best but for a doubt: settling it soon is worth a try.
        slowed: state.slowed.has(indices[i]),
        doubted: model.doubt > 1 && model.withoutDoubt(candidate.totalMs) < best.totalMs,
      };
      if (this.#exploration.affords(tried)) return i;
    }
    return -1;
  }

  /** A device seldom changes for one operation alone: what one sees, the others expect. */
  #suspect(state: OperationModels, index: number, observation: Exclude<Observation, { kind: 'usual' }>): void {
    const { factor } = observation;
    const sure = observation.kind === 'changed';
    // Of one late call on the host's cores others learn nothing: most are the scheduler's.
    if (!sure && this.devices[index].memory === 'host') return;
    const doubtMs = sure ? Infinity : observation.doubtMs;
    for (const other of this.#operations.values()) {
      // Those that found it slower themselves have nothing to learn from another that does, and they alone from a recovery.
      if (other !== state && other.slowed.has(index) === factor < 1) other.models[index].suspect(factor, doubtMs, sure);
    }
    if (!sure) return;
    state.version++;
    if (factor > 1) state.slowed.add(index);
    else state.slowed.delete(index);
    state.choices.clear();
    const { operation, dtype } = state;
    this.#options.onChange?.({ operation, dtype, device: this.devices[index].id, factor });
  }

  #trust(state: OperationModels, index: number): void {
    for (const other of this.#operations.values()) {
      if (other !== state) other.models[index].trust();
    }
  }
}
