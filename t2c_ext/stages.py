"""The stages as functions: each of one object, from all fields of which its key is made.

A result can depend on nothing that its key forgets, as its function is given nothing else. Three things are passed
beside it, and change no result but for rounding: who is told of the progress, the device that networks run on, and what
is loaded already (a host's text encoder, a keeper's networks).

The objects hold what decides the result and no more: what makes no difference is brought to one form by the functions
that make them (`region_input` ...), so that a stage does not run again for it. Where the code of a stage comes to make
another result from the same input, its `algorithm` is raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.extents import extent_of
from t2c_ext.keeper import Keeper
from t2c_ext.keys import key_of
from t2c_ext.loop.choose import VIDEO_WEIGHTS, make_rendering
from t2c_ext.loop.render import Rendering
from t2c_ext.media.posters import poster_beside
from t2c_ext.media.videos import write_video
from t2c_ext.motion.choose import Choice, Equipment, MotionModel, choose_model, make_flow
from t2c_ext.motion.field import prepare_flow
from t2c_ext.motion.hints import what_moves
from t2c_ext.progress import Reporter
from t2c_ext.prompt.parse import parse
from t2c_ext.prompt.syntax import plain
from t2c_ext.prompt.taggers import installed_models
from t2c_ext.region.find import PAINTED, find_regions, fit_mask, is_shared_out
from t2c_ext.region.matte import refine_matte
from t2c_ext.region.painted import beside_mask_file, painted_regions, sought_beside
from t2c_ext.region.refine import refine_regions
from t2c_ext.region.segmenters.choose import SegmenterChoice, asking, choose_segmenter, open_segmenter
from t2c_ext.region.segmenters.relay import Closable
from t2c_ext.results import in_levels
from t2c_ext.settings import LoopSettings, MotionSettings, PromptSettings, RegionSettings
from t2c_ext.twin.source import TwinSource
from t2c_ext.types import (
    Attention,
    CompactPicture,
    FloatArray,
    Flow,
    Hints,
    Loop,
    Motion,
    NounMaps,
    Picture,
    Plan,
    Region,
    RegionHint,
    RegionLaw,
    Regions,
    Twin,
)
from t2c_ext.weights.find import require_model

if TYPE_CHECKING:
    from t2c_ext.motion.text_context import TextEncoder


class StageInput:
    """What a stage makes its result from.

    Attributes:
        algorithm: raised where the same input comes to give another result.
    """

    algorithm: ClassVar[int] = 1

    @property
    def key(self) -> str:
        """A digest of everything in it."""
        return key_of(type(self).__qualname__, self.algorithm, self)


# --- prompt -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PromptInput(StageInput):
    """What a plan is made from.

    Attributes:
        settings: the words, and how they are read; the seed is 0 where no angle is drawn from it.
        models: the language models that are here.
    """

    algorithm: ClassVar[int] = 2

    settings: PromptSettings
    models: tuple[str, ...] = ()


def prompt_input(settings: PromptSettings) -> PromptInput:
    """The input of the prompt stage."""
    return PromptInput(settings if settings.angle == "random" else replace(settings, seed=0), installed_models())


def make_plan(given: PromptInput) -> Plan:
    """Read the words."""
    return parse(given.settings)


# --- twin -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TwinInput(StageInput):
    """What the two pictures are made from.

    Attributes:
        source: everything that they depend on, as their source tells it of a plan.
    """

    source: tuple[object, ...]


def make_twin(source: TwinSource, plan: Plan, reporter: Reporter) -> Twin:
    """The pictures of a source, in 8 bits per channel, as files hold them."""
    twin = source.make(plan, reporter)
    return replace(twin, art=eight_bit(twin.art), natural=None if twin.natural is None else eight_bit(twin.natural))


def eight_bit(picture: Picture) -> Picture:
    """The picture as a file of 8 bits per channel holds it."""
    alpha = None if picture.alpha is None else in_levels(picture.alpha)
    if isinstance(picture, CompactPicture):
        return picture if alpha is picture.alpha else replace(picture, alpha=alpha)
    return replace(picture, rgb=in_levels(picture.rgb), alpha=alpha)


# --- region -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegionInput(StageInput):
    """What the regions are made from.

    Attributes:
        words: the plan's regions; empty where what the user gave says what moves.
        picture: float32 [H, W, 3], in which they are sought: the natural-looking twin, or the picture itself.
        art: float32 [H, W, 3], the picture that moves.
        alpha: float32 [H, W], its opacity, or None.
        settings: the stage's.
        given: the masks that the user gave, or None.
        painted: the regions that the user painted, of each its name and mask.
        besides: the names of regions that are to be found beside painted ones.
        attention: of the picture that moves, where it redraws what is found, or None.
        seed: of the clusters of the attention; 0 without.
        segmenter: what finds them, or None where nothing is to be found.
        nouns: where the diffusion model sees the things, where it was asked and has a say.
    """

    words: tuple[str, ...]
    picture: FloatArray
    art: FloatArray
    alpha: FloatArray | None
    settings: RegionSettings
    given: Regions | None = None
    painted: tuple[RegionHint, ...] = ()
    besides: tuple[str, ...] = ()
    attention: Attention | None = None
    seed: int = 0
    segmenter: SegmenterChoice | None = None
    nouns: NounMaps | None = None
    algorithm: ClassVar[int] = 4


def region_input(  # noqa: PLR0917
    plan: Plan, twin: Twin, settings: RegionSettings, hints: Hints, given: Regions | None, seed: int
) -> RegionInput:
    """The input of the region stage.

    Args:
        plan: the words' regions.
        twin: the pictures.
        settings: the stage's.
        hints: what the user drew.
        given: the masks that the user gave, or None.
        seed: the recipe's.

    Raises:
        UserError: the segmenter that the settings name is not here.
    """
    picture = twin.art if twin.natural is None else twin.natural
    colours = picture.rgb
    painted = tuple(RegionHint(hint.name, mask=hint.mask) for hint in hints.painted)
    besides = hints.besides if given is None else ()
    named = given is not None and _is_named(given)
    words = () if painted or named else plan.regions
    attention = twin.attention if given is None and not painted and settings.refine != "off" else None
    if painted:
        asks = bool(sought_beside(painted, settings, besides))
    else:
        asks = given is None or (not named and is_shared_out(words, settings))
    choice = choose_segmenter(settings.segmenter) if asks else None
    seen = None if twin.attention is None or choice is None or not choice.asks_the_model else twin.attention.nouns
    return RegionInput(
        words,
        colours,
        colours if picture is twin.art else twin.art.rgb,
        twin.art.alpha,
        settings,
        None if given is None else replace(bare(given, PAINTED), notes=given.notes),
        painted,
        besides,
        None if attention is None else replace(attention, nouns=None),
        0 if attention is None else seed,
        choice,
        seen,
    )


def make_regions(given: RegionInput, reporter: Reporter, device: str = "auto", keeper: Keeper | None = None) -> Regions:
    """The regions, without the transparent part of the picture, their masks in steps of 1/255, as files hold them.

    Raises:
        RegionNotFound: what was asked for was not found.
        UserError: a mask does not fit the picture, or nothing of the regions can be seen.
    """
    with _segmenter(given.segmenter, None if device == "auto" else device, keeper) as finder:
        segmenter = finder if given.nouns is None else asking(finder, given.nouns)
        found = _found(given, segmenter, reporter)
    if given.given is None and not given.painted:
        found = refine_regions(found, given.attention, given.art, given.settings, given.seed)
    return _visible(found, given.alpha)


@contextmanager
def _segmenter(choice: SegmenterChoice | None, device: str | None, keeper: Keeper | None) -> Iterator[Closable]:
    """The segmenter of a choice: the keeper's, or one that is closed at the end."""
    if choice is None:
        yield _NOBODY
    elif keeper is not None:
        yield keeper.get("segmenter", (choice, device), lambda: open_segmenter(choice, device))
    else:
        with closing(open_segmenter(choice, device)) as own:
            yield own


