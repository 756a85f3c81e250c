"""The parts of a Stable Diffusion model, and where they compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from t2c_ext.twin.diffusion.architecture import Config
from t2c_ext.twin.families import Family

if TYPE_CHECKING:
    import torch

SMALL_CARD = 10 * 2**30
"""With less memory than this, a card holds one part of the model at a time."""


@dataclass
class Encoder:
    """A CLIP text encoder.

    Attributes:
        tokenizer: transformers' CLIPTokenizer.
        model: CLIPTextModel, or CLIPTextModelWithProjection for SDXL's second.
        pad: the token that fills a chunk up.
        embeddings: textual inversions by their lower-case name: float32 [vectors, width].
    """

    tokenizer: Any
    model: Any
    pad: int
    embeddings: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def inner(self) -> Any:
        """The transformer itself; transformers 5 no longer wraps it."""
        return getattr(self.model, "text_model", self.model)

    @property
    def width(self) -> int:
        """Channels of one token."""
        return int(self.model.config.hidden_size)


@dataclass(frozen=True)
class Placement:
    """Where and how a model computes.

    Attributes:
        device: of the network that is at work.
        dtype: of the UNet and the text encoders.
        offload: whether a part leaves the device when it has done its work.
    """

    device: torch.device
    dtype: torch.dtype
    offload: bool = False


@dataclass
class Components:
    """A loaded model.

    Attributes:
        name: as the user knows it.
        family: SD1, SD2 or SDXL.
        unet, vae: diffusers' UNet2DConditionModel and AutoencoderKL, in evaluation mode.
        encoders: one, or SDXL's two.
        scheduler: the configuration of the noise schedule.
        placement: where they compute.
    """

    name: str
    family: Family
    unet: Any
    vae: Any
    encoders: tuple[Encoder, ...]
    scheduler: Config
    placement: Placement

    @property
    def scale(self) -> int:
        """Pixels of the picture per pixel of the latents."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @contextmanager
    def at_work(self, *modules: Any) -> Iterator[None]:
        """Keep modules on the device inside the block; with offloading they leave it afterwards."""
        for module in modules:
            module.to(self.placement.device)
        try:
            yield
        finally:
            if self.placement.offload:
                for module in modules:
                    module.to("cpu")


def placement_for(device: str, precision: str, memory: str) -> Placement:
    """Where to compute.

    Args:
        device: "auto" or a name of torch's ("cuda", "cuda:1", "mps", "cpu").
        precision: "auto" (half precision on a GPU, float32 on the CPU), "fp32", "fp16" or "bf16".
        memory: "auto" (offload on cards below 10 GB), "offload" or "keep".

    Raises:
        UserError: the device is not there, or fp16 is asked of the CPU.
    """
    import torch

    from t2c_ext.weights.devices import choose_device, choose_dtype

    place = choose_device(device)
    dtype = choose_dtype(precision, place)
    small = place.type == "cuda" and torch.cuda.get_device_properties(place).total_memory < SMALL_CARD
    offload = place.type != "cpu" and (memory == "offload" or (memory == "auto" and small))
    return Placement(place, dtype, offload)
