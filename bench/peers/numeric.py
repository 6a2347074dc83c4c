"""NumPy and SciPy on one numeric operation, timed inside the process: python3 numeric.py OPERATION DTYPE N REPEATS

Prints one JSON object: {name, version, seconds: [...]}. Operands and result are arrays in memory that exist before the
clock runs, as they are for ours. `matmul` is NumPy's OpenBLAS on all cores.
"""

import json
import sys
import time

import numpy as np

operation, dtype, n, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(1)
TYPES = {"f32": np.float32, "f64": np.float64, "u8": np.uint8}


def numbers(*shape):
    if dtype == "u8":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return rng.standard_normal(shape).astype(TYPES[dtype])


name, version = "numpy", np.__version__
if operation == "matmul":
    left, right = numbers(n, n), numbers(n, n)
    out = np.empty_like(left)
    run = lambda: np.matmul(left, right, out=out)
elif operation == "batchedMatmul":
    left, right = numbers(10, n, n), numbers(10, n, n)
    out = np.empty_like(left)
    run = lambda: np.matmul(left, right, out=out)
elif operation == "distance":
    import scipy
    from scipy.spatial.distance import cdist

    name, version = "scipy", scipy.__version__
    left, right = numbers(n, 3), numbers(n, 3)
    if dtype == "f64":
        out = np.empty((n, n))
        run = lambda: cdist(left, right, out=out)
    else:
        run = lambda: cdist(left, right)
else:
    left, right = numbers(n), numbers(n)
    out = np.empty_like(left)
    run = {
        "xor": lambda: np.bitwise_xor(left, right, out=out),
        "add": lambda: np.add(left, right, out=out),
        "exp": lambda: np.exp(left, out=out),
        "sum": lambda: np.sum(left),
        "max": lambda: np.max(left),
    }[operation]

run()
run()
seconds = []
for _ in range(repeats):
    start = time.perf_counter()
    run()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"name": name, "version": version, "seconds": seconds}))
