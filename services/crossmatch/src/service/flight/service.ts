import { fail } from '@armilla/base';
import {
  type CallContext,
  duplex,
  type FlightMessage,
  serverStream,
  type ServiceContext,
  type ServiceModule,
  unary,
  withFrameCodec,
} from '@armilla/chassis';
import {
  type FlightAction,
  type FlightActionType,
  type FlightCriteria,
  type FlightDescriptor,
  type FlightEmpty,
  type FlightHandshakeRequest,
  type FlightHandshakeResponse,
  type FlightInfo,
  type FlightPutResult,
  type FlightResult,
  type FlightSchemaResult,
  FlightServiceService,
  type FlightTicket,
} from '@armilla/proto';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { CrossmatchCore, Grow } from '../core.js';
import { storedBatches, storedSchema } from '../../stored-reader.js';
import { listActions, runAction } from './actions.js';
import { readDescriptor } from './descriptor.js';
import { FlightEncoder } from './flight-messages.js';
import { FlightUpload } from './flight-upload.js';
import { jsonBytes, matchInfo, schemaBytes, storedTableJson, tableInfo } from './info.js';
import { JsonFields } from './json-fields.js';
import { matchSent, matchStored, storedMatchSchema } from './matches.js';
import { matchStoredTables, storedTablesSchema } from './tables.js';
import { readPut } from './put-command.js';

const NAME = 'arrow.flight.protocol.FlightService';

/** The Arrow Flight face: the same tables and matches for clients that speak Flight. `coreOf` is asked once. */
export function flightService(coreOf: (context: ServiceContext) => CrossmatchCore): ServiceModule {
  return {
    name: NAME,
    definition: withFrameCodec(FlightServiceService),
    handlers: (context) => flightHandlers(coreOf(context)),
    maxMessageBytes: ({ maxFlightMessageBytes }) => maxFlightMessageBytes,
    reasonInMessage: true,
  };
}

function flightHandlers(core: CrossmatchCore): UntypedServiceImplementation {
  return {
    handshake: duplex<FlightHandshakeRequest, FlightHandshakeResponse>(refuseHandshake),
    listFlights: serverStream<FlightCriteria, FlightInfo>((criteria) => listFlights(core, criteria)),
    getFlightInfo: unary<FlightDescriptor, FlightInfo>((descriptor, call) => flightInfo(core, descriptor, call)),
    getSchema: unary<FlightDescriptor, FlightSchemaResult>((descriptor, call) => ({
      schema: flightInfo(core, descriptor, call).schema,
    })),
    doGet: serverStream<FlightTicket, FlightMessage>((ticket, call) => get(core, ticket, call)),
    doPut: duplex<FlightMessage, FlightPutResult>((messages, call) => put(core, messages, call)),
    doExchange: duplex<FlightMessage, FlightMessage>((messages, call) => exchange(core, messages, call)),
    doAction: serverStream<FlightAction, FlightResult>(async function* (action, call) {
      yield { body: jsonBytes(await runAction(core, action, call)) };
    }),
    listActions: serverStream<FlightEmpty, FlightActionType>(async function* () {
      yield* listActions();
    }),
  };
}

async function* refuseHandshake(): AsyncGenerator<FlightHandshakeResponse, void, undefined> {
  throw fail('METHOD_NOT_ALLOWED', {
    method: 'Handshake',
    path: NAME,
    allowed: 'the header "authorization: Bearer TOKEN" with each call',
  });
}

async function* listFlights(
  { stored }: CrossmatchCore,
  { expression }: FlightCriteria,
): AsyncGenerator<FlightInfo, void, undefined> {
  const prefix = Buffer.from(expression).toString('utf8');
  for (const info of stored.list()) if (info.name.startsWith(prefix)) yield tableInfo(info);
}

function flightInfo(core: CrossmatchCore, descriptor: FlightDescriptor, { requestId }: CallContext): FlightInfo {
  const described = readDescriptor(descriptor);
  if ('table' in described) return tableInfo(core.stored.get(described.table));
  const { command } = described;
  if ('tables' in command) return matchInfo(descriptor, storedTablesSchema(core, command, requestId), true);
  if (!('table' in command)) {
    const { schema, ordered } = storedMatchSchema(core, command, requestId);
    return matchInfo(descriptor, schema, ordered);
  }
  const { name, columns } = readTable(command);
  const stored = core.stored.get(name);
  const info = tableInfo(stored);
  if (columns === undefined) return info;
  const endpoint = [{ ...info.endpoint[0], ticket: { ticket: descriptor.cmd } }];
  const schema = schemaBytes(storedSchema(stored.table, columns));
  return { ...info, flightDescriptor: descriptor, schema, totalBytes: -1n, endpoint };
}

async function* get(
  core: CrossmatchCore,
  { ticket }: FlightTicket,
  call: CallContext,
): AsyncGenerator<FlightMessage, void, undefined> {
  const command = JsonFields.parse(ticket, 'the ticket');
  if ('tables' in command) return yield* matchStoredTables(core, command, call);
  if (!('table' in command)) return yield* matchStored(core, command, call);
  const { name, columns } = readTable(command);
  await using lease = core.stored.use(name);
  const { table } = lease.info;
  const encoder = new FlightEncoder(storedSchema(table, columns));
  yield encoder.schemaMessage();
  for (const batch of storedBatches(table, columns)) yield* encoder.encode(batch);
}

async function* put(
  core: CrossmatchCore,
  messages: AsyncIterable<FlightMessage>,
  call: CallContext,
): AsyncGenerator<FlightPutResult, void, undefined> {
  using upload = await FlightUpload.begin(messages);
  const options = readPut(upload);
  const sent = async (grow: Grow) => ({
    reader: await upload.open(`table '${options.name}'`, {
      call,
      room: (onTheWayBytes) => grow(upload.receivedBytes + onTheWayBytes),
      rowCount: options.rowCount,
    }),
    get receivedBytes() {
      return upload.receivedBytes;
    },
    // A table of Flight ends with its stream: nothing can come behind it.
    finish: async () => undefined,
  });
  yield { appMetadata: jsonBytes(storedTableJson(await core.store(options, sent, call))) };
}

async function* exchange(
  core: CrossmatchCore,
  messages: AsyncIterable<FlightMessage>,
  call: CallContext,
): AsyncGenerator<FlightMessage, void, undefined> {
  using upload = await FlightUpload.begin(messages);
  const described = readDescriptor(upload.descriptor);
  const named = 'table' in described ? { right: described.table } : described.command;
  yield* matchSent(core, upload, { ...named, ...upload.options }, call);
}

function readTable(command: Record<string, unknown>): { name: string; columns: string[] | undefined } {
  const fields = new JsonFields(command);
  const name = fields.text('table') ?? '';
  const columns = fields.list('columns');
  fields.end();
  return { name, columns };
}
