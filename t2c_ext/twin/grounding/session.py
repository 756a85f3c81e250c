"""Hooks on a UNet for one pass that says where the nouns are.

    session = GroundingSession(unet, latent=(64, 64))
    with session, session.call(row=0, rows=1):
        unet(noised, timestep, context)
    found = session.result()

Fused attention gives no probabilities, so they are computed again from queries and keys, some rows at a time. The
cross-attention of a layer is reduced to one map as soon as it was seen. Which layers count is known only near the end
of the pass, so of the self-attention queries and keys are held until then, of one row of the batch: for SD1.5 at 512
pixels some 46 MB, for SDXL at 1024 some 420 MB in half precision. Then a few maps are whole, each 64 MB for a grid of
64 x 64: the reference's, and the mean of those that refine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from t2c_ext.twin.capture import full_precision
from t2c_ext.twin.conflicts import refuse_conflicts
from t2c_ext.twin.grounding.answer import TokenMaps
from t2c_ext.twin.grounding.heads import HeadMethod, word_map
from t2c_ext.twin.grounding.layer_plan import GroundingPlan, Layer, attention_layers
from t2c_ext.twin.grounding.layer_weights import Agreement, layer_weights, reference_affinity
from t2c_ext.twin.grounding.merging import head_mean, mean_self_attention, normalised, summed
from t2c_ext.twin.layout import Grid, grid_at, layout_of
from t2c_ext.twin.locate import Kind, Site, check_all_ran, check_output, output_projection

_WORDS = (Kind.WORD_QUERY, Kind.WORD_KEY, Kind.WORD_VALUE)


@dataclass(frozen=True)
class GroundingOptions:
    """Where the published method leaves a choice.

    Attributes:
        heads: what weighs the heads at each place.
        renormalise: make the rows of self-attention on the reference's grid sum to 1, so that coarse layers do not
            count more for being coarse; the published code does not.
        first_channel: take only the reference feature's first channel, as the published evaluation does by a slip.
    """

    heads: HeadMethod = HeadMethod.DOT
    renormalise: bool = False
    first_channel: bool = False


@dataclass
class _Seen:
    """What was seen of one transformer block in the pass."""

    outputs: dict[Kind, Tensor] = field(default_factory=dict)
    words: Tensor | None = None


class GroundingSession:
    """Listens to one pass of a UNet.

    Args:
        unet: a UNet of Stable Diffusion 1, 2 or XL, named as in ldm or diffusers.
        latent: (height, width) of the latent.
        options: where the method leaves a choice.
        plan: the layers; None: those of the model's family.

    Raises:
        UserError: the model is of another architecture, lacks a layer of the plan, or is in a state (compiled, fused
            projections, merged tokens, video modules) in which the layers would not be what they seem.
    """

    def __init__(
        self,
        unet: nn.Module,
        latent: Grid,
        options: GroundingOptions | None = None,
        plan: GroundingPlan | None = None,
    ) -> None:
        refuse_conflicts(unet)
        self.latent = latent
        self.options = options or GroundingOptions()
        self.layers = attention_layers(unet, layout_of(unet), plan)
        self._unet = unet
        self._handles: list[RemovableHandle] = []
        self._place: tuple[int, int] | None = None
        self._ran: set[str] = set()
        self._seen: dict[str, _Seen] = {}
        self._feature: tuple[Tensor, Grid] | None = None

    def __enter__(self) -> GroundingSession:
        """Put the hooks on; RuntimeError when they are on already."""
        if self._handles:
            raise RuntimeError("the grounding session is attached already")
        try:
            for layer in self.layers:
                for site in layer.sites:
                    module = self._unet.get_submodule(site.path)
                    self._handles.append(module.register_forward_hook(_Hook(self, layer, site)))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._place = None

    @contextmanager
    def call(self, row: int = 0, rows: int = 1) -> Iterator[None]:
        """Around the one call of the UNet that is listened to; what an earlier one gave is forgotten.

        Args:
            row: place of the conditional row in the batch.
            rows: number of rows of the batch.

        Raises:
            RuntimeError: the hooks are off, or there is no such row.
            UserError: a layer did not run, or put out something else than the layer would.
        """
        if not self._handles or not 0 <= row < rows:
            raise RuntimeError("a grounding session needs its hooks on, and a row of the batch, before a call")
        self._forget()
        self._place = row, rows
        try:
            yield
            check_all_ran([site.path for layer in self.layers for site in layer.sites], self._ran)
        except BaseException:
            self._forget()
            raise
        finally:
            self._place = None

    def result(self) -> TokenMaps:
        """What the pass said; also after the hooks are off, once.

        Raises:
            RuntimeError: no call was listened to, or its result was taken already.
        """
        if self._feature is None:
            raise RuntimeError("nothing was captured: no call of the UNet was listened to")
        feature, size = self._feature
        with torch.inference_mode(), full_precision(feature.device):
            found = self._reduced(feature, size)
        self._forget()
        return found

    def _reduced(self, feature: Tensor, size: Grid) -> TokenMaps:
        agreement = Agreement(reference_affinity(feature), size, self.options.renormalise)
        weights = layer_weights([self._score(agreement, layer) for layer in self.layers])
        grids = [grid_at(self.latent, layer.level) for layer in self.layers]
        target = grid_at(self.latent, min(layer.level for layer in self.layers))
        maps = [words for layer in self.layers if (words := self._seen[layer.name].words) is not None]
        tokens = normalised(summed(maps, grids, weights, target))
        refining = (
            (head_mean(*self._pair(layer), layer.site(Kind.QUERY).scale), grid_at(self.latent, layer.level))
            for layer in self.layers
            if layer.refines
        )
        shares = {layer.name: float(weight) for layer, weight in zip(self.layers, weights, strict=True)}
        return TokenMaps(target, tokens, mean_self_attention(refining, target), shares)

    def _score(self, agreement: Agreement, layer: Layer) -> Tensor:
        grid, scale = grid_at(self.latent, layer.level), layer.site(Kind.QUERY).scale
        return agreement.score(*self._pair(layer), grid, scale)

    def _pair(self, layer: Layer) -> tuple[Tensor, Tensor]:
        """Self-attention's queries and keys, [heads, n, width] each."""
        outputs, heads = self._seen[layer.name].outputs, layer.site(Kind.QUERY).heads
        return _by_head(outputs[Kind.QUERY], heads), _by_head(outputs[Kind.KEY], heads)

    def _forget(self) -> None:
        self._ran, self._seen, self._feature = set(), {}, None

    def _receive(self, layer: Layer, site: Site, output: object) -> None:
        if self._place is None:
            return
        row, rows = self._place
        tensor = check_output(site, output, rows=rows, latent=self.latent, seen=self._ran)
        self._ran.add(site.path)
        seen = self._seen.setdefault(layer.name, _Seen())
        # a copy, so that the other rows of the batch can go
        seen.outputs[site.kind] = tensor[row].detach().clone()
        if all(kind in seen.outputs for kind in _WORDS):
            with torch.inference_mode(), full_precision(tensor.device):
                self._join(layer, seen)

    def _join(self, layer: Layer, seen: _Seen) -> None:
        """Reduce a cross-attention, all of whose inputs were seen, to its map."""
        query, key, value = (seen.outputs.pop(kind) for kind in _WORDS)
        site = layer.site(Kind.WORD_QUERY)
        projection = output_projection(self._unet, site).weight
        seen.words = word_map(
            _by_head(query, site.heads),
            _by_head(key, site.heads),
            _by_head(value, site.heads),
            projection.detach().to(query.device),
            scale=site.scale,
            method=self.options.heads,
        )
        if layer.is_reference:
            feature = query[:, :1] if self.options.first_channel else query
            self._feature = feature.float(), grid_at(self.latent, layer.level)


def _by_head(rows: Tensor, heads: int) -> Tensor:
    """[n, heads * width] -> [heads, n, width]."""
    return rows.reshape(rows.shape[0], heads, -1).transpose(0, 1)


class _Hook:
    """The forward hook of one site; it changes nothing."""

    def __init__(self, session: GroundingSession, layer: Layer, site: Site) -> None:
        self._session = session
        self._layer = layer
        self._site = site

    def __call__(self, module: nn.Module, arguments: tuple[Any, ...], output: object) -> None:
        self._session._receive(self._layer, self._site, output)
