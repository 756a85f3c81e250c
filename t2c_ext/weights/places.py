"""The folders that models are looked for in, and the hub's own cache."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "T2C_MODELS_PATH"
"""Environment variable: one or more folders, separated as in PATH."""

OWN_FOLDER = "t2c"
"""Our folder inside the WebUI's models folder."""


@dataclass(frozen=True)
class Places:
    """Where models may lie.

    Attributes:
        named: the folder that the user names (`--t2c-models-path`), or None.
        webui: the WebUI's models folder, or None outside it.
    """

    named: Path | None = None
    webui: Path | None = None

    def folders(self) -> tuple[Path, ...]:
        """The folders in the order in which they are searched; they need not exist."""
        listed = [] if self.named is None else [expanded(self.named)]
        given = os.environ.get(VARIABLE, "")
        parts = [given] if os.path.isdir(given) else given.split(os.pathsep)  # its name may hold a colon
        listed += [expanded(part) for part in parts if part.strip()]
        listed += [] if self.webui is None else [self.webui / OWN_FOLDER, self.webui]
        listed.append(user_folder())
        return tuple(dict.fromkeys(listed))

    def target(self) -> Path:
        """The folder that downloads go to: the first that the user or the WebUI names, else the user's own."""
        return self.folders()[0]


def expanded(path: str | Path) -> Path:
    """A path whose "~" is the user's home; as it is where there is no such home (pathlib would raise RuntimeError)."""
    return Path(os.path.expanduser(path))


def home_folder() -> Path:
    """The user's home; for a user without one, as services and containers have them, a folder that is never there."""
    home = expanded("~")
    return home if home.is_absolute() else Path(os.sep) / "nonexistent"


def user_folder() -> Path:
    """The user's folder for models, in the platform's usual place for an application's data."""
    home = home_folder()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "text2cinemagraph" / "models"


def hub_cache() -> Path:
    """The folder in which huggingface_hub keeps its downloads, whether or not that library is installed."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return expanded(os.environ[name])
    cache = expanded(os.environ.get("XDG_CACHE_HOME") or home_folder() / ".cache")
    return expanded(os.environ.get("HF_HOME") or cache / "huggingface") / "hub"


def hub_snapshots(repository: str, revision: str = "") -> tuple[Path, ...]:
    """The snapshots of a hub repository that lie in the hub's cache, the wanted one first, others after it.

    Args:
        repository: "owner/name".
        revision: a commit, branch or tag; "main" when empty.
    """
    root = hub_cache() / ("models--" + repository.replace("/", "--"))
    pointer = root / "refs" / (revision or "main")
    commit = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else revision
    snapshots = sorted(path for path in (root / "snapshots").glob("*") if path.is_dir())
    wanted = [path for path in snapshots if path.name == commit]
    return tuple(wanted + [path for path in snapshots if path.name != commit])
