import type { FastifyInstance } from 'fastify';
import { bodyOf, type GatewayParts } from '../http/gateway-parts.js';
import { messageJson } from '../http/message-json.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import { emptyExplainDraft, EXPLAIN_OPTIONS, explainRequest } from '../options/explain-options.js';
import { GivenOptions } from '../options/option.js';
import { addJsonOptions, readText } from '../upload/match-upload.js';
import { fail } from '@armilla/base';

/** /v1/crossmatch/explain: what a match would cost. GET takes the options in the query, POST also as a JSON body. */
export function explainRoute(app: FastifyInstance, { config, crossmatch }: GatewayParts): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/v1/crossmatch/explain',
    handler: async (request) => {
      const { exchange } = request;
      readTimeoutHeader(request);
      const given = new GivenOptions();
      given.addQuery(request.query as Record<string, unknown>);
      if (request.method === 'POST') {
        const text = await readText(bodyOf(request, config), 'request body');
        if (text.trim() !== '') addJsonOptions(text, given);
      }
      const draft = emptyExplainDraft();
      given.read(EXPLAIN_OPTIONS, draft);
      if (draft.options.radiusArcsec === 0)
        throw fail('OPTION_INVALID', { field: 'radius', expected: 'given (for example 1arcsec)', got: 'nothing' });
      return messageJson(await crossmatch.explain(exchange, explainRequest(draft)));
    },
  });
}
