import {
  DASHBOARD_OPTIONS,
  DECISIONS_OPTIONS,
  EXPLAIN_CALL_OPTIONS,
  PROFILE_OPTIONS,
} from '../options/runtime-options.js';
import { type Json, jsonBody, operation, queryParameters } from './operation.js';

const file = { schema: { type: 'string', format: 'binary' } };
const page = { 'text/html': { schema: { type: 'string' } } };

/** What the server computes on, what it decided, and where its time went. */
export const RUNTIME_PATHS: Json = {
  '/v1/runtime/status': {
    get: operation('getStatus', 'Devices, workers, memory, what the router learnt and what the profiler saw.', {
      responses: { 200: jsonBody('RuntimeStatus', 'The status.') },
    }),
  },
  '/v1/runtime/decisions': {
    get: operation('listDecisions', 'The last decisions of the router, newest first.', {
      parameters: queryParameters(DECISIONS_OPTIONS),
      responses: { 200: jsonBody('DecisionList', 'The decisions.') },
    }),
  },
  '/v1/runtime/explain': {
    get: operation('explainCall', 'Which device the router would choose for a call, and why.', {
      parameters: queryParameters(EXPLAIN_CALL_OPTIONS),
      responses: { 200: jsonBody('ExplainedCall', 'The decision, as data and as text.') },
    }),
  },
  '/v1/runtime/profile': {
    get: operation('getProfile', 'What the profiler holds, as a file.', {
      parameters: queryParameters(PROFILE_OPTIONS),
      responses: {
        200: {
          description: 'The profile.',
          content: {
            'application/json': { schema: { type: 'object' } },
            'application/gzip': file,
            ...page,
          },
        },
      },
    }),
  },
  '/dashboard': {
    get: operation('dashboard', 'What the profiler holds, as a page that can be loaded again from time to time.', {
      parameters: queryParameters(DASHBOARD_OPTIONS),
      responses: { 200: { description: 'The page.', content: page } },
    }),
  },
};
