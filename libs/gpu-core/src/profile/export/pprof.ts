import { gzipSync } from 'node:zlib';
import * as pprof from 'pprof-format';
import type { Profile } from '../profile.js';
import { pathOf, stacksOf, timeRange } from '../stacks.js';

const DEPTH_LIMIT = 512;

/** Gzipped profile.proto: self time and calls of each path, with the device as label. `go tool pprof` and others read it. */
export function profileToPprof(profile: Profile): Uint8Array {
  const stringTable = new pprof.StringTable();
  const text = (value: string): number => stringTable.dedup(value);
  const type = (name: string, unit: string): pprof.ValueTypeInput => ({ type: text(name), unit: text(unit) });
  const functions: pprof.Function[] = [];
  const locations: pprof.Location[] = [];
  const locationOf = new Map<string, number>();
  const location = (name: string): number => {
    const known = locationOf.get(name);
    if (known !== undefined) return known;
    const id = functions.length + 1;
    functions.push(new pprof.Function({ id, name: text(name), systemName: text(name) }));
    locations.push(new pprof.Location({ id, line: [{ functionId: id }] }));
    locationOf.set(name, id);
    return id;
  };
  const samples = stacksOf(profile).nodes.map(
    (node) =>
      new pprof.Sample({
        // The format lists the innermost first.
        locationId: pathOf(node, DEPTH_LIMIT)
          .map(({ op }) => location(op))
          .reverse(),
        value: [node.count, Math.round(node.selfNs)],
        label: [{ key: text('device'), str: text(node.device) }],
      }),
  );
  const [firstNs, lastNs] = timeRange(profile);
  const encoded = new pprof.Profile({
    sampleType: [type('calls', 'count'), type('time', 'nanoseconds')],
    sample: samples,
    location: locations,
    function: functions,
    stringTable,
    timeNanos: BigInt(Math.round(profile.originEpochMs)) * 1_000_000n + BigInt(Math.round(firstNs)),
    durationNanos: BigInt(Math.round(lastNs - firstNs)),
    periodType: type('time', 'nanoseconds'),
    period: 1,
    defaultSampleType: text('time'),
  }).encode();
  return gzipSync(encoded);
}
