import { fail } from '@armilla/base';
import { type KnownDevice, matchesDevice } from './device.js';
import { type Overrides, type OverrideSource, parseOverrides } from './override.js';
import type { RouteRequest } from './size.js';

/** The rule that holds for a call. */
export interface RouteRule {
  /** Id or kind of a device. */
  readonly device: string;
  readonly source: OverrideSource;
}

/** Overrides of request, environment and configuration, in this order; one for the operation goes before "*". */
export class RouteRules {
  readonly #devices: readonly KnownDevice[];
  readonly #sources: readonly { readonly source: OverrideSource; readonly where: string; readonly rules: Overrides }[];

  /** Throws CONFIG_INVALID for rules that are malformed or name no device, or none of `operations` where those are given. */
  constructor(
    devices: readonly KnownDevice[],
    environment: string | undefined,
    config: string | undefined,
    operations?: readonly string[],
  ) {
    this.#devices = devices;
    this.#sources = [
      { source: 'environment', where: ENVIRONMENT, rules: parseOverrides(environment, ENVIRONMENT, devices) },
      { source: 'config', where: CONFIG, rules: parseOverrides(config, CONFIG, devices) },
    ];
    for (const { where, rules } of this.#sources) {
      for (const name of rules.keys()) {
        if (name === '*' || (operations?.includes(name) ?? true)) continue;
        const detail = `${where}: there is no operation '${name}'; there are ${operations?.join(', ')}`;
        throw fail('CONFIG_INVALID', { detail });
      }
    }
  }

  /**
   * Throws OPTION_INVALID or CONFIG_INVALID where a rule names a device that has no backend of the operation; "*" is passed
   * over then, and so is a rule whose device cannot do this call for its type or options.
   */
  of(request: RouteRequest): RouteRule | undefined {
    if (request.device !== undefined) {
      if (this.#able(request, request.device)) return { device: request.device, source: 'request' };
      const ids = request.devices ?? this.#devices.map(({ id }) => id);
      const expected = `a device that has a backend of ${request.operation} (${ids.join(', ')})`;
      throw fail('OPTION_INVALID', { field: 'device', expected, got: `'${request.device}'` });
    }
    for (const { source, where, rules } of this.#sources) {
      const device = rules.get(request.operation);
      if (device !== undefined) {
        if (this.#able(request, device)) return { device, source };
        if (this.#faulty(request, device)) continue;
        throw fail('CONFIG_INVALID', { detail: `${where}: ${request.operation} has no backend on '${device}'` });
      }
      const any = rules.get('*');
      if (any !== undefined && this.#able(request, any)) return { device: any, source };
    }
    return undefined;
  }

  /** Devices that are gone, and why; none where no other may take the call: then the fault of the device is its own. */
  passedOver(request: RouteRequest, rule: RouteRule | undefined): Readonly<Record<string, string>> {
    const { gone = {}, devices, ruleOnly = {} } = request;
    const others = this.#devices.filter(({ id }) => !(id in gone) && (devices?.includes(id) ?? true));
    const left = others.some((one) =>
      rule === undefined ? !one.software && !(one.id in ruleOnly) : matchesDevice(one, rule.device),
    );
    return left ? gone : {};
  }

  #faulty({ faults = {} }: RouteRequest, name: string): boolean {
    return this.#devices.some((device) => matchesDevice(device, name) && device.id in faults);
  }

  #able({ devices }: RouteRequest, name: string): boolean {
    return this.#devices.some((device) => matchesDevice(device, name) && (devices?.includes(device.id) ?? true));
  }
}

const ENVIRONMENT = 'ARMILLA_ROUTE';
const CONFIG = 'route';
