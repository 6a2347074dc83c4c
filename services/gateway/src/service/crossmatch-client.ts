import { callMetadata, callOnce, callOptions, connect, type ConnectedClient, type Frame } from '@armilla/chassis';
import {
  type ConeSearchRequest,
  CrossmatchServiceService,
  type ExplainRequest,
  type ExplainResponse,
  type GetEvidenceRequest,
  type GetResultRequest,
  type GetResultResponse,
  type GetTableResponse,
  type HealthCheckResponse,
  HealthService,
  type ListTablesResponse,
  type PutResponse,
} from '@armilla/proto';
import type { ChannelCredentials, ClientDuplexStream, ClientReadableStream, ClientWritableStream } from '@grpc/grpc-js';
import type { Exchange } from '../http/exchange.js';
import { cancelWith, settingsOf } from './call-settings.js';

/** The crossmatch service as the gateway calls it: each call carries the exchange's id, trace, token and deadline, and ends with it. */
export class CrossmatchClient {
  readonly #client: ConnectedClient<typeof CrossmatchServiceService>;
  readonly #health: ConnectedClient<typeof HealthService>;

  constructor(
    readonly target: string,
    credentials?: ChannelCredentials,
  ) {
    this.#client = connect(CrossmatchServiceService, target, credentials);
    this.#health = connect(HealthService, target, credentials);
  }

  match(exchange: Exchange): ClientDuplexStream<Frame, Frame> {
    const settings = settingsOf(exchange);
    const call = exchange.within(() => this.#client.match(callMetadata(settings), callOptions(settings)));
    cancelWith(exchange.signal, call);
    return call;
  }

  matchTables(exchange: Exchange): ClientDuplexStream<Frame, Frame> {
    const settings = settingsOf(exchange);
    const call = exchange.within(() => this.#client.matchTables(callMetadata(settings), callOptions(settings)));
    cancelWith(exchange.signal, call);
    return call;
  }

  coneSearch(exchange: Exchange, request: ConeSearchRequest): ClientReadableStream<Frame> {
    const settings = settingsOf(exchange);
    const call = exchange.within(() => this.#client.coneSearch(request, callMetadata(settings), callOptions(settings)));
    cancelWith(exchange.signal, call);
    return call;
  }

  /** The writing side of a Put, and its reply. */
  put(exchange: Exchange): { call: ClientWritableStream<Frame>; response: Promise<PutResponse> } {
    const opened: { call?: ClientWritableStream<Frame> } = {};
    const response = exchange.within(() =>
      callOnce<PutResponse>((...rest) => (opened.call = this.#client.put(...rest)), settingsOf(exchange)),
    );
    if (opened.call === undefined) throw exchange.signal.reason;
    return { call: opened.call, response };
  }

  getEvidence(exchange: Exchange, request: GetEvidenceRequest): ClientReadableStream<Frame> {
    const settings = settingsOf(exchange);
    const call = exchange.within(() =>
      this.#client.getEvidence(request, callMetadata(settings), callOptions(settings)),
    );
    cancelWith(exchange.signal, call);
    return call;
  }

  explain(exchange: Exchange, request: ExplainRequest): Promise<ExplainResponse> {
    return exchange.within(() => callOnce((...rest) => this.#client.explain(request, ...rest), settingsOf(exchange)));
  }

  getTable(exchange: Exchange, name: string): Promise<GetTableResponse> {
    return exchange.within(() => callOnce((...rest) => this.#client.getTable({ name }, ...rest), settingsOf(exchange)));
  }

  listTables(exchange: Exchange): Promise<ListTablesResponse> {
    return exchange.within(() => callOnce((...rest) => this.#client.listTables({}, ...rest), settingsOf(exchange)));
  }

  async deleteTable(exchange: Exchange, name: string): Promise<void> {
    await exchange.within(() =>
      callOnce((...rest) => this.#client.deleteTable({ name }, ...rest), settingsOf(exchange)),
    );
  }

  getResult(exchange: Exchange, request: GetResultRequest): Promise<GetResultResponse> {
    return exchange.within(() => callOnce((...rest) => this.#client.getResult(request, ...rest), settingsOf(exchange)));
  }

  /** grpc.health.v1 of the service; needs no token. */
  checkHealth(signal: AbortSignal, deadlineMs: number): Promise<HealthCheckResponse> {
    return callOnce((...rest) => this.#health.check({ service: '' }, ...rest), { signal, deadlineMs });
  }

  close(): void {
    this.#client.close();
    this.#health.close();
  }
}
