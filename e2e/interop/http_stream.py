"""The HTTP stream as pyarrow, polars, DuckDB and astropy read it; uploads in every format that they write."""

import io
import os

import astropy.table
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import requests

URL = os.environ["ARMILLA_URL"]
ROWS = 5000


def sky():
    rng = np.random.default_rng(5)
    ra = rng.uniform(10, 11, ROWS)
    dec = rng.uniform(-1, 0, ROWS)
    shift = rng.normal(0, 0.2 / 3600, (2, ROWS))
    left = pa.table({"source": pa.array([f"L{i}" for i in range(ROWS)]), "ra": ra, "dec": dec})
    order = rng.permutation(ROWS)
    right = pa.table({"id": np.arange(ROWS)[order], "ra": (ra + shift[0])[order], "dec": (dec + shift[1])[order]})
    return left, right


def arrow_stream(table):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def arrow_file(table):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def parquet(table, **options):
    sink = io.BytesIO()
    pa.parquet.write_table(table, sink, **options)
    return sink.getvalue()


def csv(table):
    sink = io.BytesIO()
    pa.csv.write_csv(table, sink)
    return sink.getvalue()


def match(left, right, accept=None, **options):
    answer = requests.post(
        f"{URL}/v1/crossmatch",
        params={"radius": "1arcsec", "order": "left", **options},
        files={"right": ("right", right), "left": ("left", left)},
        headers={"Accept": accept} if accept else {},
        timeout=120,
    )
    assert answer.status_code == 200, answer.text
    return answer


left, right = sky()
truth = None
uploads = {
    "arrow stream": (arrow_stream(left), arrow_stream(right)),
    "arrow file": (arrow_file(left), arrow_file(right)),
    "parquet": (parquet(left), parquet(right, compression="zstd")),
    "csv": (csv(left), csv(right)),
    "polars stream": (pl.from_arrow(left).write_ipc_stream(None).getvalue(), pl.from_arrow(right).write_ipc_stream(None).getvalue()),
}
for name, (l, r) in uploads.items():
    table = pa.ipc.open_stream(match(l, r).content).read_all()
    assert table.num_rows > ROWS * 0.98, (name, table.num_rows)
    pairs = list(zip(table["source"].to_pylist(), table["id"].to_pylist()))
    if truth is None:
        truth = pairs
    assert pairs == truth, name
    print(f"  upload {name}: {table.num_rows} rows")

l, r = uploads["arrow stream"]
frame = pl.read_ipc_stream(io.BytesIO(match(l, r).content))
assert list(zip(frame["source"], frame["id"])) == truth
print(f"  polars {pl.__version__} reads the stream")

reader = pa.ipc.open_stream(match(l, r).content)
assert duckdb.sql("SELECT count(*), max(separation_arcsec) <= 1.0000000001 FROM reader").fetchall() == [(len(truth), True)]
print(f"  DuckDB {duckdb.__version__} reads the stream")

text = match(l, r, accept="text/csv").text
table = astropy.table.Table.read(text, format="ascii.csv")
assert list(zip(table["source"], table["id"])) == truth
print(f"  astropy {astropy.__version__} reads the CSV answer")

table = pa.parquet.read_table(io.BytesIO(match(l, r, accept="application/vnd.apache.parquet").content))
assert list(zip(table["source"].to_pylist(), table["id"].to_pylist())) == truth
table = pa.ipc.open_file(match(l, r, accept="application/vnd.apache.arrow.file").content).read_all()
assert list(zip(table["source"].to_pylist(), table["id"].to_pylist())) == truth
print(f"  pyarrow {pa.__version__} reads the Parquet and the Arrow file answer")

answer = requests.post(f"{URL}/v1/crossmatch", params={"radius": "-1"}, files={"right": ("r", r), "left": ("l", l)}, timeout=60)
assert answer.status_code == 400 and answer.json()["reason"] == "RADIUS_OUT_OF_RANGE", answer.text
print("  a bad radius is refused with its reason")
