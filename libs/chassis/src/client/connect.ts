import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials as grpcCredentials,
  makeGenericClientConstructor,
  type Metadata,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { RECEIVE_WINDOW_BYTES } from '../serve/window.js';
import { fitCollectorToStreams } from '../stream/collector.js';
import { type FramedService, withFrameCodec } from '../stream/service-codec.js';
import { traceClient } from '../telemetry/trace-client.js';

type UnaryCallback<Response> = (error: ServiceError | null, response?: Response) => void;

type ClientMethod<M> = M extends {
  requestStream: infer Q;
  responseStream: infer S;
  requestSerialize(value: infer Request): Buffer;
  responseDeserialize(bytes: Buffer): infer Response;
}
  ? Q extends true
    ? S extends true
      ? (metadata?: Metadata, options?: Partial<CallOptions>) => ClientDuplexStream<Request, Response>
      : (
          metadata: Metadata,
          options: Partial<CallOptions>,
          callback: UnaryCallback<Response>,
        ) => ClientWritableStream<Request>
    : S extends true
      ? (request: Request, metadata?: Metadata, options?: Partial<CallOptions>) => ClientReadableStream<Response>
      : (
          request: Request,
          metadata: Metadata,
          options: Partial<CallOptions>,
          callback: UnaryCallback<Response>,
        ) => ClientUnaryCall
  : never;

/** A grpc-js client of a service definition; ArrowFrame methods carry `Frame`. */
export type ConnectedClient<D> = Client & { readonly [M in keyof D]: ClientMethod<FramedService<D>[M]> };

export interface ConnectOptions {
  /** Largest message; default 4 MiB. */
  readonly maxMessageBytes?: number;
  /** Interval of the pings that find a dead server; default 30. */
  readonly keepaliveSeconds?: number;
  readonly channel?: ChannelOptions;
}

/** A client of `definition` at `target` ("127.0.0.1:7430", "dns:///host:port"), with the frame codec, 1 MiB windows, keepalive and trace context. Connects at the first call. */
export function connect<D extends object>(
  definition: D,
  target: string,
  credentials: ChannelCredentials = grpcCredentials.createInsecure(),
  options: ConnectOptions = {},
): ConnectedClient<D> {
  fitCollectorToStreams();
  const maxMessageBytes = options.maxMessageBytes ?? 4 * 1024 * 1024;
  const Constructor = makeGenericClientConstructor(withFrameCodec(definition) as ServiceDefinition, 'armilla');
  return new Constructor(target, credentials, {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.keepalive_time_ms': (options.keepaliveSeconds ?? 30) * 1000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Retries buffer what was written; a stream cannot be replayed anyway.
    'grpc.enable_retries': 0,
    'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
    ...options.channel,
    interceptors: [traceClient],
  }) as unknown as ConnectedClient<D>;
}
