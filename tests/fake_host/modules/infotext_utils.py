"""Generation parameters, read and quoted as the host does."""

from __future__ import annotations

import json
import re

_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if any(letter in text for letter in ",\n:") else text


def parse_generation_parameters(text: str) -> dict[str, str]:
    *lines, last = text.strip().split("\n")
    prompt, _, negative = "\n".join(lines).partition("\nNegative prompt: ")
    found = {"Prompt": prompt, "Negative prompt": negative}
    for name, value in _PAIR.findall(last):
        plain = json.loads(value) if value.startswith('"') else value
        size = re.fullmatch(r"(\d+)x(\d+)", plain)
        found |= {f"{name}-1": size[1], f"{name}-2": size[2]} if size else {name: plain}
    return found
