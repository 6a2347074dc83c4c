import { callOnce, connect } from '@armilla/chassis';
import { FlightDescriptor, FlightDescriptorType, FlightServiceService } from '@armilla/proto';
import { type ServerProcess, startServer } from '../server-process.js';

let server: ServerProcess;
beforeAll(async () => (server = await startServer()), 60_000);
afterAll(() => server.kill('SIGTERM'));

/** Over HTTP only: the format of the answer and its time, for which Flight has its own ways. */
const HTTP_ONLY = ['format', 'timeout'];

test('Flight knows the options of a match by the names that they have over HTTP', async () => {
  const openapi = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<
      string,
      { post: { parameters: { name: string; in: string; schema: { type: string; enum?: string[] } }[] } }
    >;
  };
  const { parameters } = openapi.paths['/v1/crossmatch'].post;
  const options = parameters.filter((one) => one.in === 'query' && !HTTP_ONLY.includes(one.name));
  expect(options.length).toBeGreaterThan(20);
  const client = connect(FlightServiceService, server.grpc);
  const reasons: Record<string, string> = {};
  for (const { name, schema } of options) {
    const value =
      schema.enum?.[0] ?? { array: ['a', 'b'], boolean: true, string: '1', number: 1, integer: 2000 }[schema.type];
    const descriptor = FlightDescriptor.fromPartial({
      type: FlightDescriptorType.CMD,
      cmd: Buffer.from(JSON.stringify({ [name]: value })),
    });
    await callOnce((...rest) => client.getFlightInfo(descriptor, ...rest)).catch(
      (error: { reason: string }) => (reasons[name] = error.reason),
    );
  }
  client.close();
  expect(Object.keys(reasons)).toHaveLength(options.length);
  expect(Object.entries(reasons).filter(([, reason]) => reason === 'OPTION_UNKNOWN')).toEqual([]);
});

test('an option that HTTP does not know is not known here either', async () => {
  const client = connect(FlightServiceService, server.grpc);
  const cmd = Buffer.from('{"left": "a", "right": "b", "radius": 1, "radios": 1}');
  const descriptor = FlightDescriptor.fromPartial({ type: FlightDescriptorType.CMD, cmd });
  await expect(callOnce((...rest) => client.getFlightInfo(descriptor, ...rest))).rejects.toMatchObject({
    reason: 'OPTION_UNKNOWN',
  });
  client.close();
});
