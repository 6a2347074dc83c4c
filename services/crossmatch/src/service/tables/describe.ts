import { TablesSummary as ProtoSummary } from '@armilla/proto';
import type { TablesSummary } from '../../nway/match-tables.js';
import { protoSide } from '../describe.js';

export function protoTablesSummary(summary: TablesSummary, requestId: string): ProtoSummary {
  const { tables, rowCount, totalSeconds, workerCount, warnings } = summary;
  return {
    requestId,
    tables: tables.map(protoSide),
    rowCount: BigInt(rowCount),
    totalSeconds,
    workerCount,
    warnings: [...warnings],
  };
}

/** The summary in protobuf JSON. */
export function tablesSummaryJson(summary: ProtoSummary): string {
  return JSON.stringify(ProtoSummary.toJSON(summary));
}
