"""A short run of `python -m tests.fuzz`: whatever is put in, it is taken or refused in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("psutil")

from tests.fuzz.doors import DOORS
from tests.fuzz.runner import fuzz

LIGHT = ("picture", "mask", "arrays", "flow", "attention", "hints", "recipe", "setting", "request", "path", "archive")
"""Doors whose process loads neither torch nor compiled code; the others are for the long run."""


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of the tries finds these tests, wherever the run was begun."""
    root = str(Path(__file__).parent.parent)
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", root + (":" if sys.platform != "win32" else ";") + root)


@pytest.mark.usefixtures("importable")
def test_damaged_input_is_taken_or_refused_in_one_line(tmp_path: Path) -> None:
    tally = fuzz(LIGHT, 220, 7, tmp_path)
    assert tally.failed == 0, tally.failures
    assert sum(tally.counts.values()) == 220 and tally.counts["done"] and tally.counts["refused"]
    assert set(LIGHT) <= set(DOORS)
