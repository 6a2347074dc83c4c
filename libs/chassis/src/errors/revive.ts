import { type ServiceError, status } from '@grpc/grpc-js';
import { Problem, type ReasonName, REASONS } from '@armilla/base';
import { ErrorInfo, RpcStatus } from '@armilla/proto';
import { grpcCodeName } from './grpc-code.js';
import { DETAILS_KEY, ERROR_DOMAIN } from './status.js';

/** The Problem that a server sent, with its reason and fields; of a foreign or transport failure, the nearest reason. */
export function statusToProblem(error: Pick<ServiceError, 'code' | 'details' | 'metadata'>): Problem {
  return readDetails(error) ?? fromCode(error);
}

function readDetails(error: Pick<ServiceError, 'code' | 'details' | 'metadata'>): Problem | undefined {
  const value = error.metadata?.get(DETAILS_KEY)[0];
  if (!(value instanceof Uint8Array)) return undefined;
  const info = decodeErrorInfo(value);
  if (!info || info.domain !== ERROR_DOMAIN || !Object.hasOwn(REASONS, info.reason)) return undefined;
  return new Problem(info.reason as ReasonName, info.metadata, error.details);
}

function decodeErrorInfo(bytes: Uint8Array): ErrorInfo | undefined {
  try {
    const entry = RpcStatus.decode(bytes).details.find((detail) => detail.typeUrl.endsWith('/google.rpc.ErrorInfo'));
    return entry && ErrorInfo.decode(entry.value);
  } catch {
    // Details of another server may be anything; the status code still says what happened.
    return undefined;
  }
}

function fromCode({ code, details }: { code: number; details: string }): Problem {
  const make = (reason: ReasonName, fields: Record<string, string>, message: string): Problem =>
    new Problem(reason, fields, message);
  switch (code) {
    case status.CANCELLED:
      return make('CANCELLED', { detail: details }, `the call was cancelled (${details})`);
    case status.DEADLINE_EXCEEDED:
      return make('DEADLINE_EXCEEDED', { detail: details }, `the deadline passed (${details})`);
    case status.UNAVAILABLE:
      return make(
        'SERVER_UNAVAILABLE',
        { target: 'the server', detail: details },
        `the server cannot be reached: ${details}`,
      );
    case status.RESOURCE_EXHAUSTED:
      // What grpc-js says of a stream reset with ENHANCE_YOUR_CALM, which a server of ours does to a slow reader only.
      if (details.startsWith('Bandwidth exhausted'))
        return make(
          'READER_TOO_SLOW',
          { detail: details },
          'the reader took the result too slowly; the server ended the call',
        );
      return details.includes('larger than')
        ? make('MESSAGE_TOO_LARGE', { where: 'gRPC message', detail: details }, details)
        : make('SERVER_BUSY', { detail: details }, `the server has no room: ${details}`);
    case status.UNAUTHENTICATED:
      return make('UNAUTHENTICATED', { detail: details }, details);
    case status.PERMISSION_DENIED:
      return make('PERMISSION_DENIED', { detail: details }, details);
    case status.UNIMPLEMENTED:
      return make('METHOD_NOT_ALLOWED', { detail: details }, details);
    case status.INVALID_ARGUMENT:
      return make('REQUEST_INVALID', { detail: details }, details);
    default:
      return make('INTERNAL', { detail: details }, `the server failed with ${grpcCodeName(code)}: ${details}`);
  }
}
