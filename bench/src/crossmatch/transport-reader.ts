// Reads answers as fast as it can. node transport-reader.js; takes lines `tcp PORT`, `grpc HOST:PORT` or `http URL`, and
// prints `BYTES SECONDS` for each.
import { request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { createInterface } from 'node:readline';
import { connect, type Frame, makeFrame, readFrames } from '@armilla/chassis';
import { CrossmatchServiceService, MatchRequest } from '@armilla/proto';

const WAYS: Readonly<Record<string, (address: string) => Promise<number>>> = {
  tcp: drainTcp,
  grpc: drainGrpc,
  http: drainHttp,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [way, address] = line.split(' ');
  const start = performance.now();
  const bytes = await WAYS[way](address);
  process.stdout.write(`${bytes} ${(performance.now() - start) / 1000}\n`);
}

function drainTcp(port: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    connectTcp(Number(port), '127.0.0.1')
      .on('data', (chunk) => (bytes += chunk.byteLength))
      .on('error', reject)
      .on('end', () => resolve(bytes));
  });
}

async function drainGrpc(target: string): Promise<number> {
  const client = connect(CrossmatchServiceService, target);
  const call = client.match();
  call.write(makeFrame({ metadata: MatchRequest.encode(MatchRequest.fromPartial({})).finish(), endOfTable: true }));
  call.end();
  let bytes = 0;
  for await (const frame of readFrames<Frame>(call)) bytes += frame.bodyLength;
  client.close();
  return bytes;
}

/** By `node:http`: what `fetch` adds per chunk would be measured as well. */
function drainHttp(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'text/csv', accept: 'application/vnd.apache.arrow.stream' };
    const asked = request(`${url}/v1/crossmatch?right=any&radius=1arcsec`, { method: 'POST', headers }, (answer) => {
      let bytes = 0;
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer
        .on('data', (chunk: Buffer) => (bytes += chunk.byteLength))
        .on('error', reject)
        .on('end', () => resolve(bytes));
    });
    // An empty left table against a stored one: the service behind sends its stream whatever it is asked.
    asked.on('error', reject).end('ra,dec\n');
  });
}
