import { fail } from '@armilla/base';
import type { ExplainRequest, ExplainResponse } from '@armilla/proto';
import { WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';
import { resolveExecution } from '../options.js';
import { type Plan, planMatch } from '../plan.js';
import type { CrossmatchCore } from './core.js';
import type { MatchAsk } from './match-watch.js';
import { expectedRows, readExecution, readOptions } from './request.js';

/** What a plan needs to know beside the options; 0 where unknown. */
export interface ExplainSizes {
  readonly leftRowBytes: number;
  readonly rightRowBytes: number;
  readonly areaSquareDegrees: number;
}

/** Says what a match would cost. */
export function explainRequest(core: CrossmatchCore, request: ExplainRequest): ExplainResponse {
  const ask = {
    options: readOptions(request.options, core.server.config.maxPairs),
    execution: resolveExecution(readExecution(request.execution)),
    leftRowCount: expectedRows('left_row_count', request.leftRowCount),
    rightRowCount: expectedRows('right_row_count', request.rightRowCount),
  };
  return explain(core, ask, {
    leftRowBytes: expectedRows('left_row_bytes', request.leftRowBytes) ?? 0,
    rightRowBytes: expectedRows('right_row_bytes', request.rightRowBytes) ?? 0,
    areaSquareDegrees: request.areaSquareDegrees,
  });
}

export function explain(
  { runtime }: CrossmatchCore,
  {
    options,
    execution,
    leftRowCount,
    rightRowCount,
  }: Pick<MatchAsk, 'options' | 'execution' | 'leftRowCount' | 'rightRowCount'>,
  { leftRowBytes, rightRowBytes, areaSquareDegrees: area }: ExplainSizes,
): ExplainResponse {
  if (!(area >= 0 && area <= 41_253))
    throw fail('OPTION_INVALID', {
      field: 'area_square_degrees',
      expected: 'in (0, 41253], or 0 for the whole sky',
      got: area,
    });
  const plan = planMatch(options, execution, {
    leftRowCount,
    rightRowCount,
    leftRowBytes,
    rightRowBytes,
    workerCount: runtime.workerCount,
    memoryLimitBytes: runtime.memoryLimitBytes,
    areaSquareDegrees: area === 0 ? undefined : Math.min(area, WHOLE_SKY_SQUARE_DEGREES),
  });
  return protoPlan(plan);
}

function protoPlan(plan: Plan): ExplainResponse {
  return {
    cellCount: BigInt(plan.cellCount),
    bucketCount: BigInt(plan.bucketCount),
    chunkRowCount: BigInt(plan.chunkRowCount),
    workerCount: plan.workerCount,
    indexBytes: BigInt(plan.indexBytes),
    chunkBytes: BigInt(plan.chunkBytes),
    payloadBytes: BigInt(plan.payloadBytes),
    plannedBytes: BigInt(plan.plannedBytes),
    estimatedPairCount: plan.estimatedPairCount,
    needsWholeLeft: plan.needsWholeLeft,
    notes: [...plan.notes],
  };
}
