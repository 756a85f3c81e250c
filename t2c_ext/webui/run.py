"""One generation of the host with the Cinemagraph panel enabled: its pairs, then their loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from t2c_ext.errors import UserError
from t2c_ext.motion.choose import Equipment, MotionModel, choose_model
from t2c_ext.motion.hints import parse_hints
from t2c_ext.prompt.parse import parse
from t2c_ext.settings import TwinSettings
from t2c_ext.twin.inject import InjectionOptions
from t2c_ext.twin.negative import natural_negative
from t2c_ext.types import Plan, Regions
from t2c_ext.webui.batch import replace_method
from t2c_ext.webui.host import host_of
from t2c_ext.webui.kept import tidy
from t2c_ext.webui.loops import Shot, host_reporter, loop_jobs, painted_mask, save_loop, told_to_stop
from t2c_ext.webui.options import Options
from t2c_ext.webui.pairs import Pairs


@dataclass
class Run:
    """What a script keeps on the processing object while its pictures are made.

    Attributes:
        options: the panel's values.
        pairs: of the batch in hand; None before the first.
        shots: the pictures that are to move, in their order.
        pictures: how many there are so far.
        shot_of: whose loop is a picture's, by the picture's number; several may show one painting.
        notes: sentences for the user, in their order.
        told_of_loops: those of them that are kept with a loop.
    """

    options: Options
    pairs: Pairs | None = None
    shots: list[Shot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    told_of_loops: set[str] = field(default_factory=set)
    shot_of: dict[int, Shot] = field(default_factory=dict)
    pictures: int = 0
    _undo: Callable[[], None] | None = None

    def tell(self, note: str) -> None:
        """Keep a sentence for the user, once."""
        if note not in self.notes:
            self.notes.append(note)

    def follow(self, processing: Any) -> None:
        """Before a batch is sampled: make its twins along with it."""
        self.release()
        self.pairs = None

        def followed(original: Callable[..., Any]) -> Callable[..., Any]:
            def sample(*arguments: Any, **named: Any) -> Any:
                self.release()
                self.pairs = pairs = self._pairs(processing)
                if self._lockstep(processing):
                    return pairs.sample(original, arguments, named)
                return original(*arguments, **named)

            return sample

        self._undo = replace_method(processing, "sample", followed)

    def _pairs(self, processing: Any) -> Pairs:
        """Of the batch in hand; the host is known by its model, which Forge loads only when it makes pictures."""
        return Pairs(
            host_of(processing),
            natural=lambda prompt: self.plan(prompt).natural_prompt,
            words=lambda prompt: self.plan(prompt).regions,
            injection=injection_options(self.options.recipe.twin),
            tell=self.tell,
            show_twins=self.options.panel.show_twin,
            prompts=list(processing.prompts),
            nouns=lambda prompt: self.plan(prompt).nouns,
            negative=lambda prompt, negative: natural_negative(negative, self.plan(prompt).styles),
        )

    def release(self) -> None:
        """Give the processing object its own method back; may be called twice."""
        if self._undo is not None:
            self._undo()
            self._undo = None

    def _lockstep(self, processing: Any) -> bool:
        if not self.options.recipe.twin.twin or follows_painting(processing) or self._needs_no_twin(processing):
            return False
        reason = why_no_twin(processing)
        if reason:
            self.tell(f"no twin was made, since {reason}; the region is looked for in the picture itself")
        return not reason

    def plan(self, prompt: str) -> Plan:
        """What the words of a prompt say."""
        return parse(self.options.recipe.with_values({"prompt": prompt}).prompt)

    def add(self, processing: Any, picture: Any) -> None:
        """A finished picture of the batch in hand."""
        place, number = processing.batch_index, self.pictures
        self.pictures += 1
        if self.pairs is None or place >= len(self.pairs.prompts):
            return
        if self.pairs.host.stopped():
            self.tell("a picture that was stopped gets no loop")
            return
        shot = Shot(picture, self.pairs.prompts[place], int(processing.seeds[place]), number)
        given = given_painting(processing, place) if self.options.panel.moves == "given" else None
        if given is not None:
            known = next((other for other in self.shots if given is other.art), None)
            if known is not None:  # one loop is enough for one painting
                self.shot_of[number] = known
                return
            shot.art, shot.given = given, True
        if follows_painting(processing):
            self._follow_painting(processing, shot, place)
        else:
            twins = self.pairs.twins
            shot.natural = twins[place] if place < len(twins) else None
            shot.attention = self.pairs.attention(place)
        self.shots.append(shot)
        self.shot_of[number] = shot

    def _follow_painting(self, processing: Any, shot: Shot, place: int) -> None:
        if self.pairs is None:
            return
        given = self._knows_what_moves(processing)
        if self._needs_no_twin(processing, [shot.prompt]):
            return
        sought = "motion" if given else "region"
        itself = f"the {sought} was looked for in the painting itself"
        reason = why_no_twin(processing) if self.options.recipe.twin.twin else "the twin is turned off"
        if reason:
            self.tell(f"{itself}, since {reason}")
            return
        try:
            # scripts that go on from picture to picture draw from where the host left off
            with torch.random.fork_rng():
                shot.natural, shot.attention = self.pairs.of_painting(shot.art, place)
            self.tell(f"the {sought} was looked for in a natural-looking twin that follows the painting")
        except UserError as error:
            self.tell(f"{itself}: {error}")

    def _needs_no_twin(self, processing: Any, prompts: Sequence[str] | None = None) -> bool:
        """Whether no twin would be looked at, by nobody and nothing: a mask says what moves, and no network asks.

        Args:
            processing: the host's processing object.
            prompts: of the pictures; None: of the batch in hand.
        """
        if self.options.panel.show_twin or not self._knows_what_moves(processing):
            return False
        return not any(self._has_network(prompt) for prompt in (processing.prompts if prompts is None else prompts))

    def _knows_what_moves(self, processing: Any) -> bool:
        """Whether masks say all that moves, so that nothing is looked for."""
        recipe = self.options.recipe
        if parse_hints(recipe.motion.hints).painted:
            return not recipe.region.region.strip()
        return self.options.mask is not None or getattr(processing, "image_mask", None) is not None

    def _has_network(self, prompt: str) -> bool:
        """Whether a network will make the motion; it has learnt from photographs, the solver needs none."""
        motion, encoder = self.options.recipe.motion, None if self.pairs is None else self.pairs.host.text_encoder()
        try:
            choice = choose_model(motion, self.plan(prompt), parse_hints(motion.hints), Equipment(encoder=encoder))
        except UserError:
            return False  # the loop will say why it cannot be made
        return choice.model is not MotionModel.SOLVER

    def make_loops(self, processing: Any) -> list[str]:
        """The loops of all pictures; the paths of those that were made.

        Who let the host stop after the picture in hand gets the loops of what is finished; who does so in a loop gets
        that one.
        """
        if not self.shots:
            return []
        try:
            regions = self._given_regions(processing)
        except UserError as error:
            self.tell(f"no loop was made: {error}")
            return []
        paths, stopping = [], told_to_stop()
        with loop_jobs(len(self.shots)) as state:
            for place, shot in enumerate(self.shots, start=1):
                if state.interrupted or (told_to_stop() and not stopping):
                    self.tell("stopped before all loops were made")
                    break
                state.skipped = False
                reporter = host_reporter(place, len(self.shots))
                asks = not self.options.by_request
                path, notes = save_loop(processing, shot, self.options.recipe, regions, reporter, asks)
                for note in notes:
                    said = note if path is not None else f"{self._which(shot)}{note}"
                    self.tell(said)
                    if shot.id:
                        self.told_of_loops.add(said)
                if path is not None:
                    paths.append(str(path.resolve()))
                state.nextjob()
            state.skipped = False
        tidy([shot.id for shot in self.shots])
        return paths

    def _which(self, shot: Shot) -> str:
        """The beginning of a sentence about one picture of several."""
        return f"picture {shot.number + 1} of {self.pictures}: " if self.pictures > 1 else ""

    def _given_regions(self, processing: Any) -> Regions | None:
        return self.options.mask or painted_mask(processing)


def injection_options(settings: TwinSettings) -> InjectionOptions:
    """The shares of the steps in which the twin takes features; -1 stands for the model family's own."""
    features, attention = (None if share < 0 else share for share in (settings.feature_share, settings.attention_share))
    return InjectionOptions(features, attention, settings.injection == "paper")


