// Sends the same record batch again and again, at the reader's pace: by raw TCP and as a crossmatch service that computes
// nothing. node transport-server.js BYTES CRC; prints `tcp PORT grpc HOST:PORT`.
import { createServer, type AddressInfo } from 'node:net';
import {
  createLogger,
  cutMessage,
  duplex,
  type Frame,
  loadConfig,
  makeFrame,
  serve,
  withFrameCodec,
} from '@armilla/chassis';
import { CrossmatchServiceService, StreamEvent } from '@armilla/proto';
import { MessageEncoder } from '@armilla/tables';
import { Field, Float64, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';

const totalBytes = Number(process.argv[2]);
const crc = process.argv[3] === 'true';
const MIB = 2 ** 20;

// Eight columns of 128 KiB: a body of 1 MiB, one frame.
const schema = new Schema(Array.from({ length: 8 }, (_, i) => new Field(`c${i}`, new Float64(), false)));
const rows = MIB / 64;
const children = schema.fields.map((_, at) =>
  makeData({
    type: new Float64(),
    length: rows,
    nullCount: 0,
    data: Float64Array.from({ length: rows }, (_, i) => i * at),
  }),
);
const batch = new RecordBatch(
  schema,
  makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children }),
);

const tcp = createServer((socket) => {
  const chunk = Buffer.alloc(MIB, 7);
  let left = totalBytes / MIB;
  const more = (): void => {
    while (left-- > 0) if (!socket.write(chunk)) return;
    socket.end();
  };
  socket.on('drain', more);
  socket.on('error', () => undefined);
  more();
}).listen(0, '127.0.0.1');

const config = loadConfig({ flags: { grpcAddress: '127.0.0.1:0', logLevel: 'silent' } });
const server = await serve({
  config,
  log: createLogger(config),
  services: [
    {
      name: 'armilla.crossmatch.v1.CrossmatchService',
      definition: withFrameCodec(CrossmatchServiceService),
      handlers: () => ({
        match: duplex<Frame, Frame>(async function* (requests) {
          for await (const frame of requests) if (frame.table === 0 && frame.endOfTable) break;
          const encoder = new MessageEncoder(schema);
          yield* cutMessage(encoder.schemaMessage(), 0, { crc });
          for (let sent = 0; sent < totalBytes; sent += MIB) {
            for (const message of encoder.encode(batch)) yield* cutMessage(message, 0, { crc });
          }
          const value = { rowCount: 0n, batchCount: 0n, bodyCrc32c: 0, detailJson: '' };
          yield makeFrame({
            metadata: StreamEvent.encode({ event: { $case: 'summary', value } }).finish(),
            endOfTable: true,
          });
        }),
      }),
    },
  ],
});
process.stdout.write(`tcp ${(tcp.address() as AddressInfo).port} grpc ${server.address}\n`);
process.once('SIGTERM', () => process.exit(0));
