import { type FlightDescriptor, FlightDescriptorType, type FlightInfo, StoredTable } from '@armilla/proto';
import { ipcBytes, MessageEncoder } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import type { StoredTableInfo } from '../../stored-tables.js';
import { protoTable } from '../describe.js';
import { storedSchema } from '../../stored-reader.js';

/** What ListFlights and GetFlightInfo say of a stored table; its ticket gives the rows. */
export function tableInfo(info: StoredTableInfo): FlightInfo {
  const { name, table, expireTime } = info;
  return {
    schema: schemaBytes(storedSchema(table)),
    flightDescriptor: { type: FlightDescriptorType.PATH, path: [name], cmd: new Uint8Array(0) },
    endpoint: [endpoint(jsonBytes({ table: name }), expireTime)],
    totalRecords: BigInt(table.rowCount),
    totalBytes: BigInt(table.payload.bytes),
    ordered: true,
    appMetadata: jsonBytes(storedTableJson(info)),
  };
}

/** What GetFlightInfo says of a match: its command is its ticket. */
export function matchInfo(flightDescriptor: FlightDescriptor, schema: Schema, ordered: boolean): FlightInfo {
  return {
    schema: schemaBytes(schema),
    flightDescriptor,
    endpoint: [endpoint(flightDescriptor.cmd)],
    totalRecords: -1n,
    totalBytes: -1n,
    ordered,
    appMetadata: new Uint8Array(0),
  };
}

/** The encapsulated schema message, as FlightInfo and SchemaResult want it. */
export function schemaBytes(schema: Schema): Buffer {
  return Buffer.concat(ipcBytes(new MessageEncoder(schema).schemaMessage()));
}

export function storedTableJson(info: StoredTableInfo): unknown {
  return StoredTable.toJSON(protoTable(info));
}

export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Without a location: the server that was asked. */
function endpoint(ticket: Uint8Array, expirationTime?: Date): FlightInfo['endpoint'][number] {
  return { ticket: { ticket }, location: [], expirationTime, appMetadata: new Uint8Array(0) };
}
