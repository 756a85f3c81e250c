"""Sentences on a page and in an answer to a request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from t2c_ext.wording import for_a_page, for_a_request

SENTENCES = {
    "name it (--motion); paint a mask (--mask) or choose with --region: x": (
        "name it (Motion); paint a mask or choose with Region: x",
        "name it (motion); paint a mask (mask) or choose with region: x",
    ),
    "say where it lies with --lora-folder": (
        "say where it lies with LoRA folder",
        "say where it lies with lora_folder",
    ),
    "try --precision fp32 or bf16": ("try Precision fp32 or bf16", "try precision fp32 or bf16"),
    "draw them (--arrows)": ("draw them (Hints)", "draw them (hints)"),
    "or keep the pictures (--workspace) and choose": ("or keep the pictures and choose",) * 2,
    "phase_spread is 3, but must be more": (
        "Phase spread is 3, but must be more",
        "phase_spread is 3, but must be more",
    ),
    "a dash - or two -- stay": ("a dash - or two -- stay",) * 2,
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_options_become_widgets_and_fields(sentence: str) -> None:
    assert (for_a_page(sentence), for_a_request(sentence)) == SENTENCES[sentence]


def test_no_sentence_of_the_stages_keeps_an_option() -> None:
    """Every text in the stages' code that names an option loses it."""
    package = Path(__file__).parents[1] / "t2c_ext"
    files = [
        *package.glob("*.py"),
        *(
            path
            for room in ("twin", "region", "motion", "loop", "media", "weights")
            for path in (package / room).rglob("*.py")
        ),
    ]
    texts = [
        text
        for path in files
        if path.name not in ("cli.py", "wording.py", "app.py")
        for text in re.findall(r'"[^"\n]*\s\(?--[a-z][^"\n]*"', path.read_text(encoding="utf-8"))
    ]
    assert len(texts) > 5
    for text in texts:
        assert "--" not in for_a_page(text) and "--" not in for_a_request(text), text