def _found(given: RegionInput, segmenter: Closable, reporter: Reporter) -> Regions:
    masks, settings, picture = given.given, given.settings, given.picture
    if given.painted:
        painted = painted_regions(
            picture, given.painted, settings, besides=given.besides, reporter=reporter, segmenter=segmenter
        )
        return painted if masks is None else beside_mask_file(painted, masks)
    if masks is not None and _is_named(masks):
        fitted = (replace(row, mask=fit_mask(row.mask, *picture.shape[:2])) for row in masks.regions)
        return replace(
            masks, regions=tuple(replace(row, mask=refine_matte(picture, row.mask, settings)) for row in fitted)
        )
    mask = None if masks is None else masks.regions[0].mask
    found = find_regions(
        picture, given.words, settings, mask=mask, reporter=reporter, segmenter=segmenter, painting=given.art
    )
    return found if masks is None else replace(found, notes=(*masks.notes, *found.notes))


def _is_named(given: Regions) -> bool:
    """Whether masks say by themselves what moves; one without a name is shared out by the words."""
    return len(given.regions) > 1 or bool(given.regions[0].name)


def bare(regions: Regions, source: str = "") -> Regions:
    """Names and masks alone, in which all that decides a motion lies."""
    return Regions(tuple(Region(row.name, row.mask, source=source) for row in regions.regions))


