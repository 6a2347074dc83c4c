"""FITS tables as astropy writes them: every type, nulls, unsigned integers, scaled columns and vectors, against what pyarrow reads
of the Parquet file that armilla makes of them.

    python e2e/interop/fits.py        (needs astropy, pyarrow; the packages must be built)
"""

import math
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import Table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARMILLA = ["node", os.path.join(ROOT, "cli", "bin", "armilla.mjs")]
ROWS = 70_000


def table() -> fits.BinTableHDU:
    rng = np.random.default_rng(29)
    column = fits.Column
    integers = lambda kind: rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, ROWS, dtype=kind, endpoint=True)
    words = np.array(["".join(random.Random(i).choices("abc xyz", k=i % 9)).strip() for i in range(ROWS)])
    return fits.BinTableHDU.from_columns(
        [
            column("ra", "D", unit="deg", array=rng.uniform(0, 360, ROWS)),
            column("mag", "E", unit="mag", array=np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(18, 2, ROWS))),
            column("i16", "I", array=integers(np.int16)),
            column("u16", "I", bzero=2**15, array=integers(np.uint16)),
            column("i32", "J", array=integers(np.int32)),
            column("u32", "J", bzero=2**31, array=integers(np.uint32)),
            column("i64", "K", array=integers(np.int64)),
            column("u64", "K", bzero=2**63, array=integers(np.uint64)),
            column("u8", "B", array=integers(np.uint8)),
            column("flag", "L", array=rng.random(ROWS) < 0.4),
            column("name", "9A", array=words),
            column("vector", "3D", array=rng.normal(0, 1, (ROWS, 3))),
        ]
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        hdu = table()
        fits.HDUList([fits.PrimaryHDU(np.zeros((5, 7))), fits.ImageHDU(np.ones((3, 3))), hdu]).writeto(path("a.fits"))
        flat = [name for name in hdu.columns.names if name != "vector"]
        convert = ["convert", path("a.fits"), path("a.parquet"), "--columns", ",".join(flat), "--quiet"]
        subprocess.run([*ARMILLA, *convert], check=True)
        wanted = Table.read(path("a.fits"), hdu=2)
        got = pq.read_table(path("a.parquet"))
        assert got.schema.field("ra").metadata[b"unit"] == b"deg"
        for name in flat:
            for row, (a, b) in enumerate(zip(got[name].to_pylist(), wanted[name].tolist())):
                same = (a is None and (b is None or (isinstance(b, float) and math.isnan(b)))) or (a or "") == (b or "")
                assert same, (name, row, a, b)
        subprocess.run([*ARMILLA, "convert", path("a.fits"), path("a.arrow"), "--quiet"], check=True)
        import pyarrow.feather as feather

        vectors = np.array(feather.read_table(path("a.arrow"))["vector"].to_pylist())
        assert (vectors == hdu.data["vector"]).all()
        print(f"fits: {ROWS} rows, {len(flat) + 1} columns equal")


if __name__ == "__main__":
    sys.exit(main())
