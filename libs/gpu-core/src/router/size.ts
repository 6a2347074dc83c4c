import { fail } from '@armilla/base';

/** How large a call is, whatever the operation; each operation derives it from its own shapes. */
export interface OpSize {
  /** Elementary steps as the operation counts them; only ratios matter. */
  readonly work: number;
  /** Bytes of all operands. */
  readonly bytesIn: number;
  /** Bytes of the results. */
  readonly bytesOut: number;
}

/** Size of an operation for one number, for example the edge of a square matrix. */
export type SizeOf = (n: number) => OpSize;

/** What a bare call takes: operands on the host, those in `kept` also where they say, the result wanted on the host. */
export function requestOf(operation: string, dtype: string, size: OpSize, kept: readonly Operand[] = []): RouteRequest {
  const onHost = size.bytesIn - kept.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    operation,
    dtype,
    work: size.work,
    operands: [{ bytes: Math.max(0, onHost) }, ...kept],
    bytesOut: size.bytesOut,
  };
}

export interface Operand {
  readonly bytes: number;
  /** Memories that hold it (`RouterDevice.memory`); default ["host"]. */
  readonly at?: readonly string[];
}

export interface RouteRequest {
  readonly operation: string;
  readonly dtype: string;
  /** Elementary steps, >= 0. */
  readonly work: number;
  readonly operands: readonly Operand[];
  /** Bytes of the results, >= 0. */
  readonly bytesOut: number;
  /** Memory that wants the result; default "host"; null: it stays where it was computed. */
  readonly resultAt?: string | null;
  /** Memory that the call takes at once; default: operands and results. */
  readonly memoryBytes?: number;
  /** Memory of the smallest piece the call can be cut into; default 0 (any cut); `memoryBytes` forbids cuts. */
  readonly smallestPieceBytes?: number;
  /** Ids of devices that have no memory for it now. */
  readonly full?: readonly string[];
  /** Why devices cannot be used now, by id. They are passed over, unless no other may take the call. */
  readonly gone?: Readonly<Record<string, string>>;
  /** Ids of the devices that have a backend for it; default all. */
  readonly devices?: readonly string[];
  /** Why others have none, by id, where there is something to say. */
  readonly faults?: Readonly<Record<string, string>>;
  /** Why devices take it only where a rule names them, by id. */
  readonly ruleOnly?: Readonly<Record<string, string>>;
  /** Override of this call: the id or the kind of a device. */
  readonly device?: string;
  /** Time left, ms. */
  readonly deadlineMs?: number;
}

/** More than any call has, and far from where predictions overflow. */
const LARGEST = 1e30;

/** Throws OPTION_INVALID for a size outside [0, 1e30]. */
export function checkRequest(request: RouteRequest): void {
  checkSize('work', request.work);
  checkSize('bytesOut', request.bytesOut);
  for (const operand of request.operands) checkSize('operands.bytes', operand.bytes);
  if (request.memoryBytes !== undefined) checkSize('memoryBytes', request.memoryBytes);
  if (request.smallestPieceBytes !== undefined) checkSize('smallestPieceBytes', request.smallestPieceBytes);
  if (request.deadlineMs !== undefined && Number.isNaN(request.deadlineMs))
    throw fail('OPTION_INVALID', { field: 'deadlineMs', expected: 'a number', got: 'NaN' });
}

function checkSize(field: string, value: number): void {
  if (!(value >= 0 && value <= LARGEST))
    throw fail('OPTION_INVALID', { field, expected: `a number in [0, ${LARGEST}]`, got: String(value) });
}

/** Bytes that must move if the call runs on a device with that memory; pieces of a call are made of what the host has. */
export function bytesToMove(request: RouteRequest, memory: string, chunkCount = 1): number {
  let bytes = 0;
  for (const { bytes: size, at } of request.operands) {
    const there = at === undefined ? memory === 'host' : at.includes(memory);
    if (!there || (chunkCount > 1 && memory !== 'host')) bytes += size;
  }
  const wanted = request.resultAt === undefined ? 'host' : request.resultAt;
  return wanted === null || wanted === memory ? bytes : bytes + request.bytesOut;
}

/** Memory that the whole call takes at once. */
export function memoryOf(request: RouteRequest): number {
  if (request.memoryBytes !== undefined) return request.memoryBytes;
  let bytes = request.bytesOut;
  for (const operand of request.operands) bytes += operand.bytes;
  return bytes;
}
