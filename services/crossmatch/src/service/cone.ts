import { fail } from '@armilla/base';
import type { CallContext, Frame } from '@armilla/chassis';
import { type ConeSearchRequest, ConeSummary as ProtoSummary, PositionColumns } from '@armilla/proto';
import type { SkyIndex } from '@armilla/sky';
import { PROVENANCE_KEY, withMetadata } from '@armilla/tables';
import { Metadata } from '@grpc/grpc-js';
import { type ConeResult, coneSearch, type ConeSummary } from '../cone/cone-search.js';
import { type ConeOptions, resolveCone } from '../cone/options.js';
import { coneProvenance } from '../cone/provenance.js';
import { AnswerEncoder } from './answer-encoder.js';
import type { CrossmatchCore } from './core.js';
import { columnsHeader } from './describe.js';
import { checkedRequestId, sideOptions } from './request.js';

/** Bytes that a candidate takes while it is looked at: row, separation, key, and their order. */
const CANDIDATE_BYTES = 48;
const LEAST_BYTES = 2 ** 20;

/** The ConeSearch of armilla.crossmatch.v1. */
export async function* coneFrames(
  core: CrossmatchCore,
  request: ConeSearchRequest,
  call: CallContext,
): AsyncGenerator<Frame, void, undefined> {
  const { signal } = call;
  const requestId = checkedRequestId(request.requestId, call.requestId);
  const options = readCone(request);
  const { cone } = resolveCone(options);
  await using lease = core.stored.use(request.table);
  const { table, name, digest } = lease.info;
  const centre = { ra: Float64Array.of(cone.raDeg), dec: Float64Array.of(cone.decDeg) };
  const expected = Math.min(table.rowCount, (table.index as SkyIndex).estimatePairCount(centre, cone.radiusArcsec));
  using _permit = await core.server.admission.admit(LEAST_BYTES + Math.ceil(expected * CANDIDATE_BYTES), signal);
  const where = `table '${name}'`;
  using result = await coneSearch(table, options, { runtime: core.runtime, signal, where });
  call.sendMetadata(headersOf(result.summary, requestId));
  const provenance = JSON.stringify(coneProvenance(result, { name, digest }));
  const encoder = new AnswerEncoder(
    withMetadata(result.schema, { [PROVENANCE_KEY]: provenance }),
    core.server.config.frameCrc,
  );
  yield* encoder.schemaFrames();
  for await (const batch of result) yield* encoder.batchFrames(batch);
  yield encoder.summaryFrame(JSON.stringify(ProtoSummary.toJSON(protoSummary(result, requestId))));
}

function readCone(request: ConeSearchRequest): ConeOptions {
  const { raDegrees, decDegrees, radiusArcsec, columns, rowLimit, atEpoch } = request;
  const table = sideOptions(request.position);
  const known = ['epoch', 'pmRaCosdec', 'pmDec', 'parallax', 'radialVelocity', 'where'];
  const other = Object.keys(table).find((key) => !known.includes(key));
  if (other !== undefined)
    throw fail('OPTIONS_CONFLICT', {
      field: `position.${other}`,
      detail: `a cone search has no use for position.${other}: a stored table is indexed by its own positions`,
    });
  return {
    raDeg: raDegrees,
    decDeg: decDegrees,
    radiusArcsec,
    table,
    columns,
    limit: rowLimit === undefined ? undefined : Number(rowLimit),
    atEpoch: atEpoch === '' ? undefined : atEpoch,
  };
}

/** All that is counted is known before the first row: a cut answer says so in its headers. */
function headersOf({ rowCount, foundRowCount, overflow, columns }: ConeSummary, requestId: string): Metadata {
  const headers = new Metadata();
  headers.set('armilla-request-id', requestId);
  headers.set('armilla-table-columns', columnsHeader(columns));
  headers.set('armilla-row-count', String(rowCount));
  headers.set('armilla-found-row-count', String(foundRowCount));
  headers.set('armilla-overflow', String(overflow));
  return headers;
}

function protoSummary({ summary }: ConeResult, requestId: string): ProtoSummary {
  const { columns } = summary;
  return {
    requestId,
    rowCount: BigInt(summary.rowCount),
    foundRowCount: BigInt(summary.foundRowCount),
    overflow: summary.overflow,
    filteredRowCount: BigInt(summary.filteredRowCount),
    missingMotionRowCount: BigInt(summary.missingMotionRowCount),
    tableRowCount: BigInt(summary.tableRowCount),
    rejectedRowCount: BigInt(summary.rejectedRowCount),
    columns: PositionColumns.fromPartial({ ra: columns.ra, dec: columns.dec }),
    guessed: columns.guessed,
    totalSeconds: summary.seconds,
  };
}