def follows_painting(processing: Any) -> bool:
    """Whether the picture comes from another one (img2img, or only hires fix), so that its twin is made after it."""
    upscales = getattr(processing, "enable_hr", False) and getattr(processing, "firstpass_image", None) is not None
    return bool(getattr(processing, "init_images", None)) or upscales


def given_painting(processing: Any, place: int) -> Any:
    """The PIL picture that img2img was given for that place of the batch, or None."""
    paintings = getattr(processing, "init_images", None) or [None]
    return paintings[place if place < len(paintings) else 0]


def why_no_twin(processing: Any) -> str:
    """Why a twin cannot be sampled with these pictures' model; "" where it can."""
    from modules import shared

    if shared.opts.data.get("hypertile_enable_unet"):
        return "hypertile cuts the model's attention into tiles"
    if getattr(processing, "refiner_checkpoint", None) not in (None, "", "None", "none"):
        return "a refiner changes the model in the middle"
    if getattr(processing.sd_model, "cond_stage_key", "") == "edit":
        return "the model edits pictures (InstructPix2Pix)"
    checkpoint = getattr(processing, "hr_checkpoint_name", None) not in (None, "", "Use same checkpoint")
    if follows_painting(processing) and checkpoint:
        return "hires fix uses another checkpoint"
    return ""
