import { type MethodDefinition, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { type ArrowFrame, type FlightData } from '@armilla/proto';
import { receiveFlightMessage, sendFlightMessage } from './flight-codec.js';
import { type FlightMessage } from './flight-message.js';
import { type Frame } from './frame.js';
import { receiveFrame, sendFrame } from './frame-codec.js';

/** `T`, or Frame and FlightMessage where the generated code says ArrowFrame and FlightData. */
type Framed<T> = T extends ArrowFrame ? Frame : T extends FlightData ? FlightMessage : T;

/** A service definition whose ArrowFrame methods carry `Frame`, and whose FlightData methods carry `FlightMessage`. */
export type FramedService<D> = {
  readonly [M in keyof D]: D[M] extends {
    path: infer P extends string;
    requestStream: infer Q extends boolean;
    responseStream: infer S extends boolean;
    requestSerialize(value: infer Request): Buffer;
    responseSerialize(value: infer Response): Buffer;
  }
    ? MethodDefinition<Framed<Request>, Framed<Response>> & { path: P; requestStream: Q; responseStream: S }
    : never;
};

/**
 * The definition with the hand codecs in place of the generated ones wherever ArrowFrame or FlightData travels. `methods`
 * limits it to those; without, all methods are looked at.
 */
export function withFrameCodec<D extends ServiceDefinition<UntypedServiceImplementation> | object>(
  definition: D,
  ...methods: (keyof D & string)[]
): FramedService<D> {
  const entries = Object.entries(definition as ServiceDefinition).map(([name, method]) => {
    if (methods.length > 0 && !(methods as string[]).includes(name)) return [name, method];
    const request = handCodec(method.requestDeserialize);
    const response = handCodec(method.responseDeserialize);
    return [
      name,
      {
        ...method,
        ...(request && { requestSerialize: request.send, requestDeserialize: request.receive }),
        ...(response && { responseSerialize: response.send, responseDeserialize: response.receive }),
      },
    ];
  });
  return Object.fromEntries(entries) as FramedService<D>;
}

/** The generated definitions name no types at run time, but an empty message decodes to an object with its fields. */
function handCodec(deserialize: (bytes: Buffer) => unknown) {
  const empty = deserialize(Buffer.alloc(0)) as Partial<ArrowFrame>;
  if (empty.dataBody === undefined || empty.dataHeader === undefined) return undefined;
  return empty.table === undefined
    ? { send: sendFlightMessage, receive: receiveFlightMessage }
    : { send: sendFrame, receive: receiveFrame };
}
