import { fail } from '@armilla/base';
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
  type CrossoverOptions,
  type Decision,
  hasWebAssembly,
  machineLimits,
  pressureLevel,
  type Profile,
  profileToChromeTrace,
  profileToJson,
  profileToPprof,
  profileToSpeedscope,
  renderDashboard,
  renderDecision,
  requestOf,
  routedOperation,
  routedOperations,
  type Runtime,
  summarise,
} from '@armilla/gpu-core';
import type { Compute } from '../devices/compute.js';

export interface RuntimeSourceOptions {
  readonly runtime: Runtime;
  readonly compute: Compute;
  readonly config: Config;
}
