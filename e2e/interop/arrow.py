"""Arrow both ways: random tables of every type that pyarrow, polars and DuckDB write, in both IPC formats, sliced, in
batches of any size, compressed or not, are read and written again by @armilla/tables; pyarrow must find the values of
the original in each copy.

    python e2e/interop/arrow.py [SEED]        (needs pyarrow, polars, duckdb, numpy, pytz; the packages must be built)
"""

import decimal
import os
import random
import subprocess
import sys
import tempfile

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = 300
FLAT = [
    pa.bool_(), pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64(), pa.float16(),
    pa.float32(), pa.float64(), pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view(),
    pa.binary(5), pa.date32(), pa.time32("s"), pa.time64("ns"), pa.timestamp("ms"), pa.timestamp("us", "Europe/Paris"),
    pa.duration("ms"), pa.decimal32(6, 2), pa.decimal64(15, 2), pa.decimal128(12, 3), pa.decimal256(40, 2), pa.null(),
    pa.month_day_nano_interval(),
]  # fmt: skip


def some_type(rng, depth=0):
    if depth > 2 or rng.random() < 0.6:
        return rng.choice(FLAT)
    inner = some_type(rng, depth + 1)
    return rng.choice(
        [
            lambda: pa.list_(inner),
            lambda: pa.large_list(inner),
            lambda: pa.list_(inner, rng.randrange(1, 4)),
            lambda: pa.list_view(inner),
            lambda: pa.large_list_view(inner),
            lambda: pa.map_(pa.string(), inner),
            lambda: pa.struct([("a", inner), ("b", some_type(rng, depth + 1))]),
            lambda: pa.dictionary(rng.choice([pa.int8(), pa.uint16(), pa.int32(), pa.int64()]), rng.choice([pa.string(), pa.large_string(), pa.int64(), pa.float64()])),
            lambda: pa.run_end_encoded(rng.choice([pa.int16(), pa.int32(), pa.int64()]), rng.choice([pa.string(), pa.float64()])),
        ]
    )()


def value(rng, kind):
    t = pa.types
    if t.is_null(kind) or rng.random() < 0.15:
        return None
    if t.is_boolean(kind):
        return rng.random() < 0.5
    if t.is_integer(kind):
        low = -(1 << (kind.bit_width - 1)) if t.is_signed_integer(kind) else 0
        return rng.randrange(low, low + (1 << kind.bit_width))
    if t.is_float16(kind):
        return np.float16(rng.uniform(-10, 10))
    if t.is_floating(kind):
        return rng.choice([rng.uniform(-1e3, 1e3), float("nan"), float("inf"), -0.0])
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return "".join(rng.choice("abcéΩ☃😀 ") for _ in range(rng.choice([0, 1, 5, 12, 13, 40])))
    if t.is_fixed_size_binary(kind):
        return rng.randbytes(kind.byte_width)
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind):
        return rng.randbytes(rng.choice([0, 1, 12, 13, 30]))
    if t.is_date32(kind) or t.is_time32(kind):
        return rng.randrange(80000)
    if t.is_time64(kind):
        return rng.randrange(86400) * 10**9
    if t.is_timestamp(kind) or t.is_duration(kind):
        return rng.randrange(-(10**9), 10**12)
    if t.is_decimal(kind):
        return decimal.Decimal(rng.randrange(-99999, 99999)).scaleb(-kind.scale)
    if t.is_interval(kind):
        return pa.MonthDayNano([rng.randrange(-5, 5), rng.randrange(-5, 5), rng.randrange(-(10**12), 10**12)])
    if t.is_map(kind):
        return [(f"k{i}", value(rng, kind.item_type)) for i in range(rng.randrange(3))]
    if t.is_struct(kind):
        return {field.name: value(rng, field.type) for field in kind}
    if t.is_dictionary(kind) or t.is_run_end_encoded(kind):
        return value(rng, kind.value_type)
    count = kind.list_size if t.is_fixed_size_list(kind) else rng.randrange(4)
    return [value(rng, kind.value_type) for _ in range(count)]


def column(rng, kind, rows):
    if pa.types.is_run_end_encoded(kind):
        runs = sum([[value(rng, kind.value_type)] * rng.randrange(1, 5) for _ in range(rows)], [])[:rows]
        return pc.run_end_encode(pa.array(runs, kind.value_type), kind.run_end_type)
    if pa.types.is_dictionary(kind):
        few = [value(rng, kind.value_type) for _ in range(5)]
        return pa.array([rng.choice(few) for _ in range(rows)], kind.value_type).dictionary_encode().cast(kind)
    return pa.array([value(rng, kind) for _ in range(rows)], kind)


