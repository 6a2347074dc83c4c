"""One peer, one case, timed inside the process: python3 peer.py NAME LEFT RIGHT RADIUS_ARCSEC FIND REPEATS

LEFT and RIGHT name raw little-endian float64 files NAME.ra and NAME.dec (degrees). Prints one JSON object:
{name, version, seconds: [...], pairs, separation_sum_arcsec, peak_rss_mib}. The time runs from arrays in memory to
arrays of (left, right, separation) in memory, inclusive.
"""

import json
import resource
import sys
import time

import numpy as np

ARCSEC = np.pi / 180 / 3600


def load(name):
    return np.fromfile(f"{name}.ra"), np.fromfile(f"{name}.dec")


def unit_vectors(ra, dec):
    ra, dec = np.radians(ra), np.radians(dec)
    cos = np.cos(dec)
    return np.column_stack((cos * np.cos(ra), cos * np.sin(ra), np.sin(dec)))


def chord(radius_arcsec):
    return 2 * np.sin(radius_arcsec * ARCSEC / 2)


def arcsec_of_chord(distance):
    return 2 * np.arcsin(distance / 2) / ARCSEC


def sky_order(ra, dec, kind):
    """Order along declination strips of 0.1 degree, then right ascension: neighbours on the sky become neighbours in
    memory."""
    strip = np.floor((dec + 90) * 10)
    key = strip * 1000 + ra
    return np.argsort(key, kind=kind)


def scipy_kdtree(left, right, radius, find, sort=None):
    from scipy.spatial import cKDTree

    order_left = order_right = None
    if sort:
        order_left, order_right = sky_order(*left, sort), sky_order(*right, sort)
        left = left[0][order_left], left[1][order_left]
        right = right[0][order_right], right[1][order_right]
    xyz_left, xyz_right = unit_vectors(*left), unit_vectors(*right)
    bound = chord(radius)
    tree = cKDTree(xyz_right, balanced_tree=False, compact_nodes=False)
    if find == "nearest":
        distance, j = tree.query(xyz_left, distance_upper_bound=bound * (1 + 1e-12), workers=-1)
        i = np.flatnonzero(np.isfinite(distance))
        j, distance = j[i], distance[i]
    else:
        lists = tree.query_ball_point(xyz_left, bound, workers=-1)
        counts = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
        i = np.repeat(np.arange(len(lists)), counts)
        j = np.fromiter((x for row in lists for x in row), dtype=np.int64, count=int(counts.sum()))
        distance = np.linalg.norm(xyz_left[i] - xyz_right[j], axis=1)
    if sort:
        i, j = order_left[i], order_right[j]
    return i, j, arcsec_of_chord(distance)


def astropy_match(left, right, radius, find):
    from astropy import units as u
    from astropy.coordinates import SkyCoord, search_around_sky

    a, b = SkyCoord(*left, unit="deg"), SkyCoord(*right, unit="deg")
    if find == "nearest":
        j, separation, _ = a.match_to_catalog_sky(b)
        separation = separation.arcsec
        i = np.flatnonzero(separation <= radius)
        return i, j[i], separation[i]
    i, j, separation, _ = search_around_sky(a, b, radius * u.arcsec)
    return i, j, separation.arcsec


def duckdb_cells(left, right, radius, find):
    """Equi-join on cells of declination and right ascension (strips no narrower than the radius, the right side copied
    into the neighbouring cells), separation by haversine; pairs across the 0/360 seam are lost."""
    import duckdb

    connection = duckdb_cells.connection = getattr(duckdb_cells, "connection", None) or duckdb.connect()
    connection.execute("SET threads TO 2")
    l = {"i": np.arange(left[0].size), "ra": left[0], "dec": left[1]}
    r = {"j": np.arange(right[0].size), "ra": right[0], "dec": right[1]}
    import pyarrow as pa

    connection.register("l", pa.table(l))
    connection.register("r", pa.table(r))
    rows = connection.execute(cells_sql("l", "r", radius, find)).to_arrow_table()
    return rows["i"].to_numpy(), rows["j"].to_numpy(), rows["sep"].to_numpy()


