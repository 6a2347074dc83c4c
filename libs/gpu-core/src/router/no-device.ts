import { fail, type Problem } from '@armilla/base';
import type { DeviceRefusal } from './decision.js';
import { memoryOf, type RouteRequest } from './size.js';

/** Why no device can take a call: MEMORY_OVER_LIMIT where one lacks memory, else OPTION_INVALID; `mostBytes`: of the largest. */
export function noDevice(request: RouteRequest, refused: readonly DeviceRefusal[], mostBytes: number): Problem {
  if (!refused.some(({ reason }) => reason === 'memory')) {
    const got = refused.map(({ device, reason }) => `${device} (${reason})`).join(', ');
    return fail('OPTION_INVALID', { field: 'devices', expected: 'a device that may be chosen', got });
  }
  const needed = `${request.smallestPieceBytes ?? memoryOf(request)} B`;
  return fail('MEMORY_OVER_LIMIT', { needed, limit: `${mostBytes} B` });
}
