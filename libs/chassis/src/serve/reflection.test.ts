import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { credentials, type ClientDuplexStream, loadPackageDefinition } from '@grpc/grpc-js';
import { fromJSON, loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { NAME, startLoopback } from '../testing/loopback.js';

test('the descriptor image holds every service', () => {
  const image = readFileSync(createRequire(import.meta.url).resolve('@armilla/proto/descriptor.binpb'));
  const definitions = Object.keys(loadFileDescriptorSetFromBuffer(image));
  expect(definitions).toEqual(
    expect.arrayContaining([NAME, 'armilla.type.v1.ArrowFrame', 'grpc.health.v1.Health', 'google.rpc.ErrorInfo']),
  );
});

test('server reflection lists what is served', async () => {
  const { server, stop } = await startLoopback({}, { reflection: true });
  const answer = await listServices(server.address);
  expect(answer.sort()).toEqual([NAME, 'grpc.health.v1.Health'].sort());
  await stop();
});

interface ReflectionAnswer {
  listServicesResponse: { service: { name: string }[] };
}

/** Asks as grpcurl does, by the v1 protocol described here with the fields that are needed. */
function listServices(address: string): Promise<string[]> {
  const message = (fields: object) => ({ fields });
  const nested = {
    grpc: {
      nested: {
        reflection: {
          nested: {
            v1: {
              nested: {
                ServerReflection: {
                  methods: {
                    ServerReflectionInfo: {
                      requestType: 'Request',
                      requestStream: true,
                      responseType: 'Answer',
                      responseStream: true,
                    },
                  },
                },
                Request: message({ listServices: { type: 'string', id: 7 } }),
                Answer: message({ listServicesResponse: { type: 'Services', id: 6 } }),
                Services: message({ service: { rule: 'repeated', type: 'Service', id: 1 } }),
                Service: message({ name: { type: 'string', id: 1 } }),
              },
            },
          },
        },
      },
    },
  };
  const loaded = loadPackageDefinition(
    fromJSON({ nested } as unknown as Parameters<typeof fromJSON>[0]),
  ) as unknown as {
    grpc: {
      reflection: {
        v1: {
          ServerReflection: new (
            address: string,
            creds: unknown,
          ) => { ServerReflectionInfo(): ClientDuplexStream<object, ReflectionAnswer>; close(): void };
        };
      };
    };
  };
  const client = new loaded.grpc.reflection.v1.ServerReflection(address, credentials.createInsecure());
  return new Promise((resolve, reject) => {
    const call = client.ServerReflectionInfo();
    call.on('data', ({ listServicesResponse }: ReflectionAnswer) => {
      resolve(listServicesResponse.service.map(({ name }) => name));
      call.end();
      client.close();
    });
    call.on('error', reject);
    call.write({ listServices: '*' });
  });
}
