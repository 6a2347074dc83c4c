"""clients/python/armilla.py with tables of pyarrow, polars, pandas and astropy: all give the same pairs; errors, progress,
cancelling, stored tables."""

import os
import signal
import sys
import threading
import time

import astropy.coordinates
import astropy.table
import astropy.time
import astropy.units
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.flight

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))
import armilla  # noqa: E402

SERVER = f"grpc://{os.environ['ARMILLA_GRPC']}"
ROWS = 5000


def sky():
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(10, 11, ROWS), rng.uniform(-1, 0, ROWS)
    shift = rng.normal(0, 0.2 / 3600, (2, ROWS))
    order = rng.permutation(ROWS)
    left = pa.table({"source": [f"L{i}" for i in range(ROWS)], "ra": ra, "dec": dec, "mag": pa.array(rng.uniform(5, 20, ROWS), mask=rng.random(ROWS) < 0.1)})
    return left, pa.table({"id": np.arange(ROWS)[order], "ra": (ra + shift[0])[order], "dec": (dec + shift[1])[order]})


def reason_of(work):
    try:
        work()
    except armilla.ArmillaError as error:
        return error.reason
    raise AssertionError("it did not fail")


left, right = sky()
client = armilla.Armilla(SERVER)


def pairs(table):
    return list(zip(table["source"].to_pylist(), table["id"].to_pylist()))


def of_astropy(table):
    made = astropy.table.Table(table.to_pandas().to_dict("list"))
    made["ra"].unit = made["dec"].unit = astropy.units.deg
    if "mag" in made.colnames:
        made["mag"] = astropy.table.MaskedColumn(made["mag"], mask=np.isnan(made["mag"]))
        made["mag"] = made["mag"].astype(">f8")
    return made


truth = armilla.crossmatch(left, right, radius_arcsec=1, server=SERVER)
assert truth.num_rows > ROWS * 0.98, truth.num_rows
assert armilla.summary(truth)["left"]["rowCount"] == str(ROWS)
kinds = {
    "pyarrow": lambda table: table,
    "batches": lambda table: table.to_reader(max_chunksize=100),
    "polars": pl.from_arrow,
    "polars lazy": lambda table: pl.from_arrow(table).lazy(),
    "pandas": lambda table: table.to_pandas(),
    "astropy": of_astropy,
}
for name, make in kinds.items():
    found = client.crossmatch(make(left), make(right), radius_arcsec=1)
    assert pairs(found) == pairs(truth), name
    assert found["mag"].null_count == truth["mag"].null_count, name
    print(f"  {name}: {found.num_rows} pairs")

client.put("interop-right", right, ttl_seconds=600)
client.put("interop-left", pl.from_arrow(left), ttl_seconds=600)
assert client.get("interop-right").equals(right)
assert client.get("interop-left", ["source"])["source"].to_pylist() == left["source"].to_pylist()
for l, r in [("interop-left", "interop-right"), (left, "interop-right"), ("interop-left", right)]:
    assert pairs(client.crossmatch(l, r)) == pairs(truth)
assert {"interop-left", "interop-right"} <= {table["name"] for table in client.tables()}
groups = client.crossmatch("interop-left", radius_arcsec=60, self_match="groups")
assert groups.num_rows == ROWS and "group_id" in groups.column_names
options = {"find": "all", "columns": ["source", "id", "separation_arcsec"], "join": "left", "request_id": "interop-1"}
some = client.crossmatch(left, "interop-right", 2.5, **options)
assert some.column_names == options["columns"] and some.num_rows >= ROWS
assert client.result("interop-1")["summary"]["rowCount"] == str(some.num_rows)
assert int(client.explain(1, left_row_count=10**6, right_row_count=10**6)["plannedBytes"]) > 0
print("  stored tables, options, groups, summary, plan")

assert reason_of(lambda: client.crossmatch(left, right, -1)) == "RADIUS_OUT_OF_RANGE"
assert reason_of(lambda: client.crossmatch(left, "nowhere")) == "HANDLE_NOT_FOUND"
assert reason_of(lambda: client.crossmatch("nowhere", "interop-right")) == "HANDLE_NOT_FOUND"
assert reason_of(lambda: client.crossmatch(left, right, colour="red")) == "OPTION_UNKNOWN"
assert reason_of(lambda: client.put("interop-left", left, replace=False)) == "HANDLE_EXISTS"
assert reason_of(lambda: client.put("interop-bad", left.select(["source"]))) == "COLUMN_NOT_GUESSED"
assert reason_of(lambda: client.get("nowhere")) == "HANDLE_NOT_FOUND"
assert reason_of(lambda: client.delete("nowhere")) == "HANDLE_NOT_FOUND"
assert reason_of(lambda: armilla.crossmatch(left, right, server="grpc://127.0.0.1:9")) == "SERVER_UNAVAILABLE"
try:
    client.crossmatch(left, right, -1)
