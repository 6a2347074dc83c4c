import { ExplainRequest } from '@armilla/proto';
import { emptyMatchDraft, EXECUTION_OPTIONS, MATCH_OPTIONS, type MatchDraft } from './match-options.js';
import type { RequestOption } from './option.js';
import { probabilitiesOf } from './probability-options.js';
import { readInteger, readNumber } from './value.js';
import { fail } from '@armilla/base';

export interface ExplainDraft extends MatchDraft {
  leftRowBytes: number;
  rightRowBytes: number;
  areaSquareDegrees: number;
}

export const emptyExplainDraft = (): ExplainDraft => ({
  ...emptyMatchDraft(),
  leftRowBytes: 0,
  rightRowBytes: 0,
  areaSquareDegrees: 0,
});

const WHOLE_SKY_SQUARE_DEGREES = 41_253;

/** Everything that /v1/crossmatch/explain takes. */
export const EXPLAIN_OPTIONS: readonly RequestOption<ExplainDraft>[] = [
  ...MATCH_OPTIONS,
  ...EXECUTION_OPTIONS,
  {
    name: 'left_row_bytes',
    sentence: 'Bytes of payload columns per left row, for the memory of the plan.',
    schema: { type: 'integer', minimum: 0, maximum: 1 << 30 },
    take: (draft, value) => (draft.leftRowBytes = readInteger('left_row_bytes', value, 0, 1 << 30)),
  },
  {
    name: 'right_row_bytes',
    sentence: 'Bytes of payload columns per right row, for the memory of the plan.',
    schema: { type: 'integer', minimum: 0, maximum: 1 << 30 },
    take: (draft, value) => (draft.rightRowBytes = readInteger('right_row_bytes', value, 0, 1 << 30)),
  },
  {
    name: 'area_square_degrees',
    sentence: 'Solid angle that the tables cover. Default: the whole sky.',
    schema: { type: 'number', exclusiveMinimum: 0, maximum: WHOLE_SKY_SQUARE_DEGREES },
    take: (draft, value) => {
      const area = readNumber('area_square_degrees', value);
      if (!(area > 0 && area <= WHOLE_SKY_SQUARE_DEGREES))
        throw fail('OPTION_INVALID', {
          field: 'area_square_degrees',
          expected: `in (0, ${WHOLE_SKY_SQUARE_DEGREES}]`,
          got: area,
        });
      draft.areaSquareDegrees = area;
    },
  },
];

export function explainRequest(draft: ExplainDraft): ExplainRequest {
  return ExplainRequest.fromPartial({
    options: { ...draft.options, probabilities: probabilitiesOf(draft.probability) },
    execution: draft.execution,
    leftRowCount: BigInt(draft.leftRowCount),
    rightRowCount: BigInt(draft.rightRowCount),
    leftRowBytes: BigInt(draft.leftRowBytes),
    rightRowBytes: BigInt(draft.rightRowBytes),
    areaSquareDegrees: draft.areaSquareDegrees,
  });
}
