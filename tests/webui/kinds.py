"""The WebUIs that the tests can start: how, and what their random checkpoints are like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MAKERS = Path(__file__).resolve().parents[1] / "host"


@dataclass(frozen=True)
class Kind:
    """A WebUI.

    Attributes:
        name: "a1111", "forge" or "reforge".
        on_the_cpu: arguments with which it needs no graphics card.
        loaded: what its log says once its model is there; Forge loads it with the first picture.
        maker: writes its checkpoints.
        names: the checkpoint of each family that the tests can have.
        widths: of its Stable Diffusion 1 checkpoint's layers (see `webui.models.BLOCKS`).
    """

    name: str
    on_the_cpu: tuple[str, ...]
    loaded: tuple[str, ...]
    maker: Path
    names: dict[str, str]
    widths: tuple[int, int, int]

    def checkpoint(self, family: str) -> str:
        """The name of a family's file."""
        return f"{self.names[family]}.safetensors"


TINY = {"sd1": "tiny", "sd1-inpainting": "tiny-sd1-inpainting", "sd2-v": "tiny-sd2-v", "sdxl": "tiny-sdxl"}
A1111 = Kind(
    "a1111",
    ("--skip-torch-cuda-test", "--use-cpu", "all", "--no-half", "--precision", "full", "--opt-sdp-attention"),
    ("Model loaded in",),
    MAKERS / "tiny_checkpoint.py",
    TINY,
    (32, 64, 32),
)
NARROW = {family: f"narrow-{family}" for family in ("sd1", "sd2", "sdxl")}
OF_THE_FORKS = ("--skip-torch-cuda-test", "--always-cpu", "--all-in-fp32", "--attention-pytorch")
FORGE = Kind("forge", OF_THE_FORKS, (), MAKERS / "forge_checkpoint.py", NARROW, (320, 320, 320))
REFORGE = Kind(
    "reforge", OF_THE_FORKS, (r"Model .* loaded in",), MAKERS / "forge_checkpoint.py", NARROW, (320, 320, 320)
)


def kind_of(folder: Path) -> Kind:
    """Which WebUI lies in a folder."""
    if not (folder / "modules_forge").is_dir():
        return A1111
    return FORGE if (folder / "backend").is_dir() else REFORGE
