import {
  clientStream,
  duplex,
  type Frame,
  serverStream,
  type ServiceContext,
  type ServiceModule,
  unary,
  withFrameCodec,
} from '@armilla/chassis';
import type { Dispatcher, Runtime } from '@armilla/gpu-core';
import {
  type ConeSearchRequest,
  CrossmatchServiceService,
  type DeleteTableRequest,
  type DeleteTableResponse,
  type ExplainRequest,
  type ExplainResponse,
  type GetEvidenceRequest,
  type GetResultRequest,
  type GetResultResponse,
  type GetTableRequest,
  type GetTableResponse,
  type ListTablesRequest,
  type ListTablesResponse,
  type PutResponse,
} from '@armilla/proto';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { coneFrames } from './service/cone.js';
import { CrossmatchCore } from './service/core.js';
import { protoTable } from './service/describe.js';
import { evidenceFrames } from './service/evidence.js';
import { explainRequest } from './service/explain.js';
import { flightService } from './service/flight/service.js';
import { matchFrames, matchTablesFrames, putFrames } from './service/frame-face.js';
import { StoredTables } from './stored-tables.js';

export { contentDigest } from './digest.js';
export { StoredTables, type StoredTableInfo, type StoredTablesOptions } from './stored-tables.js';

export interface CrossmatchServiceOptions {
  readonly runtime: Runtime;
  /** Sends matches to devices; it knows the operation sky.join. */
  readonly dispatcher?: Dispatcher;
  /** Tables to serve from the start on; the service owns them from then on. */
  readonly tables?: StoredTables;
}

/** The crossmatch service as `serve` hosts it, and its Arrow Flight face: one set of tables and results. */
export function crossmatchServices({ runtime, dispatcher, tables }: CrossmatchServiceOptions): ServiceModule[] {
  let core: CrossmatchCore | undefined;
  const coreOf = (context: ServiceContext): CrossmatchCore => {
    const quotaBytes = context.config.tableQuotaBytes || context.admission.stats().limitBytes / 2;
    const defaultTtlSeconds = context.config.tableTtlSeconds;
    core ??= new CrossmatchCore(
      runtime,
      tables ?? new StoredTables({ quotaBytes, defaultTtlSeconds }),
      context,
      dispatcher,
    );
    return core;
  };
  const frames: ServiceModule = {
    name: 'armilla.crossmatch.v1.CrossmatchService',
    definition: withFrameCodec(CrossmatchServiceService),
    handlers: (context) => frameHandlers(coreOf(context)),
    close: async () => (core?.stored ?? tables)?.[Symbol.asyncDispose](),
  };
  return [frames, flightService(coreOf)];
}

function frameHandlers(core: CrossmatchCore): UntypedServiceImplementation {
  const { stored, results } = core;
  return {
    put: clientStream<Frame, PutResponse>((frames, call) => putFrames(core, frames, call)),
    match: duplex<Frame, Frame>((frames, call) => matchFrames(core, frames, call)),
    matchTables: duplex<Frame, Frame>((frames, call) => matchTablesFrames(core, frames, call)),
    coneSearch: serverStream<ConeSearchRequest, Frame>((request, call) => coneFrames(core, request, call)),
    getEvidence: serverStream<GetEvidenceRequest, Frame>((request, call) => evidenceFrames(core, request, call)),
    explain: unary<ExplainRequest, ExplainResponse>((request) => explainRequest(core, request)),
    getTable: unary<GetTableRequest, GetTableResponse>(({ name }) => ({ table: protoTable(stored.get(name)) })),
    listTables: unary<ListTablesRequest, ListTablesResponse>(() => ({ tables: stored.list().map(protoTable) })),
    deleteTable: unary<DeleteTableRequest, DeleteTableResponse>(async ({ name }) => {
      await stored.delete(name);
      return {};
    }),
    getResult: unary<GetResultRequest, GetResultResponse>(({ requestId, rejectedLimit }, { principal }) =>
      results.get(requestId, rejectedLimit, principal),
    ),
  };
}
