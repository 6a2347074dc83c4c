import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Server } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

/** Health and reflection describe themselves beside the services that are served. */
const ALWAYS = ['grpc.health.v1.Health'];

/** Server reflection (v1 and v1alpha) from the descriptor image that the build of proto makes. */
export function addReflection(server: Server, serviceNames: readonly string[]): void {
  const image = createRequire(import.meta.url).resolve('@armilla/proto/descriptor.binpb');
  const description = loadFileDescriptorSetFromBuffer(readFileSync(image));
  new ReflectionService(description, { services: [...ALWAYS, ...serviceNames] }).addToServer(server);
}
