import { summarise } from '../measure.js';
import { runFlightClient } from '../peers.js';
import { startServerProcess } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';

const COLUMNS = 16;
const WORKS = ['get', 'put', 'exchange'] as const;

/**
 * Flight with pyarrow as the client: a table from and to the server, and there and back, beside pyarrow's own C++ server,
 * which does nothing but keep and echo. Put includes index and digest, exchange the match.
 */
export async function runFlightCase({ quick }: BenchOptions): Promise<CaseResult> {
  const rowCount = quick ? 100_000 : 1_000_000;
  await using server = await startServerProcess();
  const result = runFlightClient(server.grpc, rowCount, COLUMNS, quick ? 3 : 9);
  if ('skipped' in result) throw new Error(`flight: ${result.skipped}`);
  const facts: Record<string, number | string> = {};
  for (const work of WORKS) {
    const [ours, theirs] = [result.armilla[work], result.pyarrow[work]].map((seconds) => summarise(seconds, NaN, NaN));
    facts[`${work}_mb_s`] = Math.round(result.bytes / 1e6 / ours.median_s);
    facts[`${work}_mb_s_pyarrow`] = Math.round(result.bytes / 1e6 / theirs.median_s);
    facts[`${work}_of_pyarrow`] = Number((theirs.median_s / ours.median_s).toFixed(2));
  }
  const theirs = summarise(result.pyarrow.get, NaN, NaN);
  return {
    case: 'flight with pyarrow',
    rows: `${rowCount} rows x ${COLUMNS} f64, ${Math.round(result.bytes / 1e6)} MB; times of DoGet`,
    ours: summarise(result.armilla.get, NaN, NaN),
    peers: [
      {
        name: 'pyarrow server',
        version: result.version,
        min_s: theirs.min_s,
        median_s: theirs.median_s,
        pairs: 0,
        separation_sum_arcsec: 0,
        peak_rss_mib: NaN,
      },
    ],
    facts,
  };
}
