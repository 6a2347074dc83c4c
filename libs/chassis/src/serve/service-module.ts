import { type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { type Meter, type Tracer } from '@opentelemetry/api';
import { type Config } from '../config/config.js';
import { type Admission } from '../limits/admission.js';
import { type Log } from '../log/logger.js';

/** What the server gives a service at its start. */
export interface ServiceContext {
  readonly config: Config;
  readonly log: Log;
  /** One for all services of the process: memory is shared. */
  readonly admission: Admission;
  readonly tracer: Tracer;
  readonly meter: Meter;
}

/** A service as `serve` hosts it. */
export interface ServiceModule {
  /** Full proto name, "armilla.crossmatch.v1.CrossmatchService". */
  readonly name: string;
  /** With `withFrameCodec` where frames travel. */
  readonly definition: ServiceDefinition | object;
  /** Made of `unary`, `clientStream`, `serverStream` and `duplex`. */
  handlers(context: ServiceContext): UntypedServiceImplementation;
  /** Largest message of its calls, where it is not `max_message_bytes`. */
  maxMessageBytes?(config: Config): number;
  /**
   * Put the reason behind the message of a status: for clients that do not show their user the details of a status. With
   * the request header `armilla-errors: json` the message is a JSON object of reason, message and fields instead.
   */
  readonly reasonInMessage?: boolean;
  /** Called once, when no call runs any more. */
  close?(): Promise<void>;
}
