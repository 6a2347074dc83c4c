"""DuckDB, Parquet to Parquet, ids and separation: python3 duckdb_pairs.py LEFT.parquet RIGHT.parquet OUT.parquet RADIUS_ARCSEC

The nearest row by SQL on cells (peer.py), with the ids as keys, so that no second join is needed. Prints one JSON object
{name, version, pairs}; the caller measures the process.
"""

import json
import sys

import duckdb

from peer import cells_sql


def main():
    left, right, out, radius = sys.argv[1:5]
    connection = duckdb.connect()
    connection.execute(f"SET threads TO 2; SET preserve_insertion_order TO false; SET temp_directory TO '{out}.tmp'")
    for side, path in (("l", left), ("r", right)):
        connection.execute(f"CREATE VIEW {side} AS SELECT id, ra, dec FROM read_parquet('{path}')")
    pairs = cells_sql("l", "r", float(radius), "nearest", "id", "id")
    connection.execute(f"COPY (SELECT i AS id_1, j AS id_2, sep AS separation_arcsec FROM ({pairs})) TO '{out}' (FORMAT parquet)")
    count = connection.execute(f"SELECT count(*) FROM '{out}'").fetchone()[0]
    print(json.dumps({"name": "duckdb", "version": duckdb.__version__, "pairs": count}))


main()
