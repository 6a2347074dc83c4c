import { type MethodDefinition, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { ArrowFrame } from '@armilla/proto';
import { type Frame } from './frame.js';
import { receiveFrame, sendFrame } from './frame-codec.js';

/** `T`, or Frame where the generated code says ArrowFrame. */
type Framed<T> = T extends ArrowFrame ? Frame : T;

/** A service definition whose ArrowFrame methods carry `Frame`. */
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
 * The definition with the hand codec in place of the generated one wherever ArrowFrame travels. `methods` limits it to
 * those; without, all methods are looked at.
 */
export function withFrameCodec<D extends ServiceDefinition<UntypedServiceImplementation> | object>(
  definition: D,
  ...methods: (keyof D & string)[]
): FramedService<D> {
  const entries = Object.entries(definition as ServiceDefinition).map(([name, method]) => {
    if (methods.length > 0 && !(methods as string[]).includes(name)) return [name, method];
    return [
      name,
      {
        ...method,
        ...(carriesFrames(method.requestDeserialize) && {
          requestSerialize: sendFrame,
          requestDeserialize: receiveFrame,
        }),
        ...(carriesFrames(method.responseDeserialize) && {
          responseSerialize: sendFrame,
          responseDeserialize: receiveFrame,
        }),
      },
    ];
  });
  return Object.fromEntries(entries) as FramedService<D>;
}

/** The generated definitions name no types at run time, but an empty message decodes to an object with its fields. */
function carriesFrames(deserialize: (bytes: Buffer) => unknown): boolean {
  const empty = deserialize(Buffer.alloc(0)) as Partial<ArrowFrame>;
  return empty.dataBody !== undefined && empty.dataHeader !== undefined;
}
