import { ANSWER_FORMATS } from '../answer/answer-format.js';
import { CONE_OPTIONS } from '../options/cone-options.js';
import { EXPLAIN_OPTIONS } from '../options/explain-options.js';
import { CROSSMATCH_OPTIONS } from '../options/match-options.js';
import type { RequestOption } from '../options/option.js';
import { MOST_TABLES, TABLES_OPTIONS } from '../options/tables-options.js';
import { EVIDENCE_OPTIONS, RESULT_OPTIONS } from '../routes/result-route.js';
import { PUT_OPTIONS } from '../routes/table-routes.js';
import { type Json, jsonBody, operation, path, queryParameters } from './operation.js';
import { RUNTIME_PATHS } from './runtime-paths.js';
import { RUNTIME_SCHEMAS } from './runtime-schemas.js';
import { SCHEMAS } from './schemas.js';

/** Media types that a table may be sent as; what it is, is found by its content. */
const TABLE_MEDIA_TYPES = [...new Set(Object.values(ANSWER_FORMATS))]
  .filter((type) => type !== ANSWER_FORMATS.jsonl)
  .concat('application/gzip' as never, 'application/octet-stream' as never);

const NAME = path('name', 'Name of the stored table.', '^(?!\\.)[A-Za-z0-9_.-]{1,128}$');

const anyTable = (): Json =>
  Object.fromEntries(TABLE_MEDIA_TYPES.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]));

/** Options as properties of a JSON object or of a form. */
const optionProperties = <Draft>(options: readonly RequestOption<Draft>[]): Json =>
  Object.fromEntries(options.map(({ name, sentence, schema }) => [name, { ...schema, description: sentence }]));

const MATCH_HEADERS = {
  'x-request-id': { description: 'Id of the request, for /v1/crossmatch/results.', schema: { type: 'string' } },
  link: { description: 'Where the summary is, rel="describedby".', schema: { type: 'string' } },
};

const MATCH_ANSWER: Json = {
  description:
    'The matched rows. A broken connection (no terminal chunk, HTTP/2 RST_STREAM) means that the rows received so far are not all.',
  headers: {
    ...MATCH_HEADERS,
    'armilla-left-columns': { description: 'Position columns of the left table: ra, dec.', schema: { type: 'string' } },
    'armilla-right-columns': {
      description: 'Position columns of the right table: ra, dec.',
      schema: { type: 'string' },
    },
  },
  content: Object.fromEntries(
    Object.values(ANSWER_FORMATS).map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
  ),
};

const CONE_ANSWER: Json = {
  description:
    'The rows in the cone, nearest first. A broken connection means that the rows received so far are not all.',
  headers: {
    'armilla-row-count': { description: 'Rows of the answer.', schema: { type: 'integer' } },
    'armilla-found-row-count': {
      description: 'Rows in the cone that satisfy the condition.',
      schema: { type: 'integer' },
    },
    'armilla-overflow': { description: 'Whether the limit left rows out.', schema: { type: 'boolean' } },
    'armilla-table-columns': { description: 'Position columns of the table: ra, dec.', schema: { type: 'string' } },
  },
  content: MATCH_ANSWER.content,
};

const MATCH_BODY: Json = {
  required: true,
  description:
    'A form with the parts options, right and left, best in this order (a table that comes too early waits on disk); or, with right=NAME or self_match, the left table alone.',
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: {
          ...optionProperties(CROSSMATCH_OPTIONS),
          options: {
            type: 'object',
            description: 'Options by the names of the query parameters.',
            properties: optionProperties(CROSSMATCH_OPTIONS),
          },
          right: {
            type: 'string',
            format: 'binary',
            description: 'The right table, in any supported format; as a plain text field the name of a stored one.',
          },
          left: { type: 'string', format: 'binary', description: 'The left table, in any supported format.' },
        },
        required: ['left'],
      },
    },
    ...anyTable(),
  },
};

const TABLES_BODY: Json = {
  required: false,
  description:
    'A form with the options and the tables, best in their order (one that comes too early waits on disk); none where all tables are stored.',
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        description: 'Options by the names of the query parameters, or all of them as the part options.',
        properties: {
          options: { type: 'object', description: 'Options by the names of the query parameters.' },
          ...Object.fromEntries(
            Array.from({ length: MOST_TABLES }, (_, k) => [
              `table${k + 1}`,
              {
                type: 'string',
                format: 'binary',
                description: `Table ${k + 1}, in any supported format; as a plain text field the name of a stored one.`,
              },
            ]),
          ),
        },
      },
    },
  },
};

const OPEN: readonly Json[] = [{}];

