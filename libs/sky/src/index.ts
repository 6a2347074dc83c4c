export { usualCellCount } from './join/grid-plan.js';
export { join, type JoinInput, type JoinRun } from './join/index.js';
export { type ChunkPairs, type PairQuery } from './join/query.js';
export { referencePairs } from './join/reference.js';
export { routedJoin } from './join/routing.js';
export { type RowMarks } from './join/row-marks.js';
export { type BuildOptions, type ChunkOptions, type DeviceChunkOptions, SkyIndex } from './join/sky-index.js';
export { type KernelVerdict, verifyKernels } from './join/verify.js';
export { concatPositions, samplePositions } from './positions/pieces.js';
export {
  eachRejected,
  type OnRejected,
  type Positions,
  positionStatus,
  positionStatuses,
  RowStatus,
} from './positions/positions.js';
export {
  MAX_RADIUS_ARCSEC,
  normaliseRa,
  separationArcsec,
  separationKey,
  separationKeyFloor,
  separationKeyLimit,
  separationOfKeyArcsec,
} from './separation/separation.js';
export { cosDeg } from './separation/trigonometry.js';
export { COUNTERPART_SHARE, type SimulatedCatalog, type SimulatedField, simulateField } from './simulate/field.js';
export { clusteredPlane, type SimulatedPair, uniformSky } from './simulate/pair.js';
export { type MatchPrediction } from './simulate/prediction.js';
export { type EpochScale, julianYearOf, parseEpoch } from './motion/epoch.js';
export { hasMotion, largestMove, type Motions, moveForward, moveRow } from './motion/motion.js';
export { type Frame, FRAMES, toIcrs } from './frames/frames.js';
export { bayesFactor, type Covariance, type MeasuredPlace, pairBayesFactor } from './association/bayes-factor.js';
export { isKnownMagnitude, MagnitudeHistogram } from './association/magnitude-histogram.js';
export {
  type Choice,
  chooseAny,
  logPrior,
  posterior,
  type SearchedCatalog,
  WHOLE_SKY_SQUARE_DEGREES,
} from './association/posterior.js';
export { type Area, markOutside } from './area/area.js';
export { pixelsTouching } from './area/area-pixels.js';
export { Box } from './area/box.js';
export { Cone } from './area/cone.js';
export { type CellRange, Moc } from './area/moc.js';
export { parseArea, parseMoc } from './area/parse-area.js';
export { Polygon, type Vertex } from './area/polygon.js';
export { MAX_ORDER, pixelCentre, pixelCount, pixelNumber } from './healpix/pixel.js';
export { fillPixelWords } from './healpix/pixel-words.js';
