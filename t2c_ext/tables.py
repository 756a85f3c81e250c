"""The tables that come with the package, as TOML files."""

from __future__ import annotations

import sys
from importlib import resources
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def packaged_table(package: str, name: str) -> dict[str, Any]:
    """The TOML file `name` that lies in `package`, such as ("t2c_ext", "lexicon.toml")."""
    return tomllib.loads(resources.files(package).joinpath(name).read_text(encoding="utf-8"))