def _visible(regions: Regions, alpha: FloatArray | None) -> Regions:
    masks = [region.mask if alpha is None else _where_opaque(region.mask, alpha) for region in regions.regions]
    kept = tuple(replace(row, mask=in_levels(mask)) for row, mask in zip(regions.regions, masks, strict=True))
    if not any(region.mask.any() for region in kept):
        raise UserError("the region lies wholly in the transparent part of the picture")
    segmentation = tuple(replace(row, mask=in_levels(row.mask)) for row in regions.segmentation)
    return replace(regions, regions=kept, segmentation=segmentation)


def _where_opaque(mask: FloatArray, alpha: FloatArray) -> FloatArray:
    window, result = extent_of(mask), np.zeros(mask.shape, np.float32)
    np.copyto(window.of(result), window.of(mask), where=window.of(alpha) > 0)
    return result


class _Nobody:
    """Stands where nothing is to be found: who asks it would use what the key does not hold."""

    name, limits, threshold = "nobody", "", 0.5

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        raise RuntimeError(f"a segmenter was asked for {words}, but the stage's key holds none")

    def propose(self, picture: FloatArray) -> list[Region]:
        return self.segment(picture, ())

    def close(self) -> None:
        """Nothing is held."""


_NOBODY = _Nobody()


# --- motion -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MotionInput(StageInput):
    """What a flow is made from, where the user gave none.

    Attributes:
        picture: float32 [H, W, 3], the natural-looking twin, or the picture itself.
        regions: names and masks of what flows.
        motions: what the words state.
        words: the prompt without its syntax, for the network that reads it.
        hints: what the user drew, without masks and colours, which move nothing.
        settings: the stage's, without the hints' text and without the model's name, which `choice` holds.
        choice: what makes it.
    """

    picture: FloatArray
    regions: Regions
    motions: tuple[Motion, ...]
    words: str
    hints: Hints
    settings: MotionSettings
    choice: Choice


@dataclass(frozen=True)
class GivenFlowInput(StageInput):
    """What a flow that the user gave is fitted by.

    Attributes:
        flow: float32 [h, w, 2].
        moving: float32 [H, W], what moves.
        speed: a factor.
    """

    flow: FloatArray
    moving: FloatArray
    speed: float


def motion_input(  # noqa: PLR0917
    plan: Plan, twin: Twin, regions: Regions, hints: Hints, settings: MotionSettings, encoder: TextEncoder | None = None
) -> MotionInput:
    """The input of the motion stage, where the user gave no flow.

    Raises:
        UserError: the weights of a model that is asked for by name are not here.
    """
    picture = twin.art if twin.natural is None else twin.natural
    moving = replace(what_moves(hints), still=hints.still)
    equipment = Equipment(encoder=encoder)
    choice = choose_model(settings, plan, moving, equipment) if regions.regions else Choice(MotionModel.SOLVER)
    return MotionInput(
        picture.rgb,
        bare(regions),
        plan.motions,
        plain(plan.art_prompt).text,
        moving,
        replace(settings, hints="", motion_model="auto"),
        choice,
    )


def make_motion(
    given: MotionInput | GivenFlowInput,
    reporter: Reporter,
    device: str = "auto",
    encoder: TextEncoder | None = None,
    keeper: Keeper | None = None,
) -> Flow:
    """The flow; raises UserError where it cannot be made."""
    if isinstance(given, GivenFlowInput):
        return prepare_flow(given.flow, given.moving, MotionSettings(speed=given.speed))
    if not given.regions.regions:
        return Flow(np.zeros((*given.picture.shape[:2], 2), np.float32), "nothing flows")
    return make_flow(
        given.picture,
        given.regions,
        Plan(motions=given.motions),
        given.hints,
        given.settings,
        Equipment(encoder=encoder, device=device, keeper=keeper),
        prompt=given.words,
        choice=given.choice,
        reporter=reporter,
    )


