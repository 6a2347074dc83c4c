import { callMetadata, callOnce, callOptions, connect, type ConnectedClient } from '@armilla/chassis';
import {
  type GetProfileRequest,
  type GetProfileResponse,
  type GetStatusResponse,
  type ListDecisionsRequest,
  type ListDecisionsResponse,
  type RuntimeExplainRequest,
  type RuntimeExplainResponse,
  RuntimeServiceService,
} from '@armilla/proto';
import type { ChannelCredentials, ClientReadableStream } from '@grpc/grpc-js';
import type { Exchange } from '../http/exchange.js';
import { cancelWith, settingsOf } from './call-settings.js';

/** The runtime service as the gateway calls it: each call carries the exchange's id, trace, token and deadline, and ends with it. */
export class RuntimeClient {
  readonly #client: ConnectedClient<typeof RuntimeServiceService>;

  constructor(target: string, credentials?: ChannelCredentials) {
    this.#client = connect(RuntimeServiceService, target, credentials);
  }

  getStatus(exchange: Exchange): Promise<GetStatusResponse> {
    return exchange.within(() => callOnce((...rest) => this.#client.getStatus({}, ...rest), settingsOf(exchange)));
  }

  getProfile(exchange: Exchange, request: GetProfileRequest): ClientReadableStream<GetProfileResponse> {
    const settings = settingsOf(exchange);
    const call = exchange.within(() => this.#client.getProfile(request, callMetadata(settings), callOptions(settings)));
    cancelWith(exchange.signal, call);
    return call;
  }

  listDecisions(exchange: Exchange, request: ListDecisionsRequest): Promise<ListDecisionsResponse> {
    return exchange.within(() =>
      callOnce((...rest) => this.#client.listDecisions(request, ...rest), settingsOf(exchange)),
    );
  }

  explain(exchange: Exchange, request: RuntimeExplainRequest): Promise<RuntimeExplainResponse> {
    return exchange.within(() => callOnce((...rest) => this.#client.explain(request, ...rest), settingsOf(exchange)));
  }

  close(): void {
    this.#client.close();
  }
}
