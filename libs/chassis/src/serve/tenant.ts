import type { Metadata } from '@grpc/grpc-js';

/** Metadata by which a caller without a token says on whose behalf it calls. */
export const TENANT_KEY = 'armilla-tenant';

const NAME = /^[\x21-\x7e]{1,128}$/;

/** Whose budgets a call takes: the authenticated principal, else the metadata's name, else "default". */
export function tenantOf(principal: string | undefined, metadata: Metadata): string {
  if (principal !== undefined) return principal;
  const [named] = metadata.get(TENANT_KEY);
  return typeof named === 'string' && NAME.test(named) ? named : 'default';
}
