"""What the README says is made from the code, or runs."""

from __future__ import annotations

import json
import re

from readme_settings import README, parts, settings_table

from t2c_ext.webui.options import read_options


def test_the_table_of_settings_is_the_declaration() -> None:
    assert parts(README.read_text(encoding="utf-8"))[1] == settings_table(), "run python tests/readme_settings.py"


def test_the_requests_for_the_script_are_taken() -> None:
    requests = re.findall(r'"Cinemagraph": \{"args": \[(\{.*?\})\]\}', README.read_text(encoding="utf-8"), re.DOTALL)
    assert requests
    for text in requests:
        assert read_options([json.loads(text)]).panel.enabled