def of_pyarrow(rng, folder):
    for i in range(TABLES):
        rows = rng.choice([0, 1, 2, 7, 8, 9, 33, 100])
        columns = {}
        for n in range(rng.randrange(1, 7)):
            kind = some_type(rng)
            try:
                columns[f"c{n}"] = column(rng, kind, rows)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError):
                continue  # pyarrow cannot make every combination itself
        table = pa.table(columns)
        if rng.random() < 0.4:
            table = table.slice(rng.randrange(rows // 2 + 1), rng.randrange(rows // 2 + 1))
        file = rng.random() < 0.3
        path = os.path.join(folder, f"pyarrow{i}.{'arrow' if file else 'arrows'}")
        options = pa.ipc.IpcWriteOptions(compression=rng.choice([None, None, "lz4", "zstd"]))
        try:
            with (pa.ipc.new_file if file else pa.ipc.new_stream)(path, table.schema, options=options) as writer:
                for batch in table.to_batches(max_chunksize=rng.choice([1000, 13, 5])):
                    writer.write_batch(batch)
        except pa.ArrowInvalid:
            os.remove(path)  # a file cannot replace a dictionary


def of_polars(rng, folder):
    kinds = [
        pl.Int8, pl.Int64, pl.UInt16, pl.Float32, pl.Float64, pl.String, pl.Categorical, pl.Boolean, pl.Date, pl.Binary, pl.Time, pl.Null,
        pl.Datetime("us", "UTC"), pl.Duration("ms"), pl.Decimal(20, 2), pl.List(pl.String), pl.List(pl.Categorical), pl.Array(pl.Int32, 2),
    ]  # fmt: skip
    for i in range(40):
        rows = rng.choice([0, 1, 3, 8, 65, 1000])
        names = [None if rng.random() < 0.2 else f"{rng.randrange(30)} ☃ with more bytes"[: rng.randrange(25)] for _ in range(rows)]
        series = {}
        for kind in kinds:
            numbers = pl.Series([None if rng.random() < 0.2 else rng.randrange(100) for _ in range(rows)], dtype=pl.Int64)
            texts = pl.Series(names, dtype=pl.String)
            if kind in (pl.String, pl.Categorical, pl.Binary):
                series[str(kind)] = texts.cast(kind)
            elif isinstance(kind, pl.List):
                series[str(kind)] = pl.Series([None if n is None else [n, None] for n in names], dtype=pl.List(pl.String)).cast(kind)
            elif isinstance(kind, pl.Array):
                series[str(kind)] = pl.Series([None if n is None else [1, None] for n in names], dtype=kind)
            elif kind == pl.Null:
                series[str(kind)] = pl.Series([None] * rows, dtype=pl.Null)
            else:
                series[str(kind)] = numbers.cast(kind)
        frame = pl.DataFrame(series)
        if rng.random() < 0.5:
            frame = pl.concat([frame, frame.slice(rows // 3, rows // 3)], rechunk=False)
        file = rng.random() < 0.4
        write = frame.write_ipc if file else frame.write_ipc_stream
        level = pl.CompatLevel.oldest() if rng.random() < 0.3 else pl.CompatLevel.newest()
        write(os.path.join(folder, f"polars{i}.{'arrow' if file else 'arrows'}"), compression=rng.choice(["uncompressed", "lz4", "zstd"]), compat_level=level)


def of_duckdb(folder):
    queries = [
        "select uuid() as u, 1::hugeint as h, interval '1 day' as iv, time '01:02:03' as t, timestamptz '2020-01-01' as tz, timestamp_ns '2020-01-01' as ns, '101'::bit as b from range(10)",
        "select range as r, [range::varchar] as ls, [[range]] as ll, [1, 2, 3]::int[3] as fa, {'a': {'b': range}} as st, map {'x': [range]} as m, union_value(k := range) as un, nullif(range, 3) as n from range(3000)",
        "select range::decimal(4, 1) as a, range::decimal(18, 3) as b, range::decimal(38, 3) as c, ('v' || (range % 3))::enum('v0', 'v1', 'v2') as e, null as n, (range::varchar)::blob as bl from range(100)",
    ]
    settings = ["set threads = 2", "set produce_arrow_string_view = true", "set arrow_large_buffer_size = true", "set arrow_output_list_view = true", "set arrow_lossless_conversion = true"]
    for i, setting in enumerate(settings):
        connection = duckdb.connect()
        connection.sql(setting)
        for j, query in enumerate(queries):
            table = connection.sql(query).to_arrow_table()
            with pa.ipc.new_stream(os.path.join(folder, f"duckdb{i}-{j}.arrows"), table.schema) as writer:
                writer.write_table(table, max_chunksize=700)


def read(path):
    with open(path, "rb") as source:
        content = source.read()
    return (pa.ipc.open_file if content[:6] == b"ARROW1" else pa.ipc.open_stream)(content).read_all()


def values(data):
    """As text, so that NaN equals itself; times finer than Python's as integers."""
    kind = data.type
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind) or pa.types.is_duration(kind):
        data = data.cast(pa.int64())
    return [str(v) for v in data.to_pylist()]


def main() -> int:
    rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 17)
    failures = compared = 0
    with tempfile.TemporaryDirectory() as originals, tempfile.TemporaryDirectory() as copies:
        of_pyarrow(rng, originals)
        of_polars(rng, originals)
        of_duckdb(originals)
        subprocess.run(["node", os.path.join(HERE, "arrow.mjs"), originals, copies], check=True)
        for name in sorted(os.listdir(originals)):
            truth = read(os.path.join(originals, name))
            for kind in ["stream", "file", "store"]:
                copy = read(os.path.join(copies, f"{name}.{kind}"))
                copy.validate(full=True)
                step = -1 if kind == "store" else 1
                for i, column_name in enumerate(truth.column_names):
                    compared += 1
                    if values(truth.column(i))[::step] != values(copy.column(i)):
                        failures += 1
                        print(f"FAILED {name} {kind}: {column_name} of type {truth.schema.field(i).type}")
    print(f"{compared} columns compared, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
