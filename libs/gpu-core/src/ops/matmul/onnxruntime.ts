import { fail } from '@armilla/base';
import type { Runtime } from '../../runtime/runtime.js';
import type { Execution } from '../host/execution.js';
import { type Floats, typeName, newArray, valuesOf } from '../host/operand.js';
import { matmulModel } from './onnx-model.js';
import type { BatchedMatmulInput } from './shape.js';

/** The part of onnxruntime-node in use. It is an optional dependency, so its own types may be absent. */
interface Onnxruntime {
  readonly Tensor: new (type: 'float32' | 'float64', data: Floats, dims: readonly number[]) => object;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<Session>;
  };
}

interface Session {
  run(feeds: Record<string, object>, fetches: Record<string, object>): Promise<unknown>;
}

/**
 * Multiplications of one call of the library, which keeps this thread until it is done: about 10 ms on two cores, so that
 * timers, sockets and cancellation get their turn.
 */
const CALL_STEPS = 2 ** 30;

const sessions = new WeakMap<Runtime, Map<string, Promise<Session>>>();
let loaded: Promise<Onnxruntime> | undefined;

/** Why the backend is not there, or undefined. */
export async function onnxruntimeFault(): Promise<string | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    return String((error as Error).message ?? error);
  }
}

/** By the matrix product of ONNX Runtime on the CPU. Throws BACKEND_UNAVAILABLE where its package is not installed. */
export async function onnxruntimeMatmul<T extends Floats>(
  execution: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
): Promise<T> {
  const library = await load();
  const left = unshared(valuesOf(input.left));
  const right = unshared(valuesOf(input.right));
  const given = input.out === undefined ? undefined : valuesOf(input.out);
  const out = given === undefined || isShared(given) ? newArray(input.left, outLength) : given;
  const type = typeName(left) === 'f32' ? 'float32' : 'float64';
  let [leftAt, rightAt, outAt] = [0, 0, 0];
  for (const { batchCount, rowCount, innerCount, columnCount } of input.groups) {
    const [leftSize, rightSize, outSize] = [rowCount * innerCount, innerCount * columnCount, rowCount * columnCount];
    const single = batchCount === 1;
    // Pieces of a call: rows of a single product, else products.
    const pieceCount = single ? rowCount : batchCount;
    const pieceSteps = outSize * innerCount * (single ? 1 / Math.max(1, rowCount) : 1);
    const perCall = Math.max(1, Math.floor(CALL_STEPS / Math.max(1, pieceSteps)));
    if (innerCount === 0) out.fill(0, outAt, outAt + batchCount * outSize);
    else if (outSize > 0 && batchCount > 0) {
      const session = await sessionOf(library, execution, typeName(left) === 'f32' ? 'f32' : 'f64', !single);
      for (let first = 0; first < pieceCount; first += perCall) {
        execution.signal?.throwIfAborted();
        const count = Math.min(perCall, pieceCount - first);
        const [a, c] = single ? [innerCount, columnCount] : [leftSize, outSize];
        const tensor = (values: Floats, at: number, length: number, shape: number[]): object =>
          new library.Tensor(type, values.subarray(at, at + length), shape);
        const b = single ? 0 : first * rightSize;
        const bLength = single ? rightSize : count * rightSize;
        await session.run(
          {
            a: tensor(
              left,
              leftAt + first * a,
              count * a,
              single ? [count, innerCount] : [count, rowCount, innerCount],
            ),
            b: tensor(
              right,
              rightAt + b,
              bLength,
              single ? [innerCount, columnCount] : [count, innerCount, columnCount],
            ),
          },
          {
            c: tensor(
              out,
              outAt + first * c,
              count * c,
              single ? [count, columnCount] : [count, rowCount, columnCount],
            ),
          },
        );
      }
    }
    leftAt += batchCount * leftSize;
    rightAt += batchCount * rightSize;
    outAt += batchCount * outSize;
  }
  if (given === undefined || given === out) return out as T;
  given.set(out);
  return given;
}

function load(): Promise<Onnxruntime> {
  loaded ??= import(/* @vite-ignore */ PACKAGE).then(
    (module: { default?: Onnxruntime } & Onnxruntime) => module.default ?? module,
    (cause: Error) => {
      const detail =
        (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
          ? `the package ${PACKAGE} is not installed; install it with npm install ${PACKAGE}`
          : cause.message.split('\n', 1)[0];
      throw fail('BACKEND_UNAVAILABLE', { backend: 'onnxruntime', operation: 'gpu.matmul', detail }, { cause });
    },
  );
  return loaded;
}

const PACKAGE: string = 'onnxruntime-node';

/** One session for each type, rank and number of threads, as long as the runtime lives. */
function sessionOf(
  library: Onnxruntime,
  { runtime, workerCount }: Execution,
  type: 'f32' | 'f64',
  batched: boolean,
): Promise<Session> {
  const threads = Math.min(workerCount ?? runtime.workerCount, runtime.workerCount);
  const key = `${type}-${batched}-${threads}`;
  let known = sessions.get(runtime);
  if (known === undefined) sessions.set(runtime, (known = new Map()));
  let session = known.get(key);
  if (session === undefined) {
    session = library.InferenceSession.create(matmulModel(type, batched), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Waiting threads would take the cores from the workers of the runtime.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    known.set(key, session);
  }
  return session;
}

function isShared(values: Floats): boolean {
  return values.buffer instanceof SharedArrayBuffer;
}

/** The library takes no shared memory. */
function unshared<T extends Floats>(values: T): T {
  return isShared(values) ? (values.slice() as T) : values;
}
