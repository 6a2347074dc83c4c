import { Problem } from '@armilla/base';
import { CrossmatchServiceService, ExplainRequest, ExplainResponse, type PutResponse } from '@armilla/proto';
import {
  callOnce,
  type CallSettings,
  type CallContext,
  clientStream,
  type ConfigSources,
  connect,
  type ConnectedClient,
  createLogger,
  duplex,
  type Frame,
  loadConfig,
  type RunningServer,
  type ServiceModule,
  serve,
  unary,
  withFrameCodec,
} from '../index.js';

export const NAME = 'armilla.crossmatch.v1.CrossmatchService';

/** What the scripted service does; by default Match echoes. */
export interface Script {
  explain?(request: ExplainRequest, context: CallContext): Promise<ExplainResponse>;
  match?(frames: AsyncIterable<Frame>, context: CallContext): AsyncIterable<Frame>;
  put?(frames: AsyncIterable<Frame>, context: CallContext): Promise<PutResponse>;
}

export interface Loopback {
  readonly server: RunningServer;
  readonly client: ConnectedClient<typeof CrossmatchServiceService>;
  /** Log lines so far. */
  readonly lines: string[];
  explain(settings?: CallSettings): Promise<ExplainResponse>;
  stop(): Promise<void>;
}

async function* echo(frames: AsyncIterable<Frame>): AsyncIterable<Frame> {
  for await (const frame of frames) yield frame;
}

/** A server with a scripted crossmatch service on a free port, and a client of it. */
export async function startLoopback(
  script: Script = {},
  flags: ConfigSources['flags'] = {},
  traits: Pick<ServiceModule, 'maxMessageBytes' | 'reasonInMessage'> = {},
): Promise<Loopback> {
  const lines: string[] = [];
  const handlers = {
    explain: unary(script.explain ?? (async () => ExplainResponse.fromPartial({}))),
    match: duplex(script.match ?? echo),
    put: clientStream(script.put ?? (async () => ({ table: undefined }))),
  };
  const config = loadConfig({ flags: { grpcAddress: '127.0.0.1:0', reflection: false, ...flags } });
  const log = createLogger({ logLevel: 'debug' }, (line) => lines.push(line));
  const service = {
    name: NAME,
    definition: withFrameCodec(CrossmatchServiceService),
    handlers: () => handlers,
    ...traits,
  };
  const server = await serve({ services: [service], config, log });
  const client = connect(CrossmatchServiceService, server.address);
  return {
    server,
    client,
    lines,
    explain: (settings) => callOnce((...rest) => client.explain(ExplainRequest.fromPartial({}), ...rest), settings),
    async stop() {
      client.close();
      await server.stop(1000);
    },
  };
}

/** The problem that `promise` fails with. */
export async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for what must come; the time limit of the test is its hang guard. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(5);
}
