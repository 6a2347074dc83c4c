import { REASONS } from '@armilla/base';
import { CROSSMATCH_OPTIONS } from '../options/match-options.js';
import { TABLES_OPTIONS } from '../options/tables-options.js';
import { EXPLAIN_OPTIONS } from '../options/explain-options.js';
import {
  DASHBOARD_OPTIONS,
  DECISIONS_OPTIONS,
  EXPLAIN_CALL_OPTIONS,
  PROFILE_OPTIONS,
} from '../options/runtime-options.js';
import { PUT_OPTIONS } from '../routes/table-routes.js';
import { startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';

type Operation = {
  parameters: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, { schema: unknown }> }>;
};
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
};

let subject: UnderTest;
let document: Document;
beforeAll(async () => {
  subject = await startUnderTest();
  document = (await (await fetch(`${subject.url}/openapi.json`)).json()) as Document;
});
afterAll(() => subject[Symbol.asyncDispose]());

test('every route is described, and every description is a route', () => {
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual([...subject.gateway.routes].sort());
});

test('every option is described, and nothing else', () => {
  const queryOf = (operation: Operation): string[] =>
    operation.parameters.filter((one) => one.in === 'query').map((one) => one.name);
  expect(queryOf(document.paths['/v1/crossmatch'].post)).toEqual(CROSSMATCH_OPTIONS.map((one) => one.name));
  expect(queryOf(document.paths['/v1/crossmatch/multi'].post)).toEqual(TABLES_OPTIONS.map((one) => one.name));
  expect(queryOf(document.paths['/v1/crossmatch/explain'].get)).toEqual(EXPLAIN_OPTIONS.map((one) => one.name));
  expect(queryOf(document.paths['/v1/crossmatch/tables/{name}'].put)).toEqual(PUT_OPTIONS.map((one) => one.name));
  for (const [path, options] of [
    ['/v1/runtime/status', []],
    ['/v1/runtime/decisions', DECISIONS_OPTIONS],
    ['/v1/runtime/explain', EXPLAIN_CALL_OPTIONS],
    ['/v1/runtime/profile', PROFILE_OPTIONS],
    ['/dashboard', DASHBOARD_OPTIONS],
  ] as const)
    expect(queryOf(document.paths[path].get)).toEqual(options.map((one) => one.name));
});

test('every reference leads somewhere and operation ids are unique', () => {
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    expect(document.components.schemas).toHaveProperty(name);
  const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(document.openapi).toBe('3.1.0');
});

test('real answers have the fields that are described', async () => {
  const schema = (name: string): { properties: Record<string, unknown>; required: string[] } =>
    document.components.schemas[name] as never;
  const agree = async (name: string, path: string): Promise<void> => {
    const body = (await (await fetch(`${subject.url}${path}`)).json()) as Record<string, unknown>;
    expect(Object.keys(schema(name).properties)).toEqual(expect.arrayContaining(Object.keys(body)));
    expect(Object.keys(body)).toEqual(expect.arrayContaining(schema(name).required));
  };
  await fetch(`${subject.url}/v1/crossmatch/tables/t`, { method: 'PUT', body: 'ra,dec\n1,2\n' });
  await agree('Health', '/healthz');
  await agree('Explanation', '/v1/crossmatch/explain?radius=1');
  await agree('StoredTable', '/v1/crossmatch/tables/t');
  await agree('TableList', '/v1/crossmatch/tables');
  await agree('RuntimeStatus', '/v1/runtime/status');
  await agree('DecisionList', '/v1/runtime/decisions');
  await agree('ExplainedCall', '/v1/runtime/explain?operation=gpu.matmul&size=8');
  await agree('Problem', '/nowhere');
  expect((schema('Problem').properties.reason as { enum: string[] }).enum).toEqual(Object.keys(REASONS));
});
