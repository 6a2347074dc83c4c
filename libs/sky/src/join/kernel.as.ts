// The kernel of sky.join. Each export is one parallel step: (parameters, item, control block, worker's place).
export { assign, refine, scatter } from './kernel/grid.as';
export { join } from './kernel/join.as';
export { compact, countPairs, movePairs, orderPairs, placePairs } from './kernel/result.as';
