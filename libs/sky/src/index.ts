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
export { COUNTERPART_SHARE, type SimulatedCatalog, type SimulatedField, simulateField } from './simulate/field.js';
export { clusteredPlane, type SimulatedPair, uniformSky } from './simulate/pair.js';
export { type MatchPrediction } from './simulate/prediction.js';
export { arcsine, cosDegrees, sinDegrees } from './separation/trigonometry.js';
