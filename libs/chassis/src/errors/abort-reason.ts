import { fail, isProblem, type Problem } from '@armilla/base';

/** Why `signal` aborted: its Problem, DEADLINE_EXCEEDED for a time-out signal, CANCELLED for anything else. */
export function abortProblem(signal: AbortSignal): Problem {
  const reason: unknown = signal.reason;
  if (isProblem(reason)) return reason;
  const name = typeof reason === 'object' && reason !== null && 'name' in reason ? reason.name : undefined;
  return name === 'TimeoutError'
    ? fail('DEADLINE_EXCEEDED', { elapsed: 'the time that was set' }, { cause: reason })
    : fail('CANCELLED', {}, { cause: reason });
}
