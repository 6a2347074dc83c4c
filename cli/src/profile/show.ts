import { Command } from 'commander';
import {
  adviseOn,
  bottlenecks,
  type OpSummary,
  overlaps,
  type Profile,
  profileFromJson,
  summarise,
} from '@armilla/gpu-core';
import type { CommandContext } from '../command-context.js';
import { snakeCaseKeys } from '../crossmatch/json-names.js';
import { reachServer } from '../server/named-server.js';
import { printLine } from '../terminal/standard-output.js';
import { textTable } from '../terminal/text-table.js';
import { readProfile, shown } from './read-profile.js';

interface ShowFlags {
  readonly server?: string;
  readonly json?: boolean;
}

const BOTTLENECK_COUNT = 5;

/** `armilla profile show [FILE]`. */
export function showCommand(context: CommandContext): Command {
  return new Command('show')
    .description('What took the time: operations, bottlenecks, transfers beside kernels, and advice.')
    .argument('[file]', 'profile of format json (default: that of the server)')
    .option('--server <url>', 'the server (default: the address that serve takes, http://127.0.0.1:7431)')
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .action(async (file: string | undefined, { server, json }: ShowFlags) => {
      const profile = file === undefined ? await fetchProfile(server, context) : await readProfile(file);
      await printLine(json ? JSON.stringify(snakeCaseKeys(viewOf(profile))) : textOf(profile));
    });
}

const EXAMPLES = `Examples:
  armilla profile show
  armilla profile show before.json
`;

async function fetchProfile(server: string | undefined, { signal }: CommandContext): Promise<Profile> {
  const { client } = await reachServer(server, signal);
  const parts: Uint8Array[] = [];
  for await (const part of await client.bytes('v1/runtime/profile?format=json', signal)) parts.push(part);
  return profileFromJson(Buffer.concat(parts), 'the server');
}

function viewOf(profile: Profile) {
  return {
    operations: summarise(profile),
    bottlenecks: bottlenecks(profile, BOTTLENECK_COUNT),
    overlaps: overlaps(profile),
    advice: adviseOn(profile).map(({ text }) => text),
  };
}

function textOf(profile: Profile): string {
  const view = viewOf(profile);
  if (view.operations.length === 0) return 'nothing was recorded yet';
  const head = ['operation', 'device', 'calls', 'total', 'mean', 'p50', 'p95', 'GB/s', 'GFLOP/s'];
  return [
    textTable([head, ...view.operations.map(rowOf)]),
    '',
    'by time in which nothing inside them ran',
    ...view.bottlenecks.map(({ op, device, selfNs, share }) =>
      shown(`  ${op} on ${device}: ${ms(selfNs)}, ${percent(share)}`),
    ),
    ...view.overlaps.map(({ device, transferNs, share }) =>
      shown(`transfers of ${device}: ${ms(transferNs)}, ${percent(share)} of it beside kernels`),
    ),
    ...view.advice.map(shown),
  ].join('\n');
}

function rowOf({ op, device, count, totalNs, meanNs, p50Ns, p95Ns, gbPerS, gflopPerS }: OpSummary): string[] {
  const times = [totalNs, meanNs, p50Ns, p95Ns].map(ms);
  return [shown(op), shown(device), `${count}`, ...times, rate(gbPerS), rate(gflopPerS)];
}

function ms(ns: number): string {
  return Number.isNaN(ns) ? '-' : `${(ns / 1e6).toPrecision(3)} ms`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function rate(value: number): string {
  return Number.isNaN(value) ? '-' : value.toPrecision(3);
}
