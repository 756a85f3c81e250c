"""The page's words in other languages: complete, and no more than what is shown."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from t2c_ext.ui.fields import HEADINGS as PAGE_HEADINGS
from t2c_ext.ui.fields import page_fields
from t2c_ext.ui.languages import languages
from t2c_ext.ui.state import STRIP
from t2c_ext.webui import cards
from t2c_ext.webui.options import panel_rows
from t2c_ext.webui.panel import HEADINGS, WORDS

ROOT = Path(__file__).resolve().parents[1]
MADE_IN = ("ui/layout.py", "webui/gallery.py", "webui/preferences.py")
MAKERS = {"Button", "Tab", "Accordion", "_image", "OptionInfo"}
NAMED = {
    *("FPS", "Prompt", "Format", "Texture", "Injection", "Segmenter", "Angle", "Cycles", "Structure", "Image"),
    *("Renderer", "Seed", "Perspective"),
}
"""Words that a language may have as English has them."""


def _literals(path: Path) -> Iterator[str]:
    """The words on the buttons, tabs and fields that a module makes, but for those out of sight."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        hidden = any(keyword.arg in ("elem_classes", None) for keyword in node.keywords)
        if name in MAKERS and not hidden:
            texts = [part.value for part in node.args[:2] if isinstance(part, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str) and text and text != text.lower())


def _shown() -> set[str]:
    """Every text of the settings' table, the panel, and the page."""
    fields = page_fields(False)
    rows = [*panel_rows(), *fields.first, *fields.main, *(row for more in fields.more.values() for row in more)]
    found = {text for row in rows for text in (row.label, row.help)} | set(WORDS.values()) | set(HEADINGS.values())
    found |= {text for name in MADE_IN for text in _literals(ROOT / "t2c_ext" / name)}
    for stage, heading in PAGE_HEADINGS.items():
        found.add(f"{heading}: settings" if stage in STRIP else f"{heading}: how they are read")
    return found | set(STRIP.values()) | {*cards.SMALL.values(), cards.OPEN}


@pytest.mark.parametrize("name", ["de_DE", "fr_FR", "es_ES", "ja_JP", "zh_CN", "ko_KR"])
def test_everything_that_is_shown_is_translated(name: str) -> None:
    words = languages()[name]
    assert sorted(_shown() - set(words)) == []
    same = {english for english, text in words.items() if english == text} - NAMED
    assert not same and all(text.strip() == text and text for text in words.values())


def test_all_languages_have_the_same_words() -> None:
    first, *others = languages().values()
    assert all(set(words) == set(first) for words in others)
