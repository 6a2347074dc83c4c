import { SIDE_OPTIONS } from '../options/side-options.js';
import { REASONS } from '@armilla/base';

type Schema = Readonly<Record<string, unknown>>;

const text = { type: 'string' } as const;
const number = { type: 'number' } as const;
const flag = { type: 'boolean' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const counts = { type: 'object', additionalProperties: count } as const;
const list = (items: Schema): Schema => ({ type: 'array', items });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

const object = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = Object.keys(properties),
): Schema => ({ type: 'object', properties, required });

/** Every JSON body that the gateway sends. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  PositionColumns: object(Object.fromEntries(SIDE_OPTIONS.map(({ name }) => [name, text])), ['ra', 'dec']),
  SideSummary: object(
    {
      row_count: count,
      matched_row_count: count,
      unmatched_row_count: count,
      rejected_row_count: count,
      filtered_row_count: count,
      rejected_by_reason: counts,
      columns: ref('PositionColumns'),
      guessed: flag,
      misfit_by_column: counts,
      missing_motion_row_count: count,
    },
    ['row_count', 'matched_row_count', 'unmatched_row_count', 'rejected_row_count', 'filtered_row_count'],
  ),
  MatchSummary: object(
    {
      request_id: text,
      left: ref('SideSummary'),
      right: ref('SideSummary'),
      pair_count: count,
      row_count: count,
      candidate_count: count,
      needs_whole_left: flag,
      index_seconds: number,
      match_seconds: number,
      total_seconds: number,
      peak_memory_bytes: count,
      worker_count: count,
      group_count: count,
      cell_count: count,
      warnings: list(text),
      trust: ref('Trust'),
      recentering: ref('Recentering'),
    },
    ['request_id', 'pair_count', 'row_count'],
  ),
  TablesSummary: object(
    {
      request_id: text,
      tables: list(ref('SideSummary')),
      row_count: count,
      total_seconds: number,
      worker_count: count,
      warnings: list(text),
    },
    ['request_id', 'tables', 'row_count'],
  ),
  Estimate: object({ count: number, standard_error: number }),
  Trust: object(
    {
      sample_row_count: count,
      usable_row_count: count,
      matched: ref('Estimate'),
      chance_local: ref('Estimate'),
      chance_shifted: object({ count: number, standard_error: number, control_count: count, shift_arcsec: number }),
      ring: object({ inner_arcsec: number, outer_arcsec: number }),
      completeness: number,
      completeness_standard_error: number,
      purity: number,
      purity_standard_error: number,
      advised_radius_arcsec: number,
      curve: list(
        object({
          radius_arcsec: number,
          matched_share: number,
          chance_share: number,
          completeness: number,
          purity: number,
        }),
      ),
      rayleigh: object(
        {
          sigma_arcsec: number,
          sigma_standard_error_arcsec: number,
          distance: number,
          distance_limit: number,
          tail_share: number,
        },
        ['sigma_arcsec', 'distance'],
      ),
      footprint: object({ reach_arcsec: number, inside_share: number, matched_share: number }),
      offset: ref('SystematicOffset'),
      rotation: ref('Rotation'),
      notes: list(text),
    },
    ['sample_row_count', 'usable_row_count', 'matched', 'chance_local', 'chance_shifted', 'curve', 'notes'],
  ),
  SystematicOffset: object({
    pair_count: count,
    ra_cosdec_arcsec: number,
    ra_cosdec_standard_error_arcsec: number,
    dec_arcsec: number,
    dec_standard_error_arcsec: number,
    major_arcsec: number,
    minor_arcsec: number,
    angle_deg: number,
  }),
  Rotation: object({
    x_arcsec: number,
    y_arcsec: number,
    z_arcsec: number,
    x_standard_error_arcsec: number,
    y_standard_error_arcsec: number,
    z_standard_error_arcsec: number,
    residual_arcsec: number,
  }),
  Recentering: object({ turn_arcsec: list(number), offset: ref('SystematicOffset'), rotation: ref('Rotation') }, [
    'turn_arcsec',
    'offset',
  ]),
  Progress: object(
    { stage: text, left_row_count: count, right_row_count: count, result_row_count: count, fraction: number },
    ['stage'],
  ),
  StreamSummary: object({ row_count: count, batch_count: count, body_crc32c: count }),
  RowProblem: object({
    table: { type: 'integer', minimum: 0, maximum: 9 },
    row: count,
    reason: text,
    column: text,
    value: text,
  }),
  Failure: object({ reason: text, message: text }),
  Result: object(
    {
      request_id: text,
      state: { type: 'string', enum: ['running', 'complete', 'failed'] },
      progress: ref('Progress'),
      summary: { oneOf: [ref('MatchSummary'), ref('TablesSummary')] },
      stream: ref('StreamSummary'),
      failure: ref('Failure'),
      rejected: list(ref('RowProblem')),
    },
    ['request_id', 'state'],
  ),
  StoredTable: object(
    {
      name: text,
      row_count: count,
      rejected_row_count: count,
      size_bytes: count,
      digest: text,
      columns: ref('PositionColumns'),
      column_names: list(text),
      create_time: { type: 'string', format: 'date-time' },
      expire_time: { type: 'string', format: 'date-time' },
      misfit_by_column: counts,
      warnings: list(text),
    },
    ['name', 'row_count'],
  ),
  TableList: object({ tables: list(ref('StoredTable')) }),
  Explanation: object({
    cell_count: count,
    bucket_count: count,
    chunk_row_count: count,
    worker_count: count,
    index_bytes: count,
    chunk_bytes: count,
    payload_bytes: count,
    planned_bytes: count,
    estimated_pair_count: number,
    needs_whole_left: flag,
    notes: list(text),
  }),
  Health: object({ status: { type: 'string', enum: ['ok', 'unavailable'] } }),
  Problem: object(
    {
      type: text,
      title: text,
      status: { type: 'integer' },
      detail: text,
      instance: text,
      reason: { type: 'string', enum: Object.keys(REASONS) },
      code: text,
      request_id: text,
      trace_id: text,
      fields: { type: 'object', additionalProperties: text },
      errors: list(object({ field: text, detail: text, reason: text }, ['field', 'detail'])),
    },
    ['type', 'title', 'status', 'detail', 'reason', 'code', 'request_id', 'trace_id'],
  ),
};
