import type { RequestOption } from '../options/option.js';

export type Json = Readonly<Record<string, unknown>>;

const HEADER_PARAMETERS: readonly Json[] = [
  {
    name: 'x-request-id',
    in: 'header',
    required: false,
    description: 'Names the request in logs, errors and results; made when missing.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
  },
  { name: 'traceparent', in: 'header', required: false, description: 'W3C trace context.', schema: { type: 'string' } },
  {
    name: 'armilla-timeout',
    in: 'header',
    required: false,
    description: 'Time for the whole request: 30s, 500ms, 2m.',
    schema: { type: 'string' },
  },
];

export function queryParameters<Draft>(options: readonly RequestOption<Draft>[]): Json[] {
  return options.map(({ name, sentence, schema }) => ({
    name,
    in: 'query',
    required: false,
    description: sentence,
    schema,
    ...(schema.type === 'array' && { style: 'form', explode: false }),
  }));
}

export const path = (name: string, description: string, pattern: string): Json => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string', pattern },
});

export const jsonBody = (schema: string, description: string, headers: Json = {}): Json => ({
  description,
  headers: { 'x-request-id': { description: 'Id of the request.', schema: { type: 'string' } }, ...headers },
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
});

const PROBLEM: Json = {
  description: 'What is wrong, where, what was seen and what to do.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

export const operation = (
  operationId: string,
  summary: string,
  rest: { parameters?: readonly Json[]; requestBody?: Json; responses: Json; security?: readonly Json[] },
): Json => ({
  operationId,
  summary,
  ...rest,
  parameters: [...(rest.parameters ?? []), ...HEADER_PARAMETERS],
  responses: { ...rest.responses, default: PROBLEM },
});
