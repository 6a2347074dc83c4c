/** The same for programs and for people. */
export interface StatusAnswer {
  readonly data: unknown;
  readonly text: string;
}
