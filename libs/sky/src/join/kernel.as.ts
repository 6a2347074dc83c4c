// The kernel of sky.join. Each export is one parallel step: (parameters, item, control block, worker's place).
export { assign, scatter } from './kernel/grid.as';
export { refine } from './kernel/refine.as';
export { join } from './kernel/task.as';
export { compact, countPairs, movePairs, orderPairs, placePairs } from './kernel/result.as';
export { arrange } from './gpu/arrange.as';
export { countVisits, raise, writeVisits } from './gpu/visit.as';
export { decide, nameLonePlaces } from './gpu/decide.as';
