"""A twin session: plain forward hooks on a UNet's leaf modules while two pictures are sampled side by side.

    session = TwinSession(unet, latent=(64, 64))
    with session:
        for index, timestep in enumerate(timesteps):
            session.step(index, len(timesteps), timestep)
            with session.call(guided_rows()):
                noise = unet(batch, timestep, context)
    attention = session.attention()

The host's sampler stays what it is: the session only needs to be told each step, and before each call of the UNet who
is who in the batch. Outside a call the hooks do nothing. Nothing of the model is changed, and leaving the block, in
whatever way, takes the hooks off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from t2c_ext.twin.capture import AttentionCapture, CaptureOptions
from t2c_ext.twin.conflicts import refuse_conflicts
from t2c_ext.twin.families import PLANS, LayerPlan, family_of
from t2c_ext.twin.inject import InjectionOptions, Injector, Moment, Recording
from t2c_ext.twin.layout import Grid, grid_at, layout_of
from t2c_ext.twin.locate import Kind, Site, capture_sites, check_all_ran, check_output, injection_sites
from t2c_ext.twin.rows import Role, Rows
from t2c_ext.types import Attention

_WORDS = (Kind.WORD_QUERY, Kind.WORD_KEY)


class TwinSession:
    """Gives the twins' rows the artistic rows' features, and averages the artistic rows' attention.

    Lockstep: artistic and twin rows in one call, or the artistic rows in an earlier call of the same step. Two passes:
    a first session with `record` samples the artistic rows alone, a second one with `replay` (the same object) the
    twins.

    Args:
        unet: a UNet of Stable Diffusion 1, 2 or XL, named as in ldm or diffusers.
        latent: (height, width) of the latent.
        injection: for how long the twin takes features.
        capture: which attention is averaged, or None.
        words: whether cross-attention is listened to (the rows then name the words' tokens).
        plan: the layers; None: those of the model's family.
        record: keeps the artistic rows' features for a second pass.
        replay: the features of a first pass.

    Attributes:
        injection_sites, capture_sites: the sites that are listened to.
        size: (h, w) of the captured grid.

    Raises:
        UserError: the model is of another architecture, lacks a layer of the plan, or is in a state (compiled, fused
            projections, merged tokens, video modules) in which the layers would not be what they seem.
    """

    def __init__(
        self,
        unet: nn.Module,
        latent: Grid,
        *,
        injection: InjectionOptions | None = None,
        capture: CaptureOptions | None = None,
        words: bool = True,
        plan: LayerPlan | None = None,
        record: Recording | None = None,
        replay: Recording | None = None,
    ) -> None:
        refuse_conflicts(unet)
        layout = layout_of(unet)
        plan = plan or PLANS[family_of(layout)]
        self.latent = latent
        self.injection_sites = injection_sites(unet, layout, plan)
        self.capture_sites: list[Site] = []
        self.size: Grid | None = None
        self._unet = unet
        self._injector = Injector(plan, injection or InjectionOptions(), record, replay)
        self._capture: AttentionCapture | None = None
        if capture is not None:
            level = layout.nearest_level(latent, capture.tokens)
            self.size = grid_at(latent, level)
            self.capture_sites = capture_sites(unet, layout, level, words)
            self._capture = AttentionCapture(capture, self.size)
        self._handles: list[RemovableHandle] = []
        self._moment: Moment | None = None
        self._rows: Rows | None = None
        self._seen: set[str] = set()

    def __enter__(self) -> TwinSession:
        self.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    def attach(self) -> None:
        """Put the hooks on.

        Raises:
            RuntimeError: they are on already.
        """
        if self._handles:
            raise RuntimeError("the twin session is attached already")
        captured = {site.path for site in self.capture_sites}
        injected = {site.path for site in self.injection_sites}
        sites = {site.path: site for site in (*self.injection_sites, *self.capture_sites)}
        try:
            for path, site in sites.items():
                hook = _Hook(self, site, path in injected, path in captured)
                self._handles.append(self._unet.get_submodule(path).register_forward_hook(hook))
        except BaseException:
            self.detach()
            raise

    def detach(self) -> None:
        """Take the hooks off and free what is kept between calls; what was averaged stays. May be called twice."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._injector.begin_step()
        self._forget_call()

    def step(self, index: int, total: int, timestep: float | Tensor) -> None:
        """Tell that the calls that follow belong to this step.

        Args:
            index: number of the step, from 0.
            total: number of steps of this sampling.
            timestep: the model's timestep, 0 to 999, fractional where the sampler works with sigmas. Samplers that call
                the model several times per step may tell each of them, with the same index.
        """
        if not 0 <= index < total:
            raise RuntimeError(f"step {index} of {total} does not exist")
        self._injector.begin_step()
        self._moment = Moment(index, total, float(timestep))

    @contextmanager
    def call(self, rows: Rows) -> Iterator[None]:
        """Around one call of the UNet: who is who in its batch."""
        self.begin(rows)
        try:
            yield
        except BaseException:
            self._forget_call()
            raise
        self.end()

    def begin(self, rows: Rows) -> None:
        """Before a call of the UNet; a host that cannot use `call` pairs it with `end`.

        Raises:
            RuntimeError: no step was told, or the hooks are off.
        """
        if self._moment is None or not self._handles:
            raise RuntimeError("the twin session needs attach() and step() before a call")
        self._forget_call()
        self._rows = rows

    def end(self) -> None:
        """After a call of the UNet.

        Raises:
            UserError: a layer did not run.
        """
        rows, seen = self._rows, self._seen
        expected = [] if rows is None else [site.path for site in self._listening(rows)]
        self._forget_call()
        check_all_ran(expected, seen)

    def attention(self, image: int = 0) -> Attention:
        """The averages of one artistic picture, also after the session has ended.

        Raises:
            RuntimeError: nothing was captured.
        """
        return self._captured().attention(image)

    @property
    def captured_bytes(self) -> int:
        """Memory that the averages of attention take."""
        return 0 if self._capture is None else self._capture.bytes

    def _captured(self) -> AttentionCapture:
        if self._capture is None:
            raise RuntimeError("the session was made without capture")
        return self._capture

    def _forget_call(self) -> None:
        self._rows = None
        self._seen = set()
        if self._capture is not None:
            self._capture.begin()

    def _listening(self, rows: Rows) -> Iterator[Site]:
        """The sites that have something to do in a call with these rows."""
        if self._moment is None:
            return
        roles = {row.role for row in rows.rows}
        if roles != {Role.OTHER}:
            yield from (site for site in self.injection_sites if self._injector.active(site, self._moment))
        if Role.ART in roles and self._captures():
            named = any(row.words for row in rows.rows)
            yield from (site for site in self.capture_sites if named or site.kind not in _WORDS)

    def _captures(self) -> bool:
        moment = self._moment
        return (
            self._capture is not None
            and moment is not None
            and self._capture.wants(moment.timestep, moment.index == moment.total - 1)
        )

    def _receive(self, site: Site, output: Tensor, injected: bool, captured: bool) -> Tensor:
        """What a site's hook does with the module's output."""
        rows, moment = self._rows, self._moment
        if rows is None or moment is None:
            return output
        injected = injected and self._injector.active(site, moment)
        captured = captured and self._captures()
        if injected or captured:
            output = check_output(site, output, rows=len(rows), latent=self.latent, seen=self._seen)
            self._seen.add(site.path)
        if injected:
            output = self._injector.carry(site, output, rows, moment)
        if captured and self._capture is not None:
            self._capture.see(site, output, rows)
        return output


class _Hook:
    """The forward hook of one site."""

    def __init__(self, session: TwinSession, site: Site, injected: bool, captured: bool) -> None:
        self._session = session
        self._site = site
        self._injected = injected
        self._captured = captured

    def __call__(self, module: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> Tensor:
        return self._session._receive(self._site, output, self._injected, self._captured)
