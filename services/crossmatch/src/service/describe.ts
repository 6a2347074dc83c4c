import {
  MatchSummary as ProtoSummary,
  PositionColumns,
  type Progress as ProtoProgress,
  Recentering as ProtoRecentering,
  type RowProblem,
  type SideSummary as ProtoSide,
  type StoredTable,
  Trust as ProtoTrust,
} from '@armilla/proto';
import type { PositionColumns as TablePositions } from '../columns.js';
import type { RejectedRow } from '../positions.js';
import type { StoredTableInfo } from '../stored-tables.js';
import type { MatchSummary, Progress, SideSummary } from '../summary.js';
import type { SystematicOffset } from '../trust/alignment.js';
import type { Trust } from '../trust/assess.js';
import type { Recentering } from '../trust/recenter.js';

export function protoSummary(summary: MatchSummary, requestId: string): ProtoSummary {
  return {
    requestId,
    left: protoSide(summary.left),
    right: protoSide(summary.right),
    pairCount: BigInt(summary.pairCount),
    rowCount: BigInt(summary.rowCount),
    candidateCount: BigInt(summary.candidateCount),
    needsWholeLeft: summary.needsWholeLeft,
    indexSeconds: summary.indexSeconds,
    matchSeconds: summary.matchSeconds,
    totalSeconds: summary.totalSeconds,
    peakMemoryBytes: BigInt(summary.peakMemoryBytes),
    workerCount: summary.workerCount,
    groupCount: BigInt(summary.groupCount),
    cellCount: BigInt(summary.cellCount),
    warnings: [...summary.warnings],
    trust: summary.trust && protoTrust(summary.trust),
    recentering: summary.recentering && protoRecentering(summary.recentering),
  };
}

function protoTrust({ sampleRowCount, usableRowCount, offset, curve, notes, ...rest }: Trust): ProtoTrust {
  return ProtoTrust.fromPartial({
    ...rest,
    sampleRowCount: BigInt(sampleRowCount),
    usableRowCount: BigInt(usableRowCount),
    offset: protoOffset(offset),
    curve: [...curve],
    notes: [...notes],
  });
}

function protoRecentering({ turnArcsec, offset, rotation }: Recentering): ProtoRecentering {
  return ProtoRecentering.fromPartial({ turnArcsec: [...turnArcsec], offset: protoOffset(offset), rotation });
}

const protoOffset = (offset: SystematicOffset | undefined): object | undefined =>
  offset && { ...offset, pairCount: BigInt(offset.pairCount) };

/** The summary in protobuf JSON. */
export function summaryJson(summary: ProtoSummary): string {
  return JSON.stringify(ProtoSummary.toJSON(summary));
}

export function protoProgress(progress: Progress): ProtoProgress {
  return {
    stage: progress.stage,
    leftRowCount: BigInt(progress.leftRowCount),
    rightRowCount: BigInt(progress.rightRowCount),
    resultRowCount: BigInt(progress.resultRowCount),
    fraction: progress.fraction,
  };
}

/** `table`: its number in the call. */
export function protoRejected(table: number, { row, reason, column, value }: Omit<RejectedRow, 'table'>): RowProblem {
  return { table, row: BigInt(row), reason, column, value: value.slice(0, 64) };
}

export function protoTable({ name, table, digest, sizeBytes, createTime, expireTime }: StoredTableInfo): StoredTable {
  return {
    name,
    rowCount: BigInt(table.rowCount),
    rejectedRowCount: BigInt(table.rejectedRowCount),
    sizeBytes: BigInt(Math.round(sizeBytes)),
    digest,
    columns: PositionColumns.fromPartial({ ra: table.columns.ra, dec: table.columns.dec }),
    columnNames: table.schema.fields.map((field) => field.name),
    createTime: createTime.toISOString(),
    expireTime: expireTime.toISOString(),
    misfitByColumn: counts(Object.fromEntries(table.misfits)),
    warnings: [...table.warnings],
  };
}

/** For a response header, which is ASCII: `ra=RAJ2000; dec=DEJ2000; guessed=true`, names percent-encoded. */
export function columnsHeader({ ra, dec, guessed }: TablePositions): string {
  return `ra=${encodeURIComponent(ra)}; dec=${encodeURIComponent(dec)}; guessed=${guessed}`;
}

export function protoSide(side: SideSummary): ProtoSide {
  return {
    rowCount: BigInt(side.rowCount),
    matchedRowCount: BigInt(side.matchedRowCount),
    unmatchedRowCount: BigInt(side.unmatchedRowCount),
    rejectedRowCount: BigInt(side.rejectedRowCount),
    filteredRowCount: BigInt(side.filteredRowCount),
    rejectedByReason: counts(side.rejectedByReason),
    columns: PositionColumns.fromPartial(side.columns),
    guessed: side.guessed,
    misfitByColumn: counts(side.misfitByColumn),
    missingMotionRowCount: BigInt(side.missingMotionRowCount),
  };
}

function counts(of: Readonly<Record<string, number | undefined>>): { [key: string]: bigint } {
  return Object.fromEntries(Object.entries(of).map(([key, count]) => [key, BigInt(count ?? 0)]));
}
