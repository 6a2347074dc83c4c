import { fail } from '@armilla/base';
import { loadConfig } from '@armilla/chassis';
import { serverUrl } from '../crossmatch/flags.js';
import { ServerClient } from './server-client.js';

/** A server that answered. */
export interface NamedServer {
  readonly url: URL;
  readonly client: ServerClient;
  /** Answer of /healthz. */
  readonly health: unknown;
}

/** The server that `--server` names, else the one at the address that serve takes. Throws SERVER_UNAVAILABLE. */
export async function reachServer(flag: string | undefined, signal: AbortSignal): Promise<NamedServer> {
  const url = serverUrl(flag ?? `http://${loadConfig({ env: process.env }).httpAddress}`);
  const client = new ServerClient(url, process.env.ARMILLA_TOKEN);
  try {
    return { url, client, health: await client.get('healthz', signal) };
  } catch (error) {
    if (flag !== undefined || signal.aborted) throw error;
    const detail = 'no server runs there; start one with armilla serve, or name another with --server';
    throw fail('SERVER_UNAVAILABLE', { target: url.href, detail }, { cause: error });
  }
}
