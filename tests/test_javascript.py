"""The studio's modules in node: geometry, masks, document, field, and the talk with Python."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "javascript"
OLDEST = 20


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    major = re.match(r"v(\d+)", version)
    if major is None or int(major[1]) < OLDEST:
        pytest.skip(f"node {version} is older than {OLDEST}")
    return found


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.mjs")), ids=lambda file: file.name.partition(".")[0])
def test_module(file: Path) -> None:
    done = subprocess.run([node(), "--test", str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE), done.stdout[-1000:]


def test_every_module_is_well_formed() -> None:
    program = node()
    for file in sorted((ROOT / "javascript").rglob("*.*js")):
        done = subprocess.run([program, "--check", str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_host_finds_one_script_only() -> None:
    """Hosts load every script that lies at the top; modules would fail there."""
    assert [file.name for file in (ROOT / "javascript").glob("*.*js")] == ["cinemagraph.js"]


def test_every_rule_of_style_stays_below_our_class() -> None:
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "style.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"\([^(){}]*\)", "", text)
    selectors = [part.strip() for rule in re.findall(r"([^{}]+)\{", text) for part in rule.split(",")]
    strangers = [one for one in selectors if not re.match(r"\.t2c(-hidden)?(?=[ :.]|$)|@container|@media", one)]
    assert len(selectors) > 100
    assert strangers == []
