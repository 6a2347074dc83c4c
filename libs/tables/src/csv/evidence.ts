import type { Field } from 'apache-arrow';

const EVIDENCE = new WeakMap<Field, string>();

/** Remembers why a column that has numbers is text all the same. */
export function setTextEvidence(field: Field, evidence: string): void {
  EVIDENCE.set(field, evidence);
}

/** For messages: the first value that made a column of a CSV file text although it also has numbers, as "line 3 has 'abc'". */
export function textEvidence(field: Field): string | undefined {
  return EVIDENCE.get(field);
}
