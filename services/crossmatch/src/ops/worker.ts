/** What pool workers run for a match: pure functions of their arguments. */
export { takeGreedily } from '../one-to-one.js';
export { takeShared } from '../result/payload.js';
export { markRows, writeCounts, writePairs } from '../spill/pair-blocks.js';
export { loadBucket } from '../spill/bucket-load.js';
export { partitionRun } from '../spill/partition-run.js';
export { orderRange } from '../spill/range-order.js';
export { countGroup } from '../spill/count-rows.js';
export { motionGroup } from '../spill/reach.js';
export { errorGroup } from '../spill/scan-errors.js';
