import { status } from '@grpc/grpc-js';
import { type StatusName } from '@armilla/base';

/** gRPC's number of a status name. */
export function grpcCode(name: StatusName): status {
  return status[name];
}

/** The name of a gRPC status number; UNKNOWN for a number that gRPC does not have. */
export function grpcCodeName(code: number): StatusName | 'OK' {
  return (status[code] as StatusName | 'OK' | undefined) ?? 'UNKNOWN';
}
