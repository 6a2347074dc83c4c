export { CatalogTable, type LoadOptions } from './catalog-table.js';
export { type PositionColumns, positionColumns } from './columns.js';
export { type ConeContext, ConeResult, coneSearch, type ConeSummary } from './cone/cone-search.js';
export { coneCountsJson, type ConeProvenance, coneProvenance } from './cone/provenance.js';
export { CONE_COLUMNS } from './cone/layout.js';
export { type ConeOptions, type ConeTableOptions, type ResolvedCone } from './cone/options.js';
export { type AreaPlan, planArea } from './filter/near-area.js';
export { crossmatch, type LeftInput, type MatchContext, selfMatch } from './match.js';
export {
  DEFAULT_MAX_PAIRS,
  type ExecutionOptions,
  type Find,
  FINDS,
  type Join,
  JOINS,
  type MatchOptions,
  MAX_K,
  MAX_RADIUS_ARCSEC,
  needsWholeLeft,
  type Order,
  ORDERS,
  type PositionColumnNames,
  resolveOptions,
  type ResolvedOptions,
  SELF_MATCHES,
  type SelfMatch,
  type SideOptions,
} from './options.js';
export type { TablesInput } from './nway/loaded-tables.js';
export { matchTables, TablesStream, type TablesSummary } from './nway/match-tables.js';
export {
  type Multi,
  MULTIS,
  type TableOptions,
  TABLES_JOINS,
  type TablesJoin,
  type TablesOptions,
} from './nway/options.js';
export type { RejectedTableRow, TablesContext } from './nway/tables-context.js';
export { tablesCountsJson, tablesProvenance } from './nway/tables-provenance.js';
export { type Plan, type PlanInput, planMatch } from './plan.js';
export {
  countsJson,
  type InputProvenance,
  type MatchProvenance,
  matchProvenance,
  type StoredInput,
} from './provenance.js';
export type { RejectedRow } from './positions.js';
export type { ProbabilityOptions, ResolvedProbabilities } from './probability/options.js';
export { COMPUTED_COLUMNS, type ComputedColumn } from './result/layout.js';
export { pixelsByColumns, resultPixels, tablePixels } from './result/row-pixels.js';
export type { ResidentTable } from './stored-reader.js';
export type { ScratchOptions } from './spill/scratch.js';
export type { SpillPlan } from './spill/spill-plan.js';
export { type MatchInput, MatchStream } from './stream.js';
export type { MatchSummary, Progress, SideSummary, SpillSummary } from './summary.js';
export type { PairOffsets, Rotation, SystematicOffset } from './trust/alignment.js';
export type { Assessment, Evidence, Trust } from './trust/assess.js';
export type { CurvePoint } from './trust/curve.js';
export { evidenceOf } from './trust/evidence-table.js';
export type { Recentering } from './trust/recenter.js';
export { rayleigh } from './trust/rayleigh.js';
export type { SampledRows } from './trust/left-sample.js';
