"""The Markdown files' relative links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    page
    for pattern in (
        "*.md",
        ".github/**/*.md",
        "docs/**/*.md",
        "benchmarks/**/*.md",
        "examples/**/*.md",
        "world/**/*.md",
    )
    for page in ROOT.glob(pattern)
)
_LINK = re.compile(r"\]\((?P<to>[^)\s]+)\)|<(?:img|a)\s[^>]*(?:src|href)=\"(?P<tag>[^\"]+)\"")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    links = [found["to"] or found["tag"] for found in _LINK.finditer(text)]
    broken = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, part = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (part and target.suffix == ".md" and part not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_there_are_pages_to_check() -> None:
    assert ROOT / "README.md" in PAGES
