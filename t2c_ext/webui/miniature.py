"""The parts of the built-in miniature as AUTOMATIC1111's WebUI makes them: its own classes, with fewer groups.

The configuration beside the checkpoint (`t2c_ext.twin.miniature.checkpoint`) names these functions. The WebUI's classes
take every width as an argument, but not the number of groups of a group norm, which is 32 in each of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from t2c_ext.twin.miniature import tokenizer_folder
from t2c_ext.webui.batch import attributes


def unet(groups: int, **arguments: Any) -> Any:
    """The WebUI's UNetModel.

    Args:
        groups: of each group norm.
        arguments: of the class; every width has to be a multiple of 32, in which the class itself groups channels.
    """
    from ldm.modules.diffusionmodules.openaimodel import UNetModel
    from torch.nn import GroupNorm

    made = UNetModel(**arguments)
    for part in made.modules():
        if isinstance(part, GroupNorm):
            part.num_groups = groups  # read at each call only
    return made


def autoencoder(groups: int, **arguments: Any) -> Any:
    """The WebUI's AutoencoderKL; its widths may be no multiples of 32, so its parts ask for fewer groups at once.

    Args:
        groups: of each group norm.
        arguments: of the class.
    """
    from ldm.models.autoencoder import AutoencoderKL
    from ldm.modules.diffusionmodules import model

    with attributes(model, {"Normalize": partial(model.Normalize, num_groups=groups)}):
        return AutoencoderKL(**arguments)


def text_encoder(**arguments: Any) -> Any:
    """The WebUI's FrozenCLIPEmbedder, of which it tests for exactly this type, with the miniature's own tokenizer."""
    from ldm.modules.encoders.modules import FrozenCLIPEmbedder

    return FrozenCLIPEmbedder(version=str(tokenizer_folder()), **arguments)
