"""The names of what is not whole yet, and what is done with that of runs that were killed.

A name says whose it is: `.<name>-t2c<machine>-<process>-<random><ending>`. Only the machine on which it was begun can
know that its process is gone, so only there it is swept.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

LONGEST = 40
"""Letters of the true name, at most."""

_OURS = re.compile(
    r"\.(?P<name>.*)-t2c(?P<machine>[0-9a-f]{8})-(?P<process>\d{1,10})-[0-9a-f]{8}(?P<aside>-aside)?(\.\w+)?"
)
_ASIDE = "-aside"


def temporary_name(path: Path, aside: bool = False) -> str:
    """A hidden name of this process's own, beside `path`, with its ending.

    Args:
        path: what it will be renamed to.
        aside: it holds what was under `path` before, with its whole name where that fits.
    """
    name = path.name if aside else path.stem[:LONGEST]
    mark = f"-t2c{_machine()}-{os.getpid()}-{uuid4().hex[:8]}"
    return f".{name}{mark}{_ASIDE}" if aside else f".{name}{mark}{path.suffix}"


def sweep(folder: Path) -> None:
    """Delete what killed runs left in a folder; what they had put aside and not replaced gets its name back.

    Whatever is not surely of this machine, and of a process that is gone, stays.
    """
    with suppress(OSError):
        for entry in os.listdir(folder):
            found = _OURS.fullmatch(entry)
            if found is not None and found["machine"] == _machine() and not _runs(int(found["process"])):
                with suppress(OSError):
                    _remove(folder / entry, folder / found["name"] if found["aside"] else None)


def _remove(left: Path, before: Path | None) -> None:
    """Delete it, or give what was put aside its name `before` again where nothing has that."""
    if before is not None and not before.exists():
        left.rename(before)
    elif left.is_dir() and not left.is_symlink():
        shutil.rmtree(left, ignore_errors=True)
    else:
        left.unlink(missing_ok=True)


def _machine() -> str:
    """Tells machines, and containers on one machine, apart: each counts its processes by itself."""
    parts = [platform.node()]
    for place in ("/etc/machine-id", "/proc/self/ns/pid"):
        with suppress(OSError):
            parts.append(os.readlink(place) if place.startswith("/proc") else Path(place).read_text(encoding="ascii"))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:8]


def _runs(process: int) -> bool:
    """Whether a process of this number is there; where that cannot be known, it is taken to be."""
    if sys.platform == "win32":
        return _runs_on_windows(process)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _runs_on_windows(process: int) -> bool:
    # os.kill would end it there. Access right and exit code from the Windows API's headers (winnt.h, minwinbase.h).
    limited_information, still_active, no_such_process = 0x1000, 259, 87
    windows: Any = vars(ctypes)["WinDLL"]("kernel32", use_last_error=True)
    windows.OpenProcess.restype = ctypes.c_void_p
    handle = windows.OpenProcess(limited_information, False, process)
    if not handle:
        return bool(vars(ctypes)["get_last_error"]() != no_such_process)
    try:
        code = ctypes.c_ulong()
        windows.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
        return code.value == still_active
    finally:
        windows.CloseHandle(ctypes.c_void_p(handle))
