"""The packages that the WebUI's installer adds are those that the package declares and imports."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
OF_EVERY_WEBUI = {"numpy", "Pillow"}


def test_the_installer_adds_what_the_package_needs_and_no_more() -> None:
    packages = runpy.run_path(str(ROOT / "install.py"))["PACKAGES"]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    found = {
        requirement.partition(";")[0]
        for requirement in declared
        if sys.version_info < (3, 11) or ";" not in requirement
    }
    assert set(packages.values()) == {text for text in found if re.split("[<>=]", text)[0] not in OF_EVERY_WEBUI}
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "t2c_ext").rglob("*.py"))
    for module in packages:
        # imported, or a package of data that is looked for by its name
        assert re.search(rf"^\s*(import|from) {module}\b|\"{module}\"", code, re.MULTILINE), module
