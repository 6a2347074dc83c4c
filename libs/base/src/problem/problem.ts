import { type ExitCode, type Reason, type ReasonName, REASONS, type StatusName } from './reasons.js';

/** What a problem says about itself; values stand in the message and travel to the client as metadata. */
export type ProblemFields = Readonly<Record<string, string | number | bigint | boolean>>;

/** The one error type of this project: a stable reason, a status, and the facts. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: StatusName;
  readonly exit: ExitCode;

  constructor(
    readonly reason: ReasonName,
    readonly fields: ProblemFields,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    const entry: Reason = REASONS[reason];
    this.code = entry.code;
    this.exit = entry.exit;
  }
}

/**
 * Makes the error of `reason`; the catalogue's message is filled in from `fields` (a missing one reads "?").
 * `throw fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: -1 })`.
 */
export function fail(reason: ReasonName, fields: ProblemFields = {}, options?: ErrorOptions): Problem {
  const text = REASONS[reason].message.replace(/\{(\w+)\}/g, (_, key: string) => String(fields[key] ?? '?'));
  return new Problem(reason, fields, text, options);
}

export function isProblem(error: unknown): error is Problem {
  return error instanceof Problem;
}

/** Any thrown value as a Problem: aborts become CANCELLED or DEADLINE_EXCEEDED, the unknown INTERNAL (with its cause). */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // By name, not by class: errors of another realm (a worker, a test sandbox) are not instances of this one's Error.
  const { name, message, cause } = (typeof error === 'object' && error !== null ? error : {}) as Partial<Error>;
  if (name === 'AbortError') return cause instanceof Problem ? cause : fail('CANCELLED', {}, { cause: error });
  if (name === 'TimeoutError') return fail('DEADLINE_EXCEEDED', {}, { cause: error });
  return fail('INTERNAL', { detail: message ?? String(error) }, { cause: error });
}

/** The plain form that crosses a thread or process; `reviveProblem` is its inverse. */
export interface ProblemJson {
  readonly reason: ReasonName;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

export function problemToJson(problem: Problem): ProblemJson {
  const fields = Object.fromEntries(Object.entries(problem.fields).map(([key, value]) => [key, String(value)]));
  return { reason: problem.reason, message: problem.message, fields };
}

export function reviveProblem(json: ProblemJson): Problem {
  return new Problem(json.reason, json.fields, json.message);
}
