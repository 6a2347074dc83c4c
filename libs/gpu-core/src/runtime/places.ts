import type { DType, RoutedOperation } from '../ops/routing.js';
import type { KnownDevice } from '../router/device.js';

/** Where calls can run. */
export interface Places {
  /** Ids of the devices. */
  readonly devices: readonly string[];
  /** Why others with a backend of the operation cannot run it. */
  readonly faults: Readonly<Record<string, string>>;
  /** Why some of the devices do so only where a rule names them. */
  readonly ruleOnly: Readonly<Record<string, string>>;
}

/** Where `routed` can run with operands of that type, and with `input` where it is known. */
export function placesOf<Input>(
  known: readonly KnownDevice[],
  routed: RoutedOperation<Input>,
  dtype: DType,
  input?: Input,
): Places {
  const devices: string[] = [];
  const faults: Record<string, string> = {};
  for (const { id, kind } of known) {
    if (!(kind in routed.operation.backends)) continue;
    const fault = routed.fault ? routed.fault(kind, dtype, input) : faultOfType(kind, dtype);
    if (fault === undefined) devices.push(id);
    else faults[id] = fault;
  }
  const ruleOnly: Record<string, string> = {};
  if (routed.ruleOnly !== undefined) {
    for (const id of devices) {
      const others = devices.filter((other) => other !== id);
      const reason = routed.ruleOnly(id, others);
      if (reason !== undefined) ruleOnly[id] = reason;
    }
  }
  return { devices, faults, ruleOnly };
}

/** Of these, those that the router may choose. */
export function choosable({ devices, ruleOnly }: Places): string[] {
  return devices.filter((id) => !(id in ruleOnly));
}

function faultOfType(kind: string, dtype: DType): string | undefined {
  return kind === 'webgpu' && dtype === 'f64' ? 'WGSL has no f64' : undefined;
}
