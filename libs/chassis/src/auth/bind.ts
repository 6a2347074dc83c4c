import { isIPv4, isIPv6 } from 'node:net';
import { fail } from '@armilla/base';
import { type Config } from '../config/config.js';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** "127.0.0.1:7430", "[::1]:7430", "localhost:0". Throws CONFIG_INVALID. */
export function parseAddress(address: string, key: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const port = match ? Number(match[3]) : NaN;
  if (!match || !(port <= 65_535) || (match[1] !== undefined && !isIPv6(match[1]))) {
    throw fail('CONFIG_INVALID', { detail: `${key}: must be host:port such as 127.0.0.1:7430, got '${address}'` });
  }
  return { host: match[1] ?? match[2], port };
}

/** Whether only this machine can connect. Names other than localhost may resolve to anything. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host) && /^(0*:)*:?0*1$/.test(host));
}

/** Refuses a listener that other machines could reach without TLS and tokens: ADDRESS_NOT_LOOPBACK. */
export function checkBind(
  address: string,
  key: string,
  config: Pick<Config, 'tlsCert' | 'tlsKey' | 'authTokens'>,
): HostPort {
  const parsed = parseAddress(address, key);
  const guarded = config.tlsCert !== '' && config.tlsKey !== '' && config.authTokens !== '';
  if (!isLoopback(parsed.host) && !guarded) throw fail('ADDRESS_NOT_LOOPBACK', { address });
  return parsed;
}
