import { isProblem, type Problem, Random } from '@armilla/base';
import {
  connect,
  type ConnectedClient,
  createLogger,
  type Frame,
  loadConfig,
  type RunningServer,
  serve,
} from '@armilla/chassis';
import type { Runtime } from '@armilla/gpu-core';
import { CrossmatchServiceService, type MatchOptions } from '@armilla/proto';
import { type Positions, referencePairs } from '@armilla/sky';
import type { Metadata } from '@grpc/grpc-js';
import type { Table } from 'apache-arrow';
import { crossmatchServices } from '../../service.js';
import { rowsOf, tableOf } from '../../testing/memory-table.js';
import { awkwardSky } from '../../testing/sky.js';
import { type Answer, receive, requestFrame, send, tableFrames } from './client.js';

export type Client = ConnectedClient<typeof CrossmatchServiceService>;

export interface Served {
  readonly server: RunningServer;
  readonly client: Client;
}

export const left = awkwardSky(21, 150);
export const right = awkwardSky(22, 170);

/** A crossmatch service on a free port, and a client of it. */
export async function startService(runtime: Runtime, flags: Record<string, string | number> = {}): Promise<Served> {
  const config = loadConfig({ flags: { grpcAddress: '127.0.0.1:0', ...flags } });
  const log = createLogger({ logLevel: 'error' });
  const made = await serve({ services: crossmatchServices({ runtime }), config, log });
  return { server: made, client: connect(CrossmatchServiceService, made.address) };
}

export const catalog = ({ ra, dec, nulls }: Positions): Table => {
  const orNull = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value, i) => (nulls?.[i] ? null : value));
  return tableOf({ id: Int32Array.from(ra, (_, i) => i), ra: orNull(ra), dec: orNull(dec) });
};

/** A square degree of `rowCount` random positions. */
export function denseSky(rowCount: number): Table {
  const random = new Random(3);
  return catalog({
    ra: Float64Array.from({ length: rowCount }, () => random.between(0, 1)),
    dec: Float64Array.from({ length: rowCount }, () => random.between(0, 1)),
  });
}

/** `rightTable`: null where the request names a stored one. */
export interface MatchInput {
  options: Partial<MatchOptions>;
  request?: Parameters<typeof requestFrame>[0];
  leftTable?: Table;
  rightTable?: Table | null;
  headers?: (metadata: Metadata) => void;
}

/** Sends both tables and receives the answer. */
export async function match(
  on: Client,
  { options, request, leftTable = catalog(left), rightTable = catalog(right), headers }: MatchInput,
): Promise<Answer> {
  const call = on.match();
  if (headers) call.on('metadata', headers);
  const frames = function* (): Generator<Frame> {
    yield requestFrame({ options: { radiusArcsec: 12, ...options }, ...request });
    if (rightTable) yield* tableFrames(rightTable, 1);
    yield* tableFrames(leftTable, 0);
  };
  const [answer] = await Promise.all([receive(call), send(call, frames()).catch(() => undefined)]);
  return answer;
}

/** What a promise is rejected with. */
export async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (failed: unknown) => failed,
  );
  if (!isProblem(error)) throw error;
  return error;
}

/** The pairs of `left` and `right` within 12 arcsec by brute force, as `row,row`. */
export const expectedPairs = (find: 'nearest' | 'all'): string[] => {
  const pairs = referencePairs(left, right, { radiusArcsec: 12, minRadiusArcsec: 0, find, k: 1, order: 'left' });
  return Array.from(pairs.left, (row, p) => `${row},${pairs.right[p]}`);
};

export const pairsOf = ({ batches }: Answer): string[] =>
  rowsOf(batches).map((row) => `${row.left_row},${row.right_row}`);
