"""Parquet both ways: files of pyarrow, polars and DuckDB are read and written again by @armilla/tables, and every one of
the three must read the copy with the values of the original.

    python e2e/interop/parquet.py        (needs pyarrow, polars, duckdb, pytz; the packages must be built)
"""

import decimal
import os
import random
import subprocess
import sys
import tempfile

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 10_000


def table() -> pa.Table:
    rng = random.Random(17)

    def column(kind, draw, nulls=0.1):
        return pa.array([None if rng.random() < nulls else draw(i) for i in range(ROWS)], kind)

    return pa.table(
        {
            "id": pa.array(range(10**15, 10**15 + ROWS), pa.int64()),
            "i8": column(pa.int8(), lambda i: rng.randint(-128, 127)),
            "u16": column(pa.uint16(), lambda i: rng.randint(0, 65535)),
            "i32": column(pa.int32(), lambda i: rng.randint(-(2**31), 2**31 - 1)),
            "u64": column(pa.uint64(), lambda i: rng.randint(0, 2**64 - 1)),
            "f32": column(pa.float32(), lambda i: rng.gauss(0, 1)),
            "f64": column(pa.float64(), lambda i: rng.gauss(0, 1)),
            "flag": column(pa.bool_(), lambda i: rng.random() < 0.4),
            "text": column(pa.string(), lambda i: "αβγ star " * rng.randint(0, 5) + str(i)),
            "kind": column(pa.string(), lambda i: ["G", "K", "M"][i % 3]),
            "bytes": column(pa.binary(), lambda i: rng.randbytes(rng.randint(0, 40))),
            "date": column(pa.date32(), lambda i: rng.randint(-9999, 30000)),
            "ms": column(pa.timestamp("ms", "UTC"), lambda i: rng.randint(-(10**12), 10**12)),
            "us": column(pa.timestamp("us"), lambda i: rng.randint(-(10**15), 10**15)),
            "decimal": column(pa.decimal128(20, 3), lambda i: decimal.Decimal(rng.randint(-(10**15), 10**15)).scaleb(-3)),
            "all": column(pa.float64(), lambda i: i / 3, nulls=0),
            "none": column(pa.float64(), lambda i: 0, nulls=1),
        }
    )


def readers(path: str) -> dict[str, pa.Table]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return {
        "pyarrow": pq.read_table(path, page_checksum_verification=True),
        "polars": pl.read_parquet(path).to_arrow(),
        "duckdb": connection.sql(f"SELECT * FROM '{path}'").to_arrow_table(),
    }


def values(data: pa.Table) -> dict[str, list]:
    return {name: data[name].to_pylist() for name in data.column_names}


def copy(path: str, to: str, codec: str, workers: int) -> subprocess.CompletedProcess:
    command = ["node", os.path.join(HERE, "parquet.mjs"), path, to, codec, str(workers)]
    return subprocess.run(command, capture_output=True, text=True)


def altered(path: str) -> str:
    """A copy of which the last byte of the first page of column `all` is another one."""
    column = next(c for i in range(99) if (c := pq.read_metadata(path).row_group(0).column(i)).path_in_schema == "all")
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    with open(f"{path}.altered", "wb") as file:
        file.write(content)
    return f"{path}.altered"


def checksums(folder: str, data: pa.Table) -> list[tuple[str, bool]]:
    """Whether altered pages are seen: ours by pyarrow, those of pyarrow by us."""
    theirs, ours = os.path.join(folder, "theirs.parquet"), os.path.join(folder, "ours.parquet")
    pq.write_table(data, theirs, compression="none", use_dictionary=False, write_page_checksum=True)
    copy(theirs, ours, "uncompressed", 0).check_returncode()
    try:
        pq.read_table(altered(ours), page_checksum_verification=True)
        seen = "nothing"
    except OSError as error:
        seen = str(error)
    refused = copy(altered(theirs), os.path.join(folder, "none.parquet"), "auto", 0)
    return [
        ("an altered page of ours is refused by pyarrow", "CRC checksum verification failed" in seen),
        ("an altered page of pyarrow's is refused by us", "the checksum of the page at byte" in refused.stderr),
    ]


def main() -> int:
    data = table()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        originals = {name: os.path.join(folder, f"{name}.parquet") for name in ["pyarrow", "pyarrow-v2", "polars", "duckdb"]}
        pq.write_table(data, originals["pyarrow"], row_group_size=3000, write_page_checksum=True)
        pq.write_table(data, originals["pyarrow-v2"], data_page_version="2.0", compression="zstd")
        pl.from_arrow(data).write_parquet(originals["polars"])
        connection = duckdb.connect()
        connection.register("data", data)
        connection.execute(f"COPY (SELECT * FROM data) TO '{originals['duckdb']}' (FORMAT parquet, CODEC 'zstd')")
        for program, path in originals.items():
            # Each program's own reading of its own file is the truth: types of its own (128-bit times) included.
            truth = readers(path)
            for codec, workers in [("auto", 0), ("snappy", 2), ("gzip", 2), ("uncompressed", 0)]:
                copied = os.path.join(folder, f"{program}-{codec}-copy.parquet")
                copy(path, copied, codec, workers).check_returncode()
                for reader, seen in readers(copied).items():
                    same = values(seen) == values(truth[reader])
                    failures += not same
                    print(f"{'ok    ' if same else 'FAILED'} written by {program}, copied as {codec} with {workers} workers, read by {reader}")
        for what, same in checksums(folder, data):
            failures += not same
            print(f"{'ok    ' if same else 'FAILED'} {what}")
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
