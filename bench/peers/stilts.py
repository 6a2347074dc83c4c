"""STILTS as a black box, whole process: python3 stilts.py LEFT RIGHT RADIUS_ARCSEC FIND REPEATS

Times `stilts tmatch2` from FITS tables to a FITS table; the Java start and the files belong to it, so the figure is to
be read beside ours for files, not beside the kernel. A run that dies is tried once more (seen: SIGSEGV in the JVM).
"""

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
from astropy.table import Table


def main():
    left, right, radius, find, repeats = sys.argv[1:6]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, source, key in (("left", left, "i"), ("right", right, "j")):
            ra, dec = np.fromfile(f"{source}.ra"), np.fromfile(f"{source}.dec")
            Table({key: np.arange(ra.size), "ra": ra, "dec": dec}).write(folder / f"{name}.fits")
        out = folder / "out.fits"
        command = [
            "stilts", "-Xmx12g", "tmatch2", f"in1={folder / 'left.fits'}", f"in2={folder / 'right.fits'}",
            "matcher=sky", f"params={radius}", "values1=ra dec", "values2=ra dec", "join=1and2",
            f"find={'best1' if find == 'nearest' else 'all'}", "progress=none", f"out={out}",
        ]
        seconds = []
        for _ in range(int(repeats)):
            for attempt in (1, 2):
                start = time.perf_counter()
                result = subprocess.run(command, capture_output=True, text=True)
                if result.returncode == 0:
                    break
                if attempt == 2:
                    raise SystemExit(f"stilts failed twice: {result.stderr[-400:]}")
            seconds.append(time.perf_counter() - start)
        table = Table.read(out)
    text = subprocess.run(["stilts", "-version"], capture_output=True, text=True).stdout
    version = next(line.split()[-1] for line in text.splitlines() if "STILTS version" in line)
    print(json.dumps({
        "name": "stilts", "version": version, "seconds": seconds, "pairs": len(table),
        "separation_sum_arcsec": float(np.sum(table["Separation"])),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }))


main()
