"""The twin session inside the WebUI's own sampler: hooks while one batch is sampled, and nothing left of them after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import nn

from t2c_ext.errors import UserError
from t2c_ext.twin.capture import CaptureOptions
from t2c_ext.twin.inject import InjectionOptions
from t2c_ext.twin.session import TwinSession
from t2c_ext.types import Attention
from t2c_ext.webui.calls import Calls, layout


class Denoisers(Protocol):
    """What the pair needs from the host while a batch is sampled."""

    def unet(self) -> nn.Module:
        """The UNet that will run next."""

    def listen(self, receive: Any) -> Any:
        """A context manager: while it is active, `receive(params)` is called before each step's UNet calls."""

    def hide_twins(self) -> Any:
        """A context manager: while it is active, previews show the pictures without their twins."""


@dataclass
class PairSampling:
    """Follows the sampling of a batch whose second half are the twins of its first half.

    Attributes:
        host: see `Denoisers`.
        count: pictures of the batch, without their twins.
        words: for each picture the positions of its moving words among its text tokens, or empty.
        injection: for how long the twins take features.
        capture: which attention is averaged.
        sessions: one for each sampling of the batch (a second one with hires fix), in their order.
    """

    host: Denoisers
    count: int
    words: Sequence[Mapping[str, Sequence[int]]] = ()
    injection: InjectionOptions = field(default_factory=InjectionOptions)
    capture: CaptureOptions = field(default_factory=CaptureOptions)
    sessions: list[TwinSession] = field(default_factory=list)
    _calls: Calls | None = None
    _step: tuple[int, int] = (0, 1)
    _told: bool = False
    _error: Exception | None = None

    @contextmanager
    def active(self) -> Iterator[PairSampling]:
        """While a batch is sampled.

        Raises:
            UserError: the model or an extension does not let the pair be made.
        """
        unet = self.host.unet()
        with ExitStack() as stack:
            stack.enter_context(self.host.hide_twins())
            stack.enter_context(self.host.listen(self._receive))
            stack.callback(self._end_session)
            for handle in (
                unet.register_forward_pre_hook(self._before, with_kwargs=True),
                unet.register_forward_hook(self._after),
            ):
                stack.callback(handle.remove)
            yield self
            self._finish_step()

    def attention(self, image: int) -> Attention:
        """What the model looked at while it made that picture (in the first sampling, before hires fix)."""
        if not self.sessions:
            raise UserError("the picture was not sampled, so there is no attention to look at")
        return self.sessions[0].attention(image)

    def _receive(self, params: Any) -> None:
        try:
            self._begin_step(params)
        except Exception as error:  # the host swallows what its callbacks raise; the UNet's hook raises it again
            self._error = error

    def _begin_step(self, params: Any) -> None:
        self._finish_step()
        denoiser = params.denoiser
        parts = [len(prompts) for prompts in denoiser.sampler.sampler_extra_args["cond"].batch]
        members = layout(parts, self.words)
        if len(parts) != 2 * self.count or params.x.shape[0] != len(members):
            raise UserError(
                f"the batch has {params.x.shape[0]} rows of {len(parts)} prompts, but {self.count} pictures with their "
                "twins were to be made; another script changed it, or the model edits pictures (InstructPix2Pix)"
            )
        index, total = int(denoiser.step), max(int(denoiser.total_steps), int(denoiser.step) + 1)
        size = (int(params.x.shape[-2]), int(params.x.shape[-1]))
        if not self.sessions or index == 0 or self.sessions[-1].latent != size:
            self._begin_session(size)
        self._step, self._told = (index, total), False
        self._calls = Calls(members, params.x, sum(parts))

    def _begin_session(self, size: tuple[int, int]) -> None:
        self._end_session()
        session = TwinSession(self.host.unet(), size, injection=self.injection, capture=self.capture)
        session.attach()
        self.sessions.append(session)

    def _end_session(self) -> None:
        if self.sessions:
            self.sessions[-1].detach()

    def _finish_step(self) -> None:
        calls, self._calls = self._calls, None
        if self._error is not None:
            raise self._error
        if calls is not None:
            calls.check()

    def _before(self, module: nn.Module, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        if self._error is not None:
            raise self._error
        if self._calls is None:
            return
        given = dict(zip(("x", "timesteps"), arguments, strict=False)) | dict(named)
        found = self._calls.next(given["x"])
        if found is None:
            return
        session = self.sessions[-1]
        if not self._told:
            session.step(*self._step, float(given["timesteps"].flatten()[0]))
            self._told = True
        session.begin(found)

    def _after(self, module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if self._calls is not None and self._told:
            self.sessions[-1].end()
