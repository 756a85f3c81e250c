"""Attacks the app as it is served with several Gradios, and writes what happened into SECURITY.md.

    python benchmarks/attacks.py PYTHON ...

Each PYTHON is the interpreter of an environment with a Gradio of its own and what the app needs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from attacks import ATTACKS, Target, picture  # noqa: E402
from browser.studio_app import served  # noqa: E402

PLACE = ROOT / "SECURITY.md"
BEGIN, END = "<!-- attacks: made by benchmarks/attacks.py -->", "<!-- end of attacks -->"


def attacked(python: str) -> tuple[str, dict[str, str]]:
    """The version of Gradio, and what came of each attack."""
    with tempfile.TemporaryDirectory() as place:
        outside = Path(place).resolve() / "outside"
        outside.mkdir()
        (outside / "secret.png").write_bytes(picture((80, 40)))
        folder = outside.parent / "work"
        results = {}
        with served(folder, python) as address:
            target = Target(address, folder, outside)
            for attack in ATTACKS:
                outcome = attack.run(target)
                results[attack.name] = outcome.how if outcome.held else f"**it got in: {outcome.how}**"
                print(f"{target.version}  {attack.name}: {results[attack.name]}", flush=True)
        return target.version, results


def table(columns: dict[str, dict[str, str]]) -> str:
    """Markdown: a row for each attack, a column for each Gradio."""
    head = [
        "| attack | " + " | ".join(f"Gradio {version}" for version in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    rows = [
        f"| {row.name} | " + " | ".join(results[row.name] for results in columns.values()) + " |" for row in ATTACKS
    ]
    return "\n".join(head + rows)


def main() -> None:
    columns = dict(attacked(python) for python in sys.argv[1:] or [sys.executable])
    text = PLACE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PLACE.write_text(f"{before}{BEGIN}\n\n{table(columns)}\n\n{END}{after}", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
