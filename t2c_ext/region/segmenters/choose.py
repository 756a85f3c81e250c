"""Which segmenter: by name, or the best whose model is here."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from t2c_ext.errors import DOWNLOAD, UserError, Way
from t2c_ext.region.segmenters import closed_networks, lite, odise, open_networks, small, vote
from t2c_ext.region.segmenters.attention import AttentionSegmenter
from t2c_ext.region.segmenters.base import Segmenter
from t2c_ext.region.segmenters.closed import ClosedNetwork, ClosedSegmenter
from t2c_ext.region.segmenters.clusters import ClusterSegmenter
from t2c_ext.region.segmenters.lite import LiteSegmenter
from t2c_ext.region.segmenters.networks import Hardware, best_hardware, from_transformers
from t2c_ext.region.segmenters.open import OpenNetwork, OpenSegmenter
from t2c_ext.region.segmenters.relay import Closable, Relay
from t2c_ext.region.segmenters.small import SmallSegmenter
from t2c_ext.region.segmenters.vote import VoteSegmenter
from t2c_ext.types import NounMaps
from t2c_ext.weights.find import find_model

Finder = Callable[[str], Path | None]
"""Where the model of a name lies, or None."""

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class _Backend:
    """How one segmenter is made.

    Attributes:
        models: what it needs, by the catalogue's names.
        needs: the newest class of transformers that it needs, or "" for any.
        libraries: what else has to be installed.
    """

    models: tuple[str, ...]
    needs: str = ""
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Closed(_Backend):
    network: Callable[[Path, Hardware], ClosedNetwork]


@dataclass(frozen=True, kw_only=True)
class _Open(_Backend):
    network: Callable[..., OpenNetwork]


_ONEFORMER, _MASK2FORMER = "OneFormerForUniversalSegmentation", "Mask2FormerForUniversalSegmentation"
_SEGFORMER = "SegformerForSemanticSegmentation"

CLOSED: dict[str, _Closed] = {
    "oneformer-ade": _Closed(models=("oneformer-ade",), needs=_ONEFORMER, network=closed_networks.OneFormer),
    "mask2former-ade": _Closed(models=("mask2former-ade",), needs=_MASK2FORMER, network=closed_networks.Mask2Former),
    "oneformer-coco": _Closed(models=("oneformer-coco",), needs=_ONEFORMER, network=closed_networks.OneFormer),
    "mask2former-coco": _Closed(models=("mask2former-coco",), needs=_MASK2FORMER, network=closed_networks.Mask2Former),
    "segformer-ade": _Closed(models=("segformer-ade",), needs=_SEGFORMER, network=closed_networks.SegFormer),
}
"""Closed vocabularies, the best first: ADE20K tells rivers, lakes and waterfalls apart, and larger models see more."""

OPEN: dict[str, _Open] = {
    "sam3": _Open(models=("sam3",), needs="Sam3Model", libraries=("torchvision",), network=open_networks.Sam3),
    "clipseg": _Open(models=("clipseg",), needs="CLIPSegForImageSegmentation", network=open_networks.ClipSeg),
    "grounding-dino": _Open(models=("grounding-dino", "sam2"), needs="Sam2Model", network=open_networks.GroundedSam),
    "odise": _Open(models=("odise",), libraries=("odise", "detectron2"), network=odise.Odise),
}
"""Open vocabularies, the best for things without a firm shape first."""

LIGHT: dict[str, Callable[[], Closable]] = {
    ClusterSegmenter.name: ClusterSegmenter,
    SmallSegmenter.name: SmallSegmenter,
    LiteSegmenter.name: LiteSegmenter,
}
"""Those that come with the package, or with one that it needs: no model to find, no torch, a fraction of a second."""

NAMES = (AUTO, *LIGHT, AttentionSegmenter.name, *CLOSED, *OPEN)
"""What the setting `segmenter` can be; its choices in `settings.py`, which imports nothing from here, repeat them."""


@cache
def built_in() -> str:
    """A digest of the package's own networks and of the weights of the vote: where they change, so do results."""
    own = [files("t2c_ext.region.segmenters").joinpath(name).read_bytes() for name in ("small.onnx", "lite.npz")]
    digest = hashlib.sha256(b"".join(own) + vote.own_network().name.encode())
    votes = (vote.NETWORK, vote.RULES, vote.FOUND, vote.SEEN, vote.CAUTION)
    odds = (small.EXPECTED, small.EXPECTED_OF, lite.EXPECTED, lite.EXPECTED_OF)
    digest.update(repr((votes, odds)).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class SegmenterChoice:
    """What will find the regions, and which files it is made from: two that are equal find the same.

    Attributes:
        networks: the name of each network and where its models lie, the first asked first; none: what is built in.
        alone: the network alone, without what is built in for what it does not know.
        light: the one that is named, if it needs no model of its own.
        built_in: what comes with the package, as `built_in` digests it.
    """

    networks: tuple[tuple[str, tuple[Path, ...]], ...] = ()
    alone: bool = False
    light: str = ""
    built_in: str = field(default_factory=built_in)

    @property
    def asks_the_model(self) -> bool:
        """Whether what the diffusion model sees in the picture has a say."""
        return not self.alone and self.light in ("", AttentionSegmenter.name)


def choose_segmenter(name: str, find: Finder = find_model) -> SegmenterChoice:
    """What the setting names; `auto` is the best whose model is here. No model is opened.

    A closed vocabulary is helped out by an open one that is here, for the words that it lacks. The vote of the
    package's own network and rules comes last, for what no model could know.

    Args:
        name: one of `NAMES`.
        find: tells where a model lies.

    Raises:
        UserError: there is none of that name, or its model is not here.
    """
    if name == LiteSegmenter.name and lite.features_file() is None:
        raise UserError(lite.MISSING)
    if name in LIGHT or name == AttentionSegmenter.name:
        return SegmenterChoice(light=name)
    if name not in NAMES:
        raise UserError(f"there is no segmenter called {name!r}; use one of: {', '.join(NAMES)}")
    if name in OPEN:
        return SegmenterChoice(((name, _folders(name, OPEN[name], find)),), alone=True)
    networks = []
    main = next((each for each in CLOSED if _is_here(CLOSED[each], find)), None) if name == AUTO else name
    if main is not None:
        networks.append((main, _folders(main, CLOSED[main], find)))
    helper = next((each for each in OPEN if _is_here(OPEN[each], find)), None)
    if helper is not None:
        networks.append((helper, _folders(helper, OPEN[helper], find)))
    return SegmenterChoice(tuple(networks))


def open_segmenter(choice: SegmenterChoice, device: str | None = None) -> Closable:
    """The segmenter of a choice; it loads its models when they are first needed, once, and lets them go on `close`.

    Args:
        choice: from `choose_segmenter`.
        device: a torch device; the best one when None.
    """
    if choice.light == AttentionSegmenter.name:
        return AttentionSegmenter(None)
    if choice.light:
        return LIGHT[choice.light]()
    models = [_opened(name, folders, device) for name, folders in choice.networks]
    if choice.alone:
        return models[0]
    return Relay(models, VoteSegmenter()) if models else VoteSegmenter()


def asking(segmenter: Closable, nouns: NounMaps) -> Closable:
    """A segmenter beside what a diffusion model saw in the picture; it uses the given one, which its owner closes."""
    if isinstance(segmenter, AttentionSegmenter):
        return AttentionSegmenter(nouns)
    if isinstance(segmenter, VoteSegmenter):
        return segmenter.asking(AttentionSegmenter(nouns))
    if isinstance(segmenter, Relay):
        return segmenter.with_last_resort(asking(segmenter.last_resort, nouns))
    return segmenter


def make_segmenter(name: str, find: Finder = find_model, device: str | None = None) -> Closable:
    """The segmenter that the setting names; for the arguments see `choose_segmenter` and `open_segmenter`.

    Raises:
        UserError: there is none of that name, or its model is not here.
    """
    return open_segmenter(choose_segmenter(name, find), device)


def _opened(name: str, folders: tuple[Path, ...], device: str | None) -> Closable:
    if name in OPEN:
        return OpenSegmenter(name, partial(_load_open, name, folders, device))
    return ClosedSegmenter(name, partial(_load_closed, name, folders[0], device))


def _load_closed(name: str, folder: Path, device: str | None) -> ClosedNetwork:
    _require(CLOSED[name])
    return CLOSED[name].network(folder, best_hardware(device))


def _load_open(name: str, folders: Sequence[Path], device: str | None) -> OpenNetwork:
    _require(OPEN[name])
    return OPEN[name].network(*folders, best_hardware(device))


def _folders(name: str, backend: _Backend, find: Finder) -> tuple[Path, ...]:
    """Where its models lie.

    Raises:
        UserError: one is not here.
    """
    found = []
    for model in backend.models:
        folder = find(model)
        if folder is None:
            raise UserError(
                f"the segmenter {name} needs the model {model}, which is not here",
                ways=[Way(f"get {model}", DOWNLOAD, model)],
            )
        found.append(folder)
    return tuple(found)


def _require(backend: _Backend) -> None:
    """Check that what it runs on is installed.

    Raises:
        UserError: it is not.
    """
    from_transformers(backend.needs or "PreTrainedModel")
    for library in backend.libraries:
        if importlib.util.find_spec(library) is None:
            raise UserError(f"the segmenter needs the Python package {library}, which is not installed")


def _is_here(backend: _Backend, find: Finder) -> bool:
    """Whether its models are here and can run; transformers is only imported to look when they are."""
    try:
        _folders("", backend, find)
        _require(backend)
    except UserError:
        return False
    return True


def comes_with_the_package(source: str) -> bool:
    """Whether a region's source begins with one that needs no model, such as "small + clusters"."""
    return source.partition(" + ")[0] in LIGHT


def is_light(segmenter: Segmenter) -> bool:
    """Whether it needs neither torch nor a model's memory, so that it may run beside others."""
    return segmenter.name in LIGHT or isinstance(segmenter, VoteSegmenter)
