/** What pool workers run for a match: pure functions of their arguments. */
export { takeGreedily } from '../one-to-one.js';
export { takeShared } from '../result/payload.js';