def cells_sql(left, right, radius_arcsec, find, i="i", j="j"):
    size = max(radius_arcsec / 3600, 0.003)
    r = radius_arcsec / 3600
    pairs = f"""
      WITH a AS (SELECT {i} AS i, ra, dec, floor(dec / {size})::BIGINT AS cy,
                        floor(ra * cos(radians(floor(dec / {size}) * {size})) / {size})::BIGINT AS cx FROM {left}),
           strips AS (SELECT {j} AS j, ra, dec, unnest([floor((dec - {r}) / {size}), floor((dec + {r}) / {size})])::BIGINT AS cy
                      FROM {right}),
           b0 AS (SELECT DISTINCT j, ra, dec, cy FROM strips),
           b AS (SELECT DISTINCT j, ra, dec, cy, unnest([
                   floor(ra * cos(radians(cy * {size})) / {size} - {r / size} * 1.0001),
                   floor(ra * cos(radians(cy * {size})) / {size} + {r / size} * 1.0001)])::BIGINT AS cx FROM b0),
           c AS (SELECT i, j, 2 * degrees(asin(sqrt(pow(sin(radians(b.dec - a.dec) / 2), 2)
                   + cos(radians(a.dec)) * cos(radians(b.dec)) * pow(sin(radians(b.ra - a.ra) / 2), 2)))) * 3600 AS sep
                 FROM a JOIN b ON a.cy = b.cy AND a.cx = b.cx)
      SELECT i, {"arg_min(j, sep) AS j, min(sep) AS sep" if find == "nearest" else "j, sep"}
      FROM c WHERE sep <= {radius_arcsec} {"GROUP BY i" if find == "nearest" else ""}"""
    return pairs


def lsdb_match(left, right, radius, find):
    import lsdb
    import pandas as pd

    a = lsdb.from_dataframe(pd.DataFrame({"i": np.arange(left[0].size), "ra": left[0], "dec": left[1]}),
                            margin_threshold=max(radius, 5), drop_empty_siblings=True)
    b = lsdb.from_dataframe(pd.DataFrame({"j": np.arange(right[0].size), "ra": right[0], "dec": right[1]}),
                            margin_threshold=max(radius, 5), drop_empty_siblings=True)
    neighbours = 1 if find == "nearest" else 20
    rows = a.crossmatch(b, radius_arcsec=radius, n_neighbors=neighbours, suffixes=("_1", "_2")).compute()
    return rows["i_1"].to_numpy(), rows["j_2"].to_numpy(), rows["_dist_arcsec"].to_numpy()


def version_of(module):
    return lambda: __import__(module).__version__


PEERS = {
    "scipy": (scipy_kdtree, version_of("scipy")),
    "scipy-sorted": (lambda *a: scipy_kdtree(*a, sort="quicksort"), version_of("scipy")),
    "scipy-sorted-stable": (lambda *a: scipy_kdtree(*a, sort="stable"), version_of("scipy")),
    "astropy": (astropy_match, version_of("astropy")),
    "duckdb": (duckdb_cells, version_of("duckdb")),
    "lsdb": (lsdb_match, version_of("lsdb")),
}


def main():
    name, left_name, right_name, radius, find, repeats = sys.argv[1:7]
    match, version = PEERS[name]
    left, right = load(left_name), load(right_name)
    seconds = []
    for repeat in range(int(repeats)):
        # The same work on arrays that no cache has seen in this order.
        shift = repeat * 1e-7
        moved = (left[0] + shift, left[1]), (right[0] + shift, right[1])
        start = time.perf_counter()
        i, j, separation = match(*moved, float(radius), find)
        seconds.append(time.perf_counter() - start)
        if repeat == 0:
            pairs, total = int(len(i)), float(np.sum(separation))
    print(json.dumps({
        "name": name, "version": version(), "seconds": seconds, "pairs": pairs, "separation_sum_arcsec": total,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))


if __name__ == "__main__":
    main()
