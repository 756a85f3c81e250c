"""Asks the WebUI's own model where nouns are in a finished picture: one call of its UNet.

The host's sampler is begun with the nouns as its prompt, so that conditions, memory and precision are the host's own in
every WebUI. At its first call of the UNet the picture, noised to a level at which the model sees it and still has to
look, takes the place of the noise; then the sampler is broken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from t2c_ext.errors import UserError
from t2c_ext.twin.grounding.answer import answer, averaged
from t2c_ext.twin.grounding.rivals import distinct, rivals
from t2c_ext.twin.grounding.session import GroundingSession
from t2c_ext.twin.rows import Role, Source
from t2c_ext.types import NounMaps
from t2c_ext.webui.batch import attributes
from t2c_ext.webui.calls import Calls, Cast
from t2c_ext.webui.host import Host, by_name

if TYPE_CHECKING:
    from t2c_ext.twin.grounding.answer import TokenMaps

TIMESTEP = 100
"""Of 1000: where the published method (GoCA, arXiv 2603.06178) listens to UNets."""

UNET = ("x", "timesteps", "context")
"""The UNet's arguments that have a place."""


class _Seen(Exception):
    """The one call is over."""


def find_nouns(  # noqa: PLR0917
    host: Host, latents: Sequence[Tensor], things: Sequence[str], others: Sequence[str], place: int, seed: int
) -> NounMaps:
    """Where things are in finished pictures, against the other nouns of the prompt and what most pictures have.

    Args:
        host: the WebUI, whose processing object has just made the pictures.
        latents: [1, C, h, w] each, of one scene: a picture, or it and its twin.
        things: the words that name what moves; of those that mean one thing the first stands for all.
        others: the other nouns of the prompt.
        place: of the picture in the batch, for its negative prompt.
        seed: of the noise.

    Raises:
        UserError: the model or an extension does not let it be seen.
        RuntimeError: memory is short.
    """
    wanted = distinct(things)
    nouns = list(dict.fromkeys((*wanted, *rivals(wanted, others))))
    caption = ", ".join(nouns)
    positions = host.token_positions(caption, nouns)
    passes = [_pass(host, latent, caption, place, seed) for latent in latents]
    return answer(averaged(passes), positions, wanted)


def _pass(host: Host, latent: Tensor, caption: str, place: int, seed: int) -> TokenMaps:
    p = host.processing
    source = host.noise(latent.shape[1:], [seed], [seed])
    values = {"prompts": [caption], "negative_prompts": [p.negative_prompts[place]], "rng": source, "iteration": 0}
    values |= {"seeds": [seed], "subseeds": [seed], "all_seeds": [seed], "batch_size": 1, "mask": None, "nmask": None}
    unconditional = p.uc and p.uc[place : place + 1]
    look = _Look(host, noised(latent, seed))
    try:
        with torch.random.fork_rng(), attributes(p, values), look.active():
            host.sample(source.next(), host.encoded([caption]), unconditional)
    except _Seen:
        return look.session.result()
    finally:
        host.free()
    raise UserError("the UNet did not run as the sampler's; another extension calls it in its own way")


@cache
def kept_at(timestep: int) -> float:
    """The share of a picture's power that is left at a timestep of the schedule that all families here share."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return float(torch.cumprod(1 - betas, 0)[timestep])


def noised(latent: Tensor, seed: int) -> Tensor:
    """[1, C, h, w], the latent at `TIMESTEP`; the same seed gives the same noise."""
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(seed % 2**63))
    kept = kept_at(TIMESTEP)
    result: Tensor = kept**0.5 * latent.float() + (1 - kept) ** 0.5 * noise.to(latent.device)
    return result


@dataclass
class _Look:
    """The one call: who is who in it, what is shown instead, and what is heard."""

    host: Host
    shown: Tensor
    _stack: ExitStack = field(default_factory=ExitStack)
    _calls: Calls | None = None
    _call: AbstractContextManager[None] | None = None
    _error: Exception | None = None

    def __post_init__(self) -> None:
        size = int(self.shown.shape[-2]), int(self.shown.shape[-1])
        self.unet: nn.Module = self.host.unet()
        self.session = GroundingSession(self.unet, size)

    def active(self) -> ExitStack:
        """While it is active, the UNet's first call of the sampler is the one."""
        stack = self._stack
        stack.enter_context(self.host.listen(self._receive))
        stack.enter_context(self.session)
        for handle in (
            self.unet.register_forward_pre_hook(self._before, with_kwargs=True),
            self.unet.register_forward_hook(self._after),
        ):
            stack.callback(handle.remove)
        return stack

    def _receive(self, params: Any) -> None:
        if params.denoiser.p is not self.host.processing:
            return
        try:
            self._calls = self.host.calls(Cast([1, 1], [{}], Role.ART), params)
        except Exception as error:  # the host swallows what its callbacks raise; the UNet's hook raises it again
            self._error = error

    def _before(
        self, module: nn.Module, arguments: tuple[Any, ...], named: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        if self._error is not None:
            raise self._error
        given = by_name(UNET, arguments, named)
        rows = None if self._calls is None else self._calls.next(given)
        place = None if rows is None else rows.artists.get(Source(0, True, 0))
        if rows is None or place is None:
            return None
        x, timesteps = given["x"].clone(), torch.full_like(given["timesteps"], TIMESTEP)
        x[place, : self.shown.shape[1]] = self.shown[0].to(x)
        self._call = self.session.call(place, len(rows))
        self._call.__enter__()
        changed = {"x": x, "timesteps": timesteps}
        placed = tuple(changed.get(name, value) for name, value in zip(UNET, arguments, strict=False))
        rest = {name: changed.get(name, value) for name, value in named.items()}
        return (*placed, *arguments[len(placed) :]), rest

    def _after(self, module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if self._call is None:
            return
        call, self._call = self._call, None
        call.__exit__(None, None, None)
        raise _Seen
