"""LSDB, Parquet to Parquet, ids and separation: python3 lsdb_pairs.py LEFT.parquet RIGHT.parquet OUT.parquet RADIUS_ARCSEC

Prints one JSON object {name, version, pairs}; the caller measures the process.
"""

import json
import sys

import lsdb
import pandas as pd


def main():
    left, right, out, radius = sys.argv[1:5]
    catalogs = [lsdb.from_dataframe(pd.read_parquet(path), margin_threshold=max(float(radius), 5), drop_empty_siblings=True)
                for path in (left, right)]
    rows = catalogs[0].crossmatch(catalogs[1], radius_arcsec=float(radius), n_neighbors=1, suffixes=("_1", "_2")).compute()
    rows[["id_1", "id_2", "_dist_arcsec"]].to_parquet(out)
    print(json.dumps({"name": "lsdb", "version": lsdb.__version__, "pairs": len(rows)}))


main()
