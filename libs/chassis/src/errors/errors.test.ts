import { Metadata } from '@grpc/grpc-js';
import { fail, REASONS, type ReasonName } from '@armilla/base';
import { BadRequest, ErrorInfo, RequestInfo, RetryInfo, RpcStatus } from '@armilla/proto';
import { grpcCode } from './grpc-code.js';
import { problemToHttp } from './http.js';
import { statusToProblem } from './revive.js';
import { DETAILS_KEY, problemToStatus } from './status.js';

const identity = { requestId: 'r-1', traceId: 'a'.repeat(32) };

test('every reason survives the way to the client, with its fields', () => {
  for (const reason of Object.keys(REASONS) as ReasonName[]) {
    const problem = fail(reason, { where: 'left', got: 3, column: 'größe' });
    const status = problemToStatus(problem, identity);
    expect(status.code).toBe(grpcCode(REASONS[reason].code));
    const back = statusToProblem(status);
    expect(back.reason).toBe(reason);
    expect(back.code).toBe(problem.code);
    expect(back.fields).toMatchObject({ request_id: 'r-1', trace_id: identity.traceId });
    if (reason === 'INTERNAL') continue;
    expect(back.message).toBe(problem.message);
    expect(back.fields).toMatchObject({ where: 'left', got: '3', column: 'größe' });
  }
});

test('the details are those of google.rpc', () => {
  const problem = fail('SERVER_BUSY', { running: 4, waiting: 2, retry_seconds: 2.5 });
  const value = problemToStatus(problem, identity).metadata.get(DETAILS_KEY)[0] as Buffer;
  const { code, message, details } = RpcStatus.decode(value);
  expect([code, message]).toEqual([8, problem.message]);
  const of = (type: string): Uint8Array =>
    details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${type}`)!.value;
  expect(ErrorInfo.decode(of('ErrorInfo'))).toMatchObject({
    reason: 'SERVER_BUSY',
    domain: 'armilla',
    metadata: { running: '4' },
  });
  expect(RetryInfo.decode(of('RetryInfo'))).toEqual({ retryDelay: { seconds: 2n, nanos: 500_000_000 } });
  expect(RequestInfo.decode(of('RequestInfo')).requestId).toBe('r-1');

  const field = problemToStatus(fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: -1 }));
  const violations = RpcStatus.decode(field.metadata.get(DETAILS_KEY)[0] as Buffer).details.find(({ typeUrl }) =>
    typeUrl.endsWith('BadRequest'),
  );
  expect(BadRequest.decode(violations!.value).fieldViolations[0].field).toBe('radius_arcsec');
});

test('hostile text cannot break the trailers', () => {
  const problem = fail('COLUMN_NOT_FOUND', {
    where: '\ud800',
    column: `${'x'.repeat(100_000)}\n\u0000`,
    available: '\udfff€',
  });
  const { details, metadata } = problemToStatus(problem, identity);
  expect(() => encodeURI(details)).not.toThrow();
  expect((metadata.get(DETAILS_KEY)[0] as Buffer).length).toBeLessThan(8000);
  expect(statusToProblem({ code: 3, details, metadata }).reason).toBe('COLUMN_NOT_FOUND');
});

test('statuses of others become the nearest reason', () => {
  const of = (code: number, details = 'x', metadata = new Metadata()) =>
    statusToProblem({ code, details, metadata }).reason;
  expect([1, 4, 14, 16, 7, 3, 12, 13, 2, 99].map((code) => of(code))).toEqual([
    'CANCELLED',
    'DEADLINE_EXCEEDED',
    'SERVER_UNAVAILABLE',
    'UNAUTHENTICATED',
    'PERMISSION_DENIED',
    'REQUEST_INVALID',
    'METHOD_NOT_ALLOWED',
    'INTERNAL',
    'INTERNAL',
    'INTERNAL',
  ]);
  expect(of(8, 'Received message larger than max (9 vs 4)')).toBe('MESSAGE_TOO_LARGE');
  expect(of(8, 'quota')).toBe('SERVER_BUSY');
  const broken = new Metadata();
  broken.set(DETAILS_KEY, Buffer.from([0x1a, 0xff]));
  expect(of(14, 'x', broken)).toBe('SERVER_UNAVAILABLE');
});

test('problem+json tells the reason, the fields and where to look', () => {
  const { status, headers, body } = problemToHttp(fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: -1 }), {
    ...identity,
    instance: '/v1/crossmatch',
  });
  expect(status).toBe(400);
  expect(headers['content-type']).toBe('application/problem+json');
  expect(body).toEqual({
    type: 'urn:armilla:error:RADIUS_OUT_OF_RANGE',
    title: 'radius out of range',
    status: 400,
    detail: 'radius_arcsec must be in (0, 648000] arcsec (180 degrees), got -1',
    instance: '/v1/crossmatch',
    reason: 'RADIUS_OUT_OF_RANGE',
    code: 'INVALID_ARGUMENT',
    request_id: 'r-1',
    trace_id: identity.traceId,
    fields: { field: 'radius_arcsec', got: '-1' },
    errors: [{ field: 'radius_arcsec', detail: 'radius_arcsec must be in (0, 648000] arcsec (180 degrees), got -1' }],
  });
  expect(problemToHttp(fail('SERVER_BUSY', { retry_seconds: 2.2 })).headers['retry-after']).toBe('3');
  expect(problemToHttp(fail('UNAUTHENTICATED')).headers['www-authenticate']).toContain('Bearer');
  expect(problemToHttp(fail('MEMORY_OVER_LIMIT')).status).toBe(413);
});

test('an internal error shows its request id and nothing of its cause', () => {
  const { body } = problemToHttp(fail('INTERNAL', { detail: '/secret/path' }), identity);
  expect(JSON.stringify(body)).not.toContain('secret');
  expect(body.detail).toContain('r-1');
});
