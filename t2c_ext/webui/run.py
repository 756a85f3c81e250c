"""One generation of the host with the Cinemagraph panel enabled: its pairs, then their loops."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.prompt.parse import parse
from t2c_ext.service import read_masks
from t2c_ext.settings import PromptSettings, TwinSettings
from t2c_ext.twin.inject import InjectionOptions
from t2c_ext.types import Plan
from t2c_ext.webui.a1111 import Automatic1111, token_positions
from t2c_ext.webui.batch import PairedBatch, pair_batches
from t2c_ext.webui.loops import Shot, save_loop
from t2c_ext.webui.options import Options
from t2c_ext.webui.sampling import PairSampling


@dataclass
class Run:
    """What a script keeps on the processing object while its pictures are made.

    Attributes:
        options: the panel's values.
        before: the processing object's own batches, while they are paired; None without twins.
        sampling: of the batch in hand.
        shots: the pictures so far, in their order.
        naturals: PIL twins of the batch in hand.
    """

    options: Options
    before: PairedBatch | None = None
    sampling: PairSampling | None = None
    shots: list[Shot] = field(default_factory=list)
    naturals: list[Any] = field(default_factory=list)

    def pair(self, processing: Any) -> None:
        """Double the batches, and follow their sampling.

        Raises:
            UserError: pairs cannot be made of these pictures; nothing was changed.
        """
        reason = why_no_twin(processing)
        if reason:
            raise UserError(f"no twin is made, since {reason}; the region is looked for in the picture itself")
        self.before = pair_batches(processing, self._natural)
        original = processing.sample

        def sample(*arguments: Any, **named: Any) -> Any:
            with self._followed(processing):
                return original(*arguments, **named)

        processing.sample = sample

    def release(self, processing: Any) -> None:
        """Give the processing object its own method and batches back; may be called twice."""
        processing.__dict__.pop("sample", None)
        if self.before is not None:
            self.before.restore(processing)
            self.before = None

    @contextmanager
    def _followed(self, processing: Any) -> Any:
        count = len(processing.prompts) // 2
        words = [
            token_positions(processing, prompt, self.plan(prompt).regions) for prompt in processing.prompts[:count]
        ]
        self.sampling = PairSampling(
            Automatic1111(processing), count, words, injection_options(self.options.recipe.twin)
        )
        with self.sampling.active():
            yield

    def plan(self, prompt: str) -> Plan:
        """What the words of a prompt say."""
        settings: PromptSettings = self.options.recipe.with_values({"prompt": prompt}).prompt
        return parse(settings)

    def _natural(self, prompt: str) -> str:
        return self.plan(prompt).natural_prompt

    def take_twins(self, images: list[Any]) -> list[Any]:
        """From the decoded batch: keep the twins, return the pictures."""
        from PIL import Image

        count = len(images) // 2
        self.naturals = [
            Image.fromarray((255 * twin.float().cpu().numpy().transpose(1, 2, 0)).clip(0, 255).astype("uint8"))
            for twin in images[count:]
        ]
        return images[:count]

    def add(self, processing: Any, picture: Any) -> None:
        """A finished picture of the batch in hand."""
        place = processing.batch_index
        natural = self.naturals[place] if place < len(self.naturals) else None
        attention = self.sampling.attention(place) if self.sampling is not None and self.sampling.sessions else None
        self.shots.append(
            Shot(picture, processing.prompts[place], int(processing.seeds[place]), natural=natural, attention=attention)
        )

    def make_loops(self, processing: Any, tell: Callable[[str], None]) -> list[str]:
        """The loops of all pictures; the paths of those that were made."""
        paths = []
        try:
            regions = read_masks(self.options.mask or None)
        except UserError as error:
            tell(f"Cinemagraph: {error}")
            return []
        for shot in self.shots:
            path, notes = save_loop(processing, shot, self.options.recipe, regions)
            for note in notes:
                tell(note)
            if path is not None:
                paths.append(str(path.resolve()))
        return paths


def injection_options(settings: TwinSettings) -> InjectionOptions:
    """The shares of the steps in which the twin takes features; -1 stands for the model family's own."""
    features, attention = (None if share < 0 else share for share in (settings.feature_share, settings.attention_share))
    return InjectionOptions(features, attention, settings.injection == "paper")


def why_no_twin(processing: Any) -> str:
    """Why a twin cannot be sampled along with these pictures; "" where it can."""
    if getattr(processing, "init_images", None):
        return "the picture is made from another one (img2img)"
    if getattr(processing, "refiner_checkpoint", None) not in (None, "", "None"):
        return "a refiner changes the model in the middle"
    if getattr(processing, "hr_checkpoint_name", None) not in (None, "", "Use same checkpoint"):
        return "hires fix uses another checkpoint"
    return ""
