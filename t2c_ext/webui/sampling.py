"""The twin session inside the WebUI's own sampler: hooks while one batch is sampled, and nothing left of them after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from t2c_ext.errors import UserError
from t2c_ext.twin.capture import CaptureOptions
from t2c_ext.twin.inject import InjectionOptions, Recording
from t2c_ext.twin.rows import Role
from t2c_ext.twin.session import TwinSession
from t2c_ext.types import Attention
from t2c_ext.webui.calls import Calls, Cast
from t2c_ext.webui.host import Host, by_name

UNET = ("x", "timesteps", "context")
"""The UNet's arguments that have a place."""


@dataclass(frozen=True)
class Painting:
    """What the artistic rows show where they are not sampled: at each step noised anew to that step's level.

    Attributes:
        clean: [n, C, h, w], the latents of the paintings.
        noise: likewise, standard normal.
    """

    clean: Tensor
    noise: Tensor


@dataclass
class PairSampling:
    """Follows the sampling of a batch of pictures and their twins: first all pictures, then all twins.

    Attributes:
        host: the WebUI.
        cast: who takes part.
        injection: for how long the twins take features.
        capture: which attention is averaged, or None.
        record: keeps the pictures' features for a second pass.
        replay: the features of a first pass.
        painting: what the artistic rows show, or None where they are sampled.
        show_twins: whether live previews show the twins too.
        session: of the sampling; None before it.
    """

    host: Host
    cast: Cast
    injection: InjectionOptions = field(default_factory=InjectionOptions)
    capture: CaptureOptions | None = field(default_factory=CaptureOptions)
    record: Recording | None = None
    replay: Recording | None = None
    painting: Painting | None = None
    show_twins: bool = False
    session: TwinSession | None = None
    _unet: nn.Module | None = None
    _calls: Calls | None = None
    _step: tuple[int, int] = (0, 1)
    _told: bool = False
    _error: Exception | None = None

    @contextmanager
    def active(self) -> Iterator[PairSampling]:
        """While a batch is sampled; whatever ends it, the hooks come off.

        Raises:
            UserError: the model or an extension does not let the pair be made.
        """
        self._unet = unet = self.host.unet()
        with ExitStack() as stack:
            if not self.show_twins:
                stack.enter_context(self.host.hide_twins(0 if self.cast.role is Role.TWIN else self.cast.count))
            stack.enter_context(self.host.listen(self._receive))
            stack.callback(self._end_session)
            for handle in (
                unet.register_forward_pre_hook(self._before, with_kwargs=True),
                unet.register_forward_hook(self._after),
            ):
                stack.callback(handle.remove)
            yield self
            self._finish_step()

    def attention(self, image: int) -> Attention | None:
        """What the model looked at while it made that picture; None where it was not sampled, or not far enough."""
        if self.session is None or not self.session.captured_bytes:
            return None
        return self.session.attention(image)

    def _receive(self, params: Any) -> None:
        if params.denoiser.p is not self.host.processing:
            return
        try:
            self._begin_step(params)
        except Exception as error:  # the host swallows what its callbacks raise; the UNet's hook raises it again
            self._error = error

    def _begin_step(self, params: Any) -> None:
        self._finish_step()
        denoiser = params.denoiser
        members = self.host.shown(self.cast)
        if params.x.shape[0] != len(members):
            raise UserError(
                f"the batch has {params.x.shape[0]} rows in place of {len(members)}; another script changed it, or the "
                "model edits pictures (InstructPix2Pix)"
            )
        if self.painting is not None:
            places = [place for place, row in enumerate(members) if row.role is Role.ART]
            images = [members[place].source.image for place in places]
            shown = self.host.noised(self.painting.clean[images], self.painting.noise[images], params)
            params.x[places] = shown.to(params.x)  # in place: reForge goes on with the tensor that it handed over
        index, total = int(denoiser.step), max(int(denoiser.total_steps), int(denoiser.step) + 1)
        if self.session is None:
            size = (int(params.x.shape[-2]), int(params.x.shape[-1]))
            self._begin_session(size)
        self._step, self._told = (index, total), False
        self._calls = self.host.calls(self.cast, params)

    def _begin_session(self, size: tuple[int, int]) -> None:
        unet = self.host.unet()
        if unet is not self._unet:
            raise UserError("another script changed the model after the sampling had begun")
        self.session = TwinSession(
            unet,
            size,
            injection=self.injection,
            capture=self.capture,
            record=self.record,
            replay=self.replay,
        )
        self.session.attach()

    def _end_session(self) -> None:
        if self.session is not None:
            self.session.detach()

    def _finish_step(self) -> None:
        calls, self._calls = self._calls, None
        if self._error is not None:
            raise self._error
        if calls is not None:
            calls.check()

    def _before(self, module: nn.Module, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        if self._error is not None:
            raise self._error
        if self._calls is None or self.session is None:
            return
        given = by_name(UNET, arguments, named)
        found = self._calls.next(given)
        if found is None:
            return
        if not self._told:
            self.session.step(*self._step, float(given["timesteps"].flatten()[0]))
            self._told = True
        self.session.begin(found)

    def _after(self, module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if self._calls is not None and self._told and self.session is not None:
            self.session.end()
