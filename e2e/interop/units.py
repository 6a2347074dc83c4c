"""Units, UCDs and types as astropy writes them: ECSV parted by blanks and by commas, Parquet with its own metadata, and Parquet
with a VOTable. Positions in hours and radians must match those of the same stars in degrees, in every format.

    python e2e/interop/units.py        (needs astropy, pyarrow; the packages must be built)
"""

import math
import os
import random
import subprocess
import sys
import tempfile

import pyarrow.parquet as pq
from astropy.table import Table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARMILLA = ["node", os.path.join(ROOT, "cli", "bin", "armilla.mjs")]
ROWS = 500


def stars() -> tuple[Table, Table]:
    rng = random.Random(23)
    ra = [rng.uniform(0, 360) for _ in range(ROWS)]
    dec = [math.degrees(math.asin(rng.uniform(-1, 1))) for _ in range(ROWS)]
    degrees = Table({"id": range(ROWS), "ra": ra, "dec": dec})
    strange = Table(
        {
            "label": [f'{i:04d} "{i}"' if i % 7 else "" for i in range(ROWS)],
            "alpha": [x / 15 for x in ra],
            "beta": [math.radians(x) for x in dec],
            "number": list(range(ROWS)),
        }
    )
    strange["alpha"].unit, strange["alpha"].meta["ucd"] = "hourangle", "pos.eq.ra;meta.main"
    strange["beta"].unit, strange["beta"].meta["ucd"] = "rad", "pos.eq.dec;meta.main"
    strange["number"].description = 'a number: "the" one'
    return degrees, strange


def main() -> None:
    degrees, strange = stars()
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        degrees.write(path("degrees.csv"), format="ascii.csv")
        strange.write(path("blanks.ecsv"))
        strange.write(path("commas.ecsv"), delimiter=",")
        strange.write(path("astropy.parquet"))
        ucd = {"alpha": "pos.eq.ra;meta.main", "beta": "pos.eq.dec;meta.main"}
        about = {name: {"unit": str(strange[name].unit or ""), "ucd": ucd.get(name, "")} for name in strange.colnames}
        strange.write(path("votable.parquet"), format="parquet.votable", metadata=about)
        for name in ["blanks.ecsv", "commas.ecsv", "astropy.parquet", "votable.parquet"]:
            out = path(name + ".pairs.parquet")
            match = ["crossmatch", path("degrees.csv"), path(name), "--radius", "1mas", "--quiet", "-o", out]
            subprocess.run([*ARMILLA, *match], check=True)
            pairs = pq.read_table(out)
            assert pairs.num_rows == ROWS, (name, pairs.num_rows)
            assert pairs["id"].to_pylist() == pairs["number"].to_pylist(), name
            labels = ["" if text is None else text for text in pairs["label"].to_pylist()]
            assert labels == list(strange["label"]), (name, labels[:9])
            unit = pairs.schema.field("alpha").metadata[b"unit"].decode()
            print(f"{name}: {pairs.num_rows} pairs, alpha in {unit}")


if __name__ == "__main__":
    sys.exit(main())
