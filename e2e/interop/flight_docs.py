"""The lines of Python in docs/flight.md, run in order against this server."""

import os
import pathlib
import re
import sys

import numpy as np
import pyarrow as pa

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients" / "python"))
page = (ROOT / "docs" / "flight.md").read_text()

import armilla  # noqa: E402

server = f"grpc://{os.environ['ARMILLA_GRPC']}"
# The snippets name the default server.
armilla.crossmatch.__kwdefaults__["server"] = server
armilla.crossmatch_tables.__kwdefaults__["server"] = server

rng = np.random.default_rng(2)
ra, dec = rng.uniform(50, 51, 1000), rng.uniform(20, 21, 1000)
survey = pa.table({"id": np.arange(1000), "ra": ra, "dec": dec})
reference = pa.table({"name": [f"R{i}" for i in range(900)], "ra": ra[:900], "dec": dec[:900]})
for kind, count in {"client": 3, "flight": 2}.items():
    names = {"survey": survey, "reference": reference}
    snippets = re.findall(rf"^```python {kind}\n(.*?)^```$", page, re.M | re.S)
    assert len(snippets) == count, kind
    for snippet in snippets:
        exec(snippet.replace("grpc://127.0.0.1:7430", server), names)
        assert names["pairs"].num_rows >= 900, names["pairs"].num_rows
    with armilla.Armilla(server) as client:
        for table in client.tables():
            client.delete(table["name"])
    print(f"  {kind}: {len(snippets)} snippets")
