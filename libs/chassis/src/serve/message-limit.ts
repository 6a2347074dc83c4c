import { type ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** What is used of the private side of a grpc-js call; tests hold it. */
interface LimitedCall {
  maxReceiveMessageSize: number;
  maxSendMessageSize: number;
  readonly decoder: { maxReadMessageLength: number; readonly readState: number };
}

/** Between two messages. */
const NO_DATA = 0;

/** Lets one call send and receive messages of up to `bytes`, whatever the server's limit is: grpc-js knows only that one. */
export function limitMessages(inner: ServerInterceptingCallInterface, bytes: number): void {
  const call = inner as unknown as LimitedCall;
  call.maxReceiveMessageSize = bytes;
  call.maxSendMessageSize = bytes;
  call.decoder.maxReadMessageLength = bytes;
}

/** Whether the request stream stands within a message; grpc-js passes over the begin of a message that never ends. */
export function isWithinMessage(inner: ServerInterceptingCallInterface): boolean {
  return (inner as unknown as LimitedCall).decoder.readState !== NO_DATA;
}
