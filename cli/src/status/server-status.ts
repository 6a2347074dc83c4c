import { formatBytes, isProblem } from '@armilla/base';
import type { DeviceStatus, MemoryLeakStatus, MemoryStatus } from '@armilla/chassis';
import { camelCaseKeys } from '../crossmatch/json-names.js';
import { devicesText } from '../devices/devices-text.js';
import { reachServer } from '../server/named-server.js';
import type { StatusAnswer } from './status-answer.js';

interface StoredTable {
  readonly name: string;
  readonly row_count: number;
  readonly size_bytes: number;
  readonly expire_time?: string;
}

/** What of the answer of /v1/runtime/status is told to people. */
interface RuntimeAnswer {
  readonly startTime: string;
  readonly devices: readonly DeviceStatus[];
  readonly workers: { readonly workerCount: number; readonly queuedTaskCount: number };
  readonly memory: readonly MemoryStatus[];
}

/** How the server is, what it computes on and which tables it keeps. */
export async function serverStatus(flag: string | undefined, signal: AbortSignal): Promise<StatusAnswer> {
  const { url, client, health } = await reachServer(flag, signal);
  const ready = await client.get('readyz', signal, true);
  const { tables = [] } = (await client.get('v1/crossmatch/tables', signal)) as { tables?: StoredTable[] };
  const runtime = await client.get('v1/runtime/status', signal).catch(withoutRuntime);
  return {
    data: { server: url.href, health, ready, tables, runtime },
    text: [
      `${url.href} answers: ${JSON.stringify(health)}, ready: ${JSON.stringify(ready)}`,
      ...(runtime === undefined
        ? ['it does not tell what it computes on']
        : runtimeLines(camelCaseKeys(runtime) as RuntimeAnswer)),
      ...(tables.length === 0 ? ['no stored tables'] : tables.map(tableLine)),
    ].join('\n'),
  };
}

/** A service alone, or one of another version, has no runtime service; that is no failure. */
function withoutRuntime(error: unknown): undefined {
  if (isProblem(error) && (error.reason === 'METHOD_NOT_ALLOWED' || error.reason === 'ROUTE_NOT_FOUND'))
    return undefined;
  throw error;
}

function runtimeLines({ startTime, devices, workers, memory }: RuntimeAnswer): string[] {
  return [
    `since ${startTime}: ${workers.workerCount} workers, ${workers.queuedTaskCount} tasks queued`,
    ...memory.flatMap((one) => [memoryLine(one), ...(one.leaks ?? []).map(leakLine)]),
    devicesText(devices),
  ];
}

function memoryLine({
  device,
  usedBytes,
  reservedBytes,
  budgetBytes,
  budgetSource,
  pressureLevel,
}: MemoryStatus): string {
  const budget = budgetBytes === undefined ? 'an unknown budget' : formatBytes(budgetBytes);
  const level = pressureLevel ? `, pressure ${pressureLevel}` : '';
  return `memory of ${device}: ${formatBytes(usedBytes)} used, ${formatBytes(reservedBytes)} reserved of ${budget} (${budgetSource})${level}`;
}

function leakLine({ label, kind, liveBytes, liveCount, grownBytes, overSeconds }: MemoryLeakStatus): string {
  const growth = `${formatBytes(grownBytes)} more in ${Math.round(overSeconds)} s`;
  return `  leak of ${label} (${kind}): ${growth}, ${formatBytes(liveBytes)} in ${liveCount} pieces`;
}

function tableLine({ name, row_count, size_bytes, expire_time }: StoredTable): string {
  return `${name}\t${row_count} rows\t${size_bytes} bytes\tuntil ${expire_time ?? 'it is deleted'}`;
}
