import { cpus } from 'node:os';
import type {
  CallToExplain,
  Config,
  Explanation,
  MemoryStatus,
  ProfileFile,
  ProfileFormatName,
  RuntimeSource,
  RuntimeStatus,
} from '@armilla/chassis';
import {
  adviseOn,
  crossoverCurves,
  profileToChromeTrace,
  profileToJson,
  profileToPprof,
  profileToSpeedscope,
  renderDashboard,
  renderDecision,
  requestOf,
  routedOperations,
  type Profile,
  type Runtime,
  summarise,
} from '@armilla/gpu-core';
import type { Compute } from '../devices/compute.js';
import { describeMemory } from '../devices/describe-memory.js';

export interface RuntimeSourceOptions {
  readonly runtime: Runtime;
  readonly compute: Compute;
  readonly config: Pick<Config, 'memoryLimitBytes'>;
}

/** What the runtime service of this process tells: its devices, its router and its profiler as they are at each question. */
export function runtimeSource({ runtime, compute, config }: RuntimeSourceOptions): RuntimeSource {
  const { dispatcher } = compute;
  const memory = (): MemoryStatus[] => describeMemory(runtime, dispatcher, config);
  const profile = (): Profile => {
    const time = new Date().toISOString();
    return runtime.profiler.profile(`process ${process.pid}, ${time}`, machineText(runtime));
  };
  return {
    operations: () => routedOperations().map(({ operation, dtypes }) => ({ name: operation.name, dtypes })),
    status: async () => describeRuntime(runtime, compute, memory(), profile()),
    profile: async (format) => encodeProfile(format, profile(), () => dashboard(compute, memory())),
    decisions: () =>
      dispatcher.router.recent().map(({ decision, actualMs }) => {
        return { decision, actualMs, epochMs: performance.timeOrigin + decision.atMs };
      }),
    explain: (call) => explain(compute, call),
  };
}

function describeRuntime(
  runtime: Runtime,
  { dispatcher, devices }: Compute,
  memory: readonly MemoryStatus[],
  profile: Profile,
): RuntimeStatus {
  const { workerCount, queuedTasks, cellsDone } = runtime.stats();
  return {
    startEpochMs: performance.timeOrigin,
    devices: devices(),
    workers: { workerCount, queuedTaskCount: queuedTasks, finishedItemCount: cellsDone },
    memory,
    router: dispatcher.view(),
    profiler: {
      enabled: runtime.profiler.enabled,
      spanCount: profile.spans.id.length,
      overwrittenCount: profile.overwrittenCount,
      droppedCount: profile.droppedCount,
      operations: summarise(profile, dispatcher.rooflines()),
      advice: adviseOn(profile, { memory: budgets(memory), rooflines: dispatcher.rooflines() }).map(({ text }) => text),
    },
  };
}

function explain({ dispatcher }: Compute, { operation, dtype, size }: CallToExplain): Explanation {
  if (typeof size === 'number') {
    const decision = dispatcher.explain(operation, size, dtype);
    return { decision, text: renderDecision(decision) };
  }
  const decision = dispatcher.router.explain({
    ...requestOf(operation, dtype, size),
    ...dispatcher.placesOf(operation, dtype),
  });
  return { decision, text: renderDecision(decision) };
}

type Extra = NonNullable<Parameters<typeof renderDashboard>[1]>;

function dashboard({ dispatcher }: Compute, memory: readonly MemoryStatus[]): Extra {
  return {
    crossovers: crossoverCurves(dispatcher.router, dispatcher.crossoverOptions()),
    memory: budgets(memory),
    rooflines: dispatcher.rooflines(),
  };
}

/** Where a budget is unknown, 0 says so. */
const budgets = (memory: readonly MemoryStatus[]): Required<Extra>['memory'] =>
  memory.map(({ device, usedBytes, reservedBytes, budgetBytes = 0 }) => {
    return { device, usedBytes, reservedBytes, budgetBytes };
  });

function encodeProfile(format: ProfileFormatName, profile: Profile, extra: () => Extra): ProfileFile {
  const text = (mediaType: string, content: string): ProfileFile => {
    return { mediaType, content: new TextEncoder().encode(content) };
  };
  switch (format) {
    case 'json':
      return text('application/json', profileToJson(profile));
    case 'chrome-trace':
      return text('application/json', profileToChromeTrace(profile));
    case 'speedscope':
      return text('application/json', profileToSpeedscope(profile));
    case 'html':
      return text('text/html; charset=utf-8', renderDashboard(profile, extra()));
    case 'pprof':
      return { mediaType: 'application/gzip', content: profileToPprof(profile) };
  }
}

function machineText({ workerCount }: Runtime): string {
  const { node, v8 } = process.versions;
  return `${cpus()[0]?.model.trim() ?? process.arch}, ${workerCount} workers, Node.js ${node} (V8 ${v8})`;
}
