export type { CaseResult } from './crossmatch/case.js';
export type { Machine } from './machine.js';
