import { Metadata } from '@grpc/grpc-js';
import { TENANT_KEY, tenantOf } from './tenant.js';

test('a call is the principal’s, else whose the metadata say, else nobody’s', () => {
  const named = new Metadata();
  named.set(TENANT_KEY, 'survey-7');
  expect(tenantOf('alice', named)).toBe('alice');
  expect(tenantOf(undefined, named)).toBe('survey-7');
  expect(tenantOf(undefined, new Metadata())).toBe('default');
  for (const bad of ['', 'two words', 'x'.repeat(129)]) {
    const metadata = new Metadata();
    metadata.set(TENANT_KEY, bad);
    expect(tenantOf(undefined, metadata)).toBe('default');
  }
});