# --- loop -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoopInput(StageInput):
    """What a loop is made from.

    Attributes:
        art: the picture that moves, with the text that travels in its file.
        moving: float32 [H, W], what moves.
        flow: float32 [H, W, 2].
        structure: float32 [H, W], 0..1, how far the large shapes of what moves there usually stay.
        settings: the stage's; `format` is what is written, whatever the recipe says.
        seed: of the phases.
        laws: the regions that move by another law than flow.
        weights: of the video network, where that is the renderer.
    """

    art: Picture
    moving: FloatArray
    flow: FloatArray
    structure: FloatArray
    settings: LoopSettings
    seed: int
    laws: tuple[RegionLaw, ...] = ()
    weights: Path | None = None
    algorithm: ClassVar[int] = 3

    @property
    def moves_all(self) -> bool:
        """Whether what stands still is drawn anew, too: the paper repaints it, and a camera passes it."""
        return self.settings.renderer == "paper" or any(law.kind.is_camera for law in self.laws)


def loop_input(  # noqa: PLR0917
    art: Picture,
    moving: FloatArray,
    flow: FloatArray,
    structure: FloatArray,
    settings: LoopSettings,
    kind: str,
    seed: int,
    laws: Sequence[RegionLaw] = (),
) -> LoopInput:
    """The input of the loop stage.

    Args:
        art: the picture that moves.
        moving: float32 [H, W].
        flow: float32 [H, W, 2].
        structure: float32 [H, W], 0..1.
        settings: the stage's.
        kind: the format that is written.
        seed: the recipe's.
        laws: the regions that move by another law than flow.

    Raises:
        UserError: the renderer's weights are not here.
    """
    paints = settings.renderer != "warp" and (bool(flow.any()) or not laws)
    weights = require_model(VIDEO_WEIGHTS) if paints else None
    return LoopInput(art, moving, flow, structure, replace(settings, format=kind), seed, tuple(laws), weights)


def make_frames(given: LoopInput, reporter: Reporter, device: str = "auto", keeper: Keeper | None = None) -> Rendering:
    """Prepare the frames; raises UserError where the picture cannot be animated."""

    def weights(name: str) -> Path:
        if given.weights is None:
            raise RuntimeError(f"the loop asks for {name}, but the stage's key does not hold it")
        return given.weights

    compact = isinstance(given.art, CompactPicture) and given.settings.renderer == "warp"
    return make_rendering(
        given.art.levels if compact else given.art.rgb,
        given.moving,
        given.flow,
        given.settings,
        seed=given.seed,
        structure=given.structure,
        laws=given.laws,
        reporter=reporter,
        require=weights,
        device=device,
        keeper=keeper,
    )


def write_loop(  # noqa: PLR0917
    given: LoopInput,
    frames: Rendering,
    path: Path,
    poster: Path | None,
    text: dict[str, str],
    reporter: Reporter,
    owned: bool = False,
) -> Loop:
    """Encode a loop, and write its still.

    Args:
        given: what it is made from.
        frames: from `make_frames`.
        path: where to; its ending is that of the format.
        poster: where the still goes, or None.
        text: travels in both files. It is no part of the key: a recipe that makes the same loop tells the truth of it.
        reporter: progress and cancellation.
        owned: whatever lies at `path` is ours.

    Raises:
        UserError: it cannot be written there.
    """
    settings, start = given.settings, time.perf_counter()
    with poster_beside(poster, given.art, text):
        written = write_video(
            path,
            frames.frames,
            size=given.art.size,
            count=frames.count,
            fps=settings.fps,
            quality=settings.quality,
            max_megabytes=settings.max_megabytes,
            alpha=given.art.alpha,
            mask=None if given.moves_all else given.moving,
            text=text,
            reporter=reporter,
            owned=owned,
        )
    seconds = round(time.perf_counter() - start, 3)
    return Loop(path, poster, frames.count, frames.holes, seconds, (*frames.notes, *written.notes))
