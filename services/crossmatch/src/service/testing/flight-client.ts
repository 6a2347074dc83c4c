import {
  callOnce,
  connect,
  type ConnectedClient,
  type FlightMessage,
  makeFlightMessage,
  readFrames,
  writeFrame,
} from '@armilla/chassis';
import {
  FlightCriteria,
  FlightDescriptor,
  FlightDescriptorType,
  type FlightInfo,
  type FlightPutResult,
  type FlightResult,
  FlightServiceService,
} from '@armilla/proto';
import { MessageDecoder, MessageEncoder } from '@armilla/tables';
import type { Metadata } from '@grpc/grpc-js';
import type { RecordBatch, Schema, Table } from 'apache-arrow';
import type { Readable, Writable } from 'node:stream';

export type FlightClient = ConnectedClient<typeof FlightServiceService>;

export const connectFlight = (address: string): FlightClient =>
  connect(FlightServiceService, address, undefined, { maxMessageBytes: 2 ** 30 });

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const byPath = (...path: string[]): FlightDescriptor =>
  FlightDescriptor.fromPartial({ type: FlightDescriptorType.PATH, path });

export const byCommand = (command: unknown): FlightDescriptor =>
  FlightDescriptor.fromPartial({ type: FlightDescriptorType.CMD, cmd: json(command) });

/** The messages of a table, the descriptor (and options) in the first. */
export function* tableMessages(
  table: Table,
  descriptor: FlightDescriptor,
  options?: unknown,
  batchRowCount = 1000,
): Generator<FlightMessage> {
  const encoder = new MessageEncoder(table.schema);
  const metadata = options === undefined ? undefined : json(options);
  yield makeFlightMessage({ ...encoder.schemaMessage(), descriptor, metadata });
  for (let from = 0; from < table.numRows; from += batchRowCount) {
    for (const batch of table.slice(from, from + batchRowCount).batches)
      for (const message of encoder.encode(batch)) yield makeFlightMessage(message);
  }
}

/** Sends the messages, then half-closes; a failure is told by the answer. */
export async function sendMessages(call: Writable, messages: Iterable<FlightMessage>): Promise<void> {
  try {
    for (const message of messages) await writeFrame(call, message);
    call.end();
  } catch {
    // The answer says why.
  }
}

export interface FlightAnswer {
  readonly schema: Schema;
  readonly batches: RecordBatch[];
  /** What came as app_metadata. */
  readonly events: Record<string, unknown>[];
  /** Of each message with a body. */
  readonly bodyLengths: number[];
}

/** Reads rows to the end; throws the server's Problem. */
export async function receiveRows(call: Readable, onBatch?: (batch: RecordBatch) => void): Promise<FlightAnswer> {
  const decoder = new MessageDecoder({ where: 'answer' });
  const batches: RecordBatch[] = [];
  const events: Record<string, unknown>[] = [];
  const bodyLengths: number[] = [];
  for await (const message of readFrames<FlightMessage>(call)) {
    if (message.metadata) events.push(JSON.parse(String(message.metadata)) as Record<string, unknown>);
    if (message.header.byteLength === 0) continue;
    if (message.bodyLength > 0) bodyLengths.push(message.bodyLength);
    const batch = decoder.decode(message);
    if (!batch) continue;
    batches.push(batch);
    onBatch?.(batch);
  }
  decoder.finish();
  return { schema: decoder.schema as Schema, batches, events, bodyLengths };
}

async function all<T>(call: Readable): Promise<T[]> {
  const items: T[] = [];
  for await (const item of readFrames<T>(call)) items.push(item);
  return items;
}

/** What DoPut answers, as JSON. */
export async function putMessages(
  client: FlightClient,
  messages: Iterable<FlightMessage>,
  metadata?: Metadata,
): Promise<Record<string, unknown>> {
  const call = client.doPut(metadata);
  const answer = all<FlightPutResult>(call);
  void sendMessages(call, messages);
  const [result] = await answer;
  return JSON.parse(String(result.appMetadata)) as Record<string, unknown>;
}

export const putTable = (
  client: FlightClient,
  name: string,
  table: Table,
  options: Record<string, unknown> = {},
): Promise<Record<string, unknown>> => putMessages(client, tableMessages(table, byPath(name), options));

export const getRows = (client: FlightClient, ticket: unknown, metadata?: Metadata): Promise<FlightAnswer> =>
  receiveRows(client.doGet({ ticket: json(ticket) }, metadata));

/** Sends the left table and receives the matches. */
export async function exchangeMessages(
  client: FlightClient,
  messages: Iterable<FlightMessage>,
  metadata?: Metadata,
): Promise<FlightAnswer> {
  const call = client.doExchange(metadata);
  const answer = receiveRows(call);
  void sendMessages(call, messages);
  return answer;
}

export async function act(
  client: FlightClient,
  type: string,
  body: unknown = {},
  metadata?: Metadata,
): Promise<Record<string, unknown>> {
  const [result] = await all<FlightResult>(client.doAction({ type, body: json(body) }, metadata));
  return JSON.parse(String(result.body)) as Record<string, unknown>;
}

export const flights = (client: FlightClient, prefix = ''): Promise<FlightInfo[]> =>
  all<FlightInfo>(client.listFlights(FlightCriteria.fromPartial({ expression: Buffer.from(prefix) })));

export const infoOf = (client: FlightClient, descriptor: FlightDescriptor): Promise<FlightInfo> =>
  callOnce((...rest) => client.getFlightInfo(descriptor, ...rest));

/** The schema of an encapsulated message. */
export function schemaOf(encapsulated: Uint8Array): Schema {
  const decoder = new MessageDecoder({ where: 'schema' });
  decoder.decode({ header: encapsulated.subarray(8), body: [], bodyLength: 0 });
  return decoder.schema as Schema;
}
