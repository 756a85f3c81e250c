"""The README's table of the panel's settings; `python tests/readme_settings.py` makes it anew."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
START, END = "<!-- settings -->", "<!-- /settings -->"
sys.path[:0] = [str(ROOT)]

from t2c_ext.settings import Setting  # noqa: E402
from t2c_ext.webui.options import EVERYDAY, panel_rows  # noqa: E402


def settings_table() -> str:
    """The table in Markdown: the everyday settings first."""
    rows = sorted(panel_rows(), key=lambda row: EVERYDAY.index(row.name) if row.name in EVERYDAY else len(EVERYDAY))
    lines = ["| setting | name in requests | values | default | what it does |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, rows)])


def parts(text: str) -> tuple[str, str, str]:
    """What stands before, in and after the table's place."""
    before, rest = text.split(START)
    inside, after = rest.split(END)
    return before, inside.strip(), after


def _line(row: Setting) -> str:
    return f"| {row.label} | `{row.name}` | {_values(row)} | {_value(row.default)} | {_escaped(row.help)} |"


def _values(row: Setting) -> str:
    if row.choices:
        return ", ".join(f"`{choice}`" for choice in row.choices)
    if row.type is bool:
        return "yes, no"
    if row.type is str:
        return "text"
    return f"{row.minimum:g} to {row.maximum:g}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return f"`{value}`" if isinstance(value, str) and value else str(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    before, _, after = parts(README.read_text(encoding="utf-8"))
    README.write_text(f"{before}{START}\n{settings_table()}\n{END}{after}", encoding="utf-8", newline="\n")
