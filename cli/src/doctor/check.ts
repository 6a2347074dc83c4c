/** One thing that doctor looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen. */
  readonly seen: string;
  /** What to do; only where it is not ok. */
  readonly fix?: string;
}
