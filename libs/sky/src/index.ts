export { referencePairs } from './join/reference.js';
export { type MatchExecution, SkyIndex, type SkyIndexOptions } from './join/sky-index.js';
export { type ChunkPairs, type PairQuery, type Positions, RowStatus, rowStatus } from './join/types.js';
export {
  normaliseRa,
  raReachDegrees,
  separationArcsec,
  separationKey,
  separationKeyFloor,
  separationKeyLimit,
  separationOfKeyArcsec,
} from './separation/separation.js';
export { arcsine, cosDegrees, sinDegrees } from './separation/trigonometry.js';