except armilla.ArmillaError as error:
    assert error.fields["got"] == "-1" and "radius" in error.message and str(error).endswith("[RADIUS_OUT_OF_RANGE]")
deg = astropy.units.deg
quantities = astropy.table.QTable({"ra": [10.0, 10.5] * deg, "dec": [-0.5, -0.1] * deg, "name": [b"x", b"y"]})
assert client.crossmatch(quantities, right, join="left")["name"].to_pylist() == ["x", "y"]
for columns, what in [
    ({"ra": [[1, 2]], "dec": [[1, 2]]}, "dimensions"),
    ({"position": astropy.coordinates.SkyCoord([1, 2] * deg, [1, 2] * deg)}, "SkyCoord"),
    ({"epoch": astropy.time.Time([2000, 2001], format="jyear")}, "Time"),
]:
    try:
        client.crossmatch(astropy.table.QTable(columns), right)
        raise AssertionError("it did not fail")
    except TypeError as error:
        assert what in str(error), error
assert [t["name"] for t in client.tables() if t["name"].startswith("py-")] == []
print("  errors carry reason, message and fields; nothing is left on the server")

rng = np.random.default_rng(6)
dense = pa.table({"ra": rng.uniform(0, 1, 400_000), "dec": rng.uniform(0, 1, 400_000)})
seen = []
client.crossmatch(dense, dense, 10, find="all", columns=["separation_arcsec"], progress=seen.append)
assert seen and seen[-1]["right_row_count"] == 400_000 and all(set(p) == set(seen[0]) for p in seen), seen
print(f"  progress was told {len(seen)} times")

assert reason_of(lambda: client.crossmatch(dense, dense, 60, find="all", timeout_s=1.5)) == "DEADLINE_EXCEEDED"
started = time.monotonic()
threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    client.crossmatch(dense, dense, 60, find="all", columns=["separation_arcsec"])
    raise AssertionError("it was not interrupted")
except KeyboardInterrupt:
    pass


def stop_at_once(_):
    raise RuntimeError("enough")


try:
    client.crossmatch(dense, dense, 60, find="all", columns=["separation_arcsec"], progress=stop_at_once)
    raise AssertionError("it was not ended")
except RuntimeError as error:
    assert str(error) == "enough"
assert [t["name"] for t in client.tables() if t["name"].startswith("py-")] == []
print(f"  Ctrl-C and a callback that raises end the call ({time.monotonic() - started:.1f} s)")

stopped, run = threading.Event(), armilla._interruptible
stopped.set()
armilla._interruptible = lambda work: work(stopped)
try:
    client.put("interop-cut", left)
    raise AssertionError("it was stored")
except pa.ArrowInvalid as error:
    assert "ARROW_TRUNCATED" in str(error)
armilla._interruptible = run
assert "interop-cut" not in {table["name"] for table in client.tables()}
print("  an interrupted put stores nothing")

three = client.crossmatch_tables([left, pl.from_arrow(right), "interop-right"], multi="groups", columns=["1.source", "2.id", "3.id", "ncat", "group_size"])
found = [row for row in three.to_pylist() if row["ncat"] == 3]
# In a larger group one row of a table stands for the others.
alone = {(row["source"], row["id_2"]) for row in found if row["group_size"] == 3}
assert alone <= set(pairs(truth)) and len(alone) > 0.9 * ROWS, f"several tables: {len(alone)}"
assert all(row["id_2"] == row["id_3"] for row in found)
assert armilla.summary(three)["tables"][0]["rowCount"] == str(ROWS)
dim = armilla.crossmatch_tables([left, right], join="left", table_options=[None, {"where": "id < 10"}], server=SERVER)
assert dim.num_rows == ROWS and dim["id"].null_count >= ROWS - 10
assert reason_of(lambda: client.crossmatch_tables([left])) == "OPTION_INVALID"
assert reason_of(lambda: client.crossmatch_tables([left, "nowhere"])) == "HANDLE_NOT_FOUND"
assert reason_of(lambda: client.crossmatch_tables([left, right], multi="triples")) == "OPTION_INVALID"
assert [t["name"] for t in client.tables() if t["name"].startswith("py-")] == []
print(f"  several tables: {len(found)} groups of all three")

plain = pyarrow.flight.connect(SERVER)
ticket = pyarrow.flight.Ticket(b'{"left": "interop-left", "right": "interop-right", "radius": "1arcsec", "order": "left"}')
assert pairs(plain.do_get(ticket).read_all()) == pairs(truth)
try:
    plain.do_get(pyarrow.flight.Ticket(b'{"table": "nowhere"}')).read_all()
    raise AssertionError("it did not fail")
except pa.ArrowKeyError as error:
    assert "[HANDLE_NOT_FOUND]" in str(error)
assert {flight.descriptor.path[0] for flight in plain.list_flights()} >= {b"interop-left", b"interop-right"}
for name in ("interop-left", "interop-right"):
    client.delete(name)
print("  pyarrow.flight by itself")
