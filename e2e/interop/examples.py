"""The examples in Python: scripts print what they promise, the cells of notebooks run in order."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ["ARMILLA_PYTHON"] = str(ROOT / "clients" / "python")

for script in sorted((ROOT / "examples").glob("*/run.py")):
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (script.parent / "expected.txt").read_text(), result.stdout
    print(f"  {script.parent.name}")

for notebook in sorted((ROOT / "examples").glob("*/*.ipynb")):
    names = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(notebook.read_text())["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec"), names)
    print(f"  {notebook.parent.name}")
