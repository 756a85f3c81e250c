"""What the extension adds to the WebUI's start: seconds of CPU for importing it, and for what its page is made from.

python benchmarks/startup.py [--python PYTHON] [--runs 5] [--readme]

Each run is a process of its own, in which what the WebUI itself loads (torch, Gradio, OpenCV, Pillow, where they are
installed) is there already; a stand-in plays the host. The least of all runs counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tables import show

ROOT = Path(__file__).resolve().parents[1]

PARTS = {
    "the script and the settings": ("t2c_ext.webui.register", "t2c_ext.webui.script", "t2c_ext.webui.panel"),
    "the tab's page": ("t2c_ext.ui.blocks", "t2c_ext.webui.host_twin"),
}
"""What is imported when the WebUI loads extensions, and when it makes its page."""

HEAVY = ("scipy.ndimage", "scipy.spatial", "scipy.sparse", "numba", "skimage", "av")

CODE = """
import importlib, json, sys, time
for name in ("numpy", "torch", "gradio", "cv2", "PIL.Image"):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
heavy, found = {heavy!r}, []
for modules in {parts!r}:
    before = {{name for name in heavy if name in sys.modules}}
    start = time.process_time()
    for module in modules:
        importlib.import_module(module)
    seconds = time.process_time() - start
    found.append([seconds, sorted({{name for name in heavy if name in sys.modules}} - before)])
print(json.dumps(found))
"""


def measured(python: str) -> list[tuple[float, list[str]]]:
    """Seconds of CPU of each part in a new process, and the heavy packages that it brings."""
    code = CODE.format(heavy=HEAVY, parts=list(PARTS.values()))
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "fake_host")))
    done = subprocess.run(
        [python, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    return [(float(seconds), list(names)) for seconds, names in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    """Measure, and print the table or put it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the WebUI's Python")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--readme", action="store_true", help="replace the table in benchmarks/README.md")
    given = parser.parse_args()
    runs = [measured(given.python) for _ in range(given.runs)]
    lines = ["| part | seconds of CPU | heavy packages that it loads |", "|---|---|---|"]
    for number, part in enumerate(PARTS):
        seconds = min(run[number][0] for run in runs)
        lines.append(f"| {part} | {seconds:.2f} | {', '.join(runs[0][number][1]) or 'none'} |")
    show("startup", lines, in_readme=given.readme)


if __name__ == "__main__":
    main()
