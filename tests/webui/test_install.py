"""The installer in an environment like the WebUI's: it adds what is missing, changes nothing that is there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from webui.server import ROOT, Host

ALREADY_SECONDS = 5.0
"""A start of the WebUI may not wait for it; it takes a twentieth of a second on an idle machine."""


def _freeze(python: Path) -> set[str]:
    command = [str(python), "-m", "pip", "freeze", "--disable-pip-version-check"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines())


def _install(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), *arguments, str(ROOT / "install.py")]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)


def test_the_second_run_changes_nothing_and_is_quick(host: Host) -> None:
    _install(host.python)
    before = _freeze(host.python)
    start = time.perf_counter()
    again = _install(host.python)
    seconds = time.perf_counter() - start
    assert again.stdout == again.stderr == "" and _freeze(host.python) == before
    assert seconds < ALREADY_SECONDS


def test_without_a_network_it_says_so_and_the_webui_starts(host: Host) -> None:
    code = (
        "import runpy, sys; sys.argv = ['install.py'];"
        f"names = runpy.run_path({str(ROOT / 'install.py')!r});"
        "names['main'].__globals__['missing'] = lambda: ['no-such-package-of-anybody==0'];"
        "names['main']()"
    )
    environment = host.environment() | {"PIP_NO_INDEX": "1"}
    command = [str(host.python), "-c", code]
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=120)
    assert "could not install no-such-package-of-anybody" in found.stderr


def test_the_installer_needs_nothing_itself() -> None:
    code = f"import runpy; runpy.run_path({str(ROOT / 'install.py')!r})"
    subprocess.run([sys.executable, "-S", "-E", "-c", code], check=True, timeout=60)
