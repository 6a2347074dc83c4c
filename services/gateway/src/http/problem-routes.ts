import { fail } from '@armilla/base';
import type { FastifyInstance } from 'fastify';
import { refuse } from './refuse.js';

interface KnownRoute {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/**
 * Every failure outside the streaming routes as problem+json: what is thrown, unknown paths, other methods. To be called
 * before the routes are added; returns what they are then, as "GET /healthz", with path parameters as in OpenAPI.
 */
export function problemRoutes(app: FastifyInstance): () => string[] {
  const routes = new Map<string, KnownRoute>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = routes.get(url) ?? {
      pattern: new RegExp(`^${url.replace(/[.]/g, '\\.').replace(/:[A-Za-z]+/g, '[^/]+')}$`),
      methods: new Set<string>(),
    };
    for (const one of [method].flat()) known.methods.add(one);
    routes.set(url, known);
  });
  app.setErrorHandler(async (error, request, reply) => {
    await refuse(request, reply, fromFramework(error));
  });
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0];
    const methods = [...routes.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => [...route.methods]);
    if (methods.length === 0) {
      const known = [...routes.keys()].map((url) => url.replace(/:(\w+)/g, '{$1}')).join(', ');
      await refuse(request, reply, fail('ROUTE_NOT_FOUND', { path: path.slice(0, 200), known }));
      return;
    }
    const allowed = [...new Set(methods)].sort().join(', ');
    await refuse(
      request,
      reply,
      fail('METHOD_NOT_ALLOWED', { method: request.method, path: path.slice(0, 200), allowed }),
      { allow: allowed },
    );
  });
  return () =>
    [...routes].flatMap(([url, { methods }]) =>
      [...methods].filter((method) => method !== 'HEAD').map((method) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`),
    );
}

/** Fastify's own refusals (a malformed path, a header) are the client's, not ours. */
function fromFramework(error: unknown): unknown {
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (typeof code === 'string' && code.startsWith('FST_') && statusCode !== undefined && statusCode < 500)
    return fail('REQUEST_INVALID', { field: 'request', detail: message ?? code }, { cause: error });
  return error;
}
