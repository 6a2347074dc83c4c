import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Server, status } from '@grpc/grpc-js';
import { ServerReflectionRequest, ServerReflectionResponse, ServerReflectionService } from '@armilla/proto';
import { type DescribedFile, DescriptorImage } from './descriptor-image.js';
import { duplex } from './handlers.js';

type Answer = ServerReflectionResponse['messageResponse'];

/** Health describes itself beside the services that are served. */
const ALWAYS = ['grpc.health.v1.Health'];

/**
 * Server reflection (v1, and v1alpha, which is the same under another name) from the descriptor image that the build of
 * proto makes. Files go out as they were compiled, with all that they import: clients link them.
 */
export function addReflection(server: Server, serviceNames: readonly string[]): void {
  const image = new DescriptorImage(
    readFileSync(createRequire(import.meta.url).resolve('@armilla/proto/descriptor.binpb')),
  );
  const services = [...ALWAYS, ...serviceNames];
  const handler = duplex<ServerReflectionRequest, ServerReflectionResponse>(async function* (requests) {
    for await (const request of requests) {
      yield { validHost: request.host, originalRequest: request, messageResponse: answer(image, services, request) };
    }
  });
  const v1 = ServerReflectionService.serverReflectionInfo;
  const v1alpha = { ...v1, path: v1.path.replace('.v1.', '.v1alpha.') };
  server.addService({ serverReflectionInfo: v1 }, { serverReflectionInfo: handler });
  server.addService({ serverReflectionInfo: v1alpha }, { serverReflectionInfo: handler });
}

function answer(
  image: DescriptorImage,
  services: readonly string[],
  { messageRequest }: ServerReflectionRequest,
): Answer {
  switch (messageRequest?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return files(image, image.file(messageRequest.value), messageRequest.value);
    case 'fileContainingSymbol':
      return files(image, image.fileOf(messageRequest.value), messageRequest.value);
    case 'allExtensionNumbersOfType':
      return image.fileOf(messageRequest.value)
        ? { $case: 'allExtensionNumbersResponse', value: { baseTypeName: messageRequest.value, extensionNumber: [] } }
        : notFound(messageRequest.value);
    default:
      return notFound('an extension');
  }
}

function files(image: DescriptorImage, file: DescribedFile | undefined, wanted: string): Answer {
  if (!file) return notFound(wanted);
  return {
    $case: 'fileDescriptorResponse',
    value: { fileDescriptorProto: image.withImports(file).map(({ bytes }) => bytes) },
  };
}

function notFound(what: string): Answer {
  return { $case: 'errorResponse', value: { errorCode: status.NOT_FOUND, errorMessage: `${what} is not known here` } };
}
