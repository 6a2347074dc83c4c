import { createServer } from 'node:net';
import { fail } from '@armilla/base';
import { checkBind, type Config } from '@armilla/chassis';

/** Refuses an address that could not be listened at, before anything else is started or loaded. Throws ADDRESS_IN_USE, ADDRESS_NOT_LOOPBACK and CONFIG_INVALID. */
export async function checkAddressFree(address: string, key: string, config: Config): Promise<void> {
  const { host, port } = checkBind(address, key, config);
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) =>
      reject(fail('ADDRESS_IN_USE', { address, detail: error.message }, { cause: error })),
    );
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}
