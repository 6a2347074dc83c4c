"""DuckDB, Parquet to Parquet, whole process: python3 duckdb_files.py LEFT.parquet RIGHT.parquet OUT.parquet RADIUS_ARCSEC

The nearest row by SQL on cells (peer.py), then both tables' columns joined to the pairs and written. Prints one JSON
object {name, version, pairs}; the caller times the process.
"""

import json
import sys

import duckdb

from peer import cells_sql


def main():
    left, right, out, radius = sys.argv[1:5]
    connection = duckdb.connect()
    connection.execute("SET threads TO 2; SET preserve_insertion_order TO false")
    for side, path, key in (("l", left, "i"), ("r", right, "j")):
        connection.execute(f"CREATE VIEW {side} AS SELECT *, file_row_number AS {key} FROM "
                           f"read_parquet('{path}', file_row_number = true)")
    pairs = cells_sql("l", "r", float(radius), "nearest")
    connection.execute(f"""
      COPY (WITH p AS ({pairs}) SELECT l.* EXCLUDE (i, file_row_number), r.* EXCLUDE (j, file_row_number), p.sep AS separation_arcsec
            FROM p JOIN l ON l.i = p.i JOIN r ON r.j = p.j) TO '{out}' (FORMAT parquet)""")
    count = connection.execute(f"SELECT count(*) FROM '{out}'").fetchone()[0]
    print(json.dumps({"name": "duckdb", "version": duckdb.__version__, "pairs": count}))


main()
