import type { CallSettings } from '@armilla/chassis';
import type { Exchange } from '../http/exchange.js';

/** What a call to a service carries of its exchange: id, token, deadline, and the signal that ends it. */
export function settingsOf({ signal, deadlineMs, requestId, token }: Exchange): CallSettings {
  return { signal, deadlineMs, requestId, ...(token !== undefined && { token }) };
}

export function cancelWith(signal: AbortSignal, call: { cancel(): void }): void {
  if (signal.aborted) call.cancel();
  else signal.addEventListener('abort', () => call.cancel(), { once: true });
}
