"""What a result says of itself, read by pyarrow, polars and DuckDB; and rows that stay the same on their way through
`armilla convert` and `armilla merge`.

    python e2e/interop/provenance.py        (needs pyarrow, polars, duckdb; the packages must be built)
"""

import json
import os
import subprocess
import sys
import tempfile

import duckdb
import polars as pl
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

ARMILLA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cli", "bin", "armilla.mjs")
KEY = "armilla.provenance"


def armilla(*args: str) -> None:
    subprocess.run(["node", ARMILLA, *args, "--quiet"], check=True)


def check(what: str, same: bool) -> int:
    print(f"{'ok    ' if same else 'FAILED'} {what}")
    return not same


def main() -> int:
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        with open(at("left.csv"), "w") as file:
            file.write("id,name,ra,dec\n9007199254740993,a,10,20\n-5,,10.001,20\n")
        armilla("crossmatch", "--self", at("left.csv"), "-r", "10", "-o", at("pairs.parquet"))
        rows = pl.read_parquet(at("pairs.parquet"))
        seen = {
            "pyarrow": pq.read_schema(at("pairs.parquet")).metadata[KEY.encode()],
            "polars": pl.read_parquet_metadata(at("pairs.parquet"))[KEY],
            "duckdb": duckdb.sql(
                f"SELECT decode(value) FROM parquet_kv_metadata('{at('pairs.parquet')}') WHERE decode(key) = '{KEY}'"
            ).fetchall()[0][0],
        }
        for program, text in seen.items():
            counts = json.loads(text)["counts"]
            failures += check(f"{program} reads the provenance of Parquet", counts["row_count"] == rows.height == 1)
        for name in ["pairs.arrow", "pairs.arrows", "pairs.csv"]:
            armilla("convert", at("pairs.parquet"), at(name))
        file_schema = ipc.open_file(at("pairs.arrow")).schema
        stream_schema = ipc.open_stream(at("pairs.arrows")).schema
        for schema, name, has_counts in [(file_schema, "Arrow file", True), (stream_schema, "Arrow stream", False)]:
            document = json.loads(schema.metadata[KEY.encode()])
            failures += check(
                f"pyarrow reads the provenance of an {name}, and what its input said",
                ("counts" in document) == has_counts and document["inputs"][0]["history"][0]["operation"] == "crossmatch",
            )
            unit = schema.field("separation_arcsec").metadata[b"unit"]
            failures += check(f"pyarrow reads the units of an {name}", unit == b"arcsec")
        failures += check("polars reads the rows of an Arrow file", pl.read_ipc(at("pairs.arrow")).equals(rows))
        failures += check("polars reads the rows of an Arrow stream", pl.read_ipc_stream(at("pairs.arrows")).equals(rows))
        armilla("merge", at("pairs.arrow"), at("pairs.parquet"), at("twice.parquet"))
        twice = duckdb.sql(f"SELECT count(*), min(id_1), max(id_2) FROM '{at('twice.parquet')}'").fetchall()[0]
        failures += check("DuckDB reads the merged rows", twice == (2, 9007199254740993, -5))
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
