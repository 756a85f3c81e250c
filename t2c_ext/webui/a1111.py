"""What the extension needs of AUTOMATIC1111's WebUI (1.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


class Automatic1111:
    """The host as `webui.sampling` sees it.

    Args:
        processing: the host's processing object whose pictures are made.
    """

    def __init__(self, processing: Any) -> None:
        self._processing = processing

    def unet(self) -> nn.Module:
        """The UNet of the checkpoint in use."""
        unet: nn.Module = self._processing.sd_model.model.diffusion_model
        return unet

    @contextmanager
    def listen(self, receive: Callable[[Any], None]) -> Iterator[None]:
        """Call `receive` before each step's UNet calls."""
        from modules import script_callbacks

        script_callbacks.on_cfg_denoiser(receive, name="cinemagraph")
        try:
            yield
        finally:
            script_callbacks.remove_callbacks_for_function(receive)

    @contextmanager
    def hide_twins(self) -> Iterator[None]:
        """Previews show the first half of the batch."""
        from modules import sd_samplers_common

        store = sd_samplers_common.store_latent

        def store_pictures(decoded: Any) -> None:
            store(decoded[: max(1, len(decoded) // 2)])

        sd_samplers_common.store_latent = store_pictures
        try:
            yield
        finally:
            sd_samplers_common.store_latent = store


def token_positions(processing: Any, prompt: str, words: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Where a prompt's words stand among the tokens that the text encoder sees.

    Args:
        processing: the host's processing object.
        prompt: as the host is given it, syntax included.
        words: as they stand in the prompt.

    Returns:
        For each word that was found, its positions; the start token of the first chunk is position 0.
    """
    from modules import prompt_parser

    engine = processing.sd_model.cond_stage_model
    engine = getattr(engine, "embedders", [engine])[0]  # SDXL has two; both see the same tokens
    if not hasattr(engine, "tokenize_line"):
        return {}
    ((*_, (_, text)),) = prompt_parser.get_learned_conditioning_prompt_schedules([prompt], processing.steps)
    chunks, _ = engine.tokenize_line(text)
    tokens = [token for chunk in chunks for token in chunk.tokens]
    found: dict[str, tuple[int, ...]] = {}
    for word in words:
        wanted = list(engine.tokenize([word])[0])
        places = [place for place in range(len(tokens)) if tokens[place : place + len(wanted)] == wanted]
        if wanted and places:
            found[word] = tuple(place + offset for place in places for offset in range(len(wanted)))
    return found
