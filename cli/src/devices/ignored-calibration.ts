import type { Dispatcher } from '@armilla/gpu-core';
import type { Terminal } from '../terminal/terminal.js';

/** Says why the calibration that is stored for this machine was not taken; nothing where it was, or where there is none. */
export function tellIgnored({ ignored }: Pick<Dispatcher, 'ignored'>, terminal: Pick<Terminal, 'line'>): void {
  if (ignored !== undefined) terminal.line(`calibration ignored: ${ignored}; armilla router calibrate measures anew`);
}
