import { createServer } from 'node:net';
import { parseAddress } from '@armilla/chassis';
import type { Check } from './check.js';

/** Whether a server could listen at `address`; `key` is the setting that names it. */
export async function portCheck(address: string, key: string): Promise<Check> {
  const { host, port } = parseAddress(address, key);
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  const name = `address ${address}`;
  if (error === undefined) return { name, ok: true, seen: 'free' };
  const flag = key === 'http_address' ? '--listen' : `ARMILLA_${key.toUpperCase()}`;
  return {
    name,
    ok: false,
    seen: error.code === 'EADDRINUSE' ? 'in use' : error.message,
    fix: `stop what listens there (armilla status says whether it is a server of ours), or choose another with ${flag}`,
  };
}