/** The OpenAPI 3.1 description of this gateway. `secured`: whether bearer tokens are asked for. */
export function openapiDocument(version: string, secured: boolean): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Armilla',
      version,
      summary: 'Crossmatch of star catalogs over HTTP.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    ...(secured && { security: [{ bearer: [] }] }),
    paths: {
      '/v1/crossmatch': {
        post: operation('match', 'Match two tables on the sky.', {
          parameters: queryParameters(CROSSMATCH_OPTIONS),
          requestBody: MATCH_BODY,
          responses: { 200: MATCH_ANSWER },
        }),
      },
      '/v1/crossmatch/multi': {
        post: operation('matchTables', 'Match two to ten tables at once.', {
          parameters: queryParameters(TABLES_OPTIONS),
          requestBody: TABLES_BODY,
          responses: { 200: { ...MATCH_ANSWER, headers: MATCH_HEADERS } },
        }),
      },
      '/v1/crossmatch/cone': {
        get: operation('coneSearch', 'The rows of a stored table around a centre, nearest first. Names in any case.', {
          parameters: queryParameters(CONE_OPTIONS),
          responses: { 200: CONE_ANSWER },
        }),
      },
      '/v1/crossmatch/explain': {
        get: operation('explain', 'What a match would cost, without any data.', {
          parameters: queryParameters(EXPLAIN_OPTIONS),
          responses: { 200: jsonBody('Explanation', 'The plan.') },
        }),
        post: operation('explainPost', 'The same, with the options as a JSON body.', {
          parameters: queryParameters(EXPLAIN_OPTIONS),
          requestBody: {
            required: false,
            content: {
              'application/json': { schema: { type: 'object', properties: optionProperties(EXPLAIN_OPTIONS) } },
            },
          },
          responses: { 200: jsonBody('Explanation', 'The plan.') },
        }),
      },
      '/v1/crossmatch/results/{requestId}': {
        get: operation('getResult', 'How a recent match went; kept for 10 minutes.', {
          parameters: [
            path('requestId', 'The x-request-id of the match.', '^[A-Za-z0-9_-]{1,64}$'),
            ...queryParameters(RESULT_OPTIONS),
          ],
          responses: {
            200: jsonBody('Result', 'The match is over.'),
            202: jsonBody('Result', 'The match still runs.'),
          },
        }),
      },
      '/v1/crossmatch/results/{requestId}/evidence': {
        get: operation(
          'getEvidence',
          'What the trust of a recent assessed match was measured on, row by row of the sample.',
          {
            parameters: [
              path('requestId', 'The x-request-id of the match.', '^[A-Za-z0-9_-]{1,64}$'),
              ...queryParameters(EVIDENCE_OPTIONS),
            ],
            responses: {
              200: {
                description: 'ra, dec, magnitude, nearest_arcsec, offset_east_arcsec, offset_north_arcsec.',
                content: MATCH_ANSWER.content,
              },
            },
          },
        ),
      },
      '/v1/crossmatch/tables': {
        get: operation('listTables', 'The stored tables, by name.', {
          responses: { 200: jsonBody('TableList', 'The tables.') },
        }),
      },
      '/v1/crossmatch/tables/{name}': {
        get: operation('getTable', 'One stored table.', {
          parameters: [NAME],
          responses: { 200: jsonBody('StoredTable', 'The table.') },
        }),
        put: operation('putTable', 'Keep a table, indexed, as the right side of many matches.', {
          parameters: [
            NAME,
            ...queryParameters(PUT_OPTIONS),
            {
              name: 'if-none-match',
              in: 'header',
              required: false,
              description: '* refuses to replace a table.',
              schema: { type: 'string', enum: ['*'] },
            },
          ],
          requestBody: { required: true, description: 'The table, in any supported format.', content: anyTable() },
          responses: {
            201: jsonBody('StoredTable', 'The table is stored.', {
              location: { description: 'Its address.', schema: { type: 'string' } },
            }),
          },
        }),
        delete: operation('deleteTable', 'Delete a stored table.', {
          parameters: [NAME],
          responses: { 204: { description: 'The table is deleted.' } },
        }),
      },
      ...RUNTIME_PATHS,
      '/healthz': {
        get: operation('healthz', 'Whether the gateway runs.', {
          security: OPEN,
          responses: { 200: jsonBody('Health', 'It does.') },
        }),
      },
      '/readyz': {
        get: operation('readyz', 'Whether the gateway and its services take requests.', {
          security: OPEN,
          responses: { 200: jsonBody('Health', 'They do.') },
        }),
      },
      '/metrics': {
        get: operation('metrics', 'Metrics in the text format of Prometheus.', {
          responses: {
            200: { description: 'The metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
          },
        }),
      },
      '/openapi.json': {
        get: operation('openapi', 'This description.', {
          security: OPEN,
          responses: {
            200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
          },
        }),
      },
    },
    components: {
      schemas: { ...SCHEMAS, ...RUNTIME_SCHEMAS },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}
