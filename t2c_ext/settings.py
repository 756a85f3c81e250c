"""The one table of settings.

Each stage's settings are a frozen dataclass whose fields carry label, help, range and infotext key. The command line,
the widgets, the API, infotext and recipe files are all made from `table()`; nothing is declared twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.types import Stage

Value = bool | int | float | str


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Attributes:
        name: the name in Python, in recipes and in the API; unique over all stages.
        stage: the stage that it belongs to; a change makes that stage and all after it out of date.
        type: bool, int, float or str.
        default: its default.
        label: the words on its widget.
        help: one or two sentences.
        minimum, maximum, step: bounds of a number, both included.
        choices: the allowed words, or empty.
        advanced: shown under "more".
        option: the name of its command line option where that differs from `name`.
    """

    name: str
    stage: Stage
    type: type
    default: Value
    label: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    advanced: bool = False
    option: str = ""

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return "--" + (self.option or self.name).replace("_", "-")

    @property
    def infotext(self) -> str:
        """The key in the WebUI's generation parameters."""
        return "Cinemagraph " + self.label.lower()

    def check(self, value: object) -> Value:
        """The value as this setting's type.

        Raises:
            UserError: it is of another type, not a number, out of range, or not one of the choices.
        """
        converted = self._convert(value)
        if self.choices and converted not in self.choices:
            raise UserError(f"{self.name} is {value!r}, but must be one of: {', '.join(self.choices)}")
        if isinstance(converted, (int, float)) and not isinstance(converted, bool):
            low = -float("inf") if self.minimum is None else self.minimum
            high = float("inf") if self.maximum is None else self.maximum
            if not low <= converted <= high:
                raise UserError(f"{self.name} is {value}, but must be from {low:g} to {high:g}")
        return converted

    def _convert(self, value: object) -> Value:
        wrong = UserError(f"{self.name} is {value!r}, but must be a {_WORD_FOR_TYPE[self.type]}")
        if self.type is bool:
            if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
            if not isinstance(value, bool):
                raise wrong
            return value
        if self.type is str:
            if not isinstance(value, str):
                raise wrong
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise wrong
        try:
            number = float(value)
        except ValueError:
            raise wrong from None
        if self.type is float:
            return number
        if not number.is_integer():
            raise wrong
        return int(number)


_WORD_FOR_TYPE: dict[type, str] = {bool: "true or false", int: "whole number", float: "number", str: "text"}


def setting(
    default: Any,
    label: str,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    choices: tuple[str, ...] = (),
    advanced: bool = False,
    option: str = "",
) -> Any:
    """Declare one field of a settings dataclass."""
    metadata = {
        "label": label,
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "step": step,
        "choices": choices,
        "advanced": advanced,
        "option": option,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class PromptSettings:
    """What the words mean."""

    prompt: str = setting("", "Prompt", "What the picture shows, in the WebUI's prompt syntax.")
    motion: str = setting(
        "", "Motion", 'What moves and where to, such as "river flowing left, clouds drifting right". Empty: the prompt.'
    )
    natural_terms: str = setting(
        "nature, realistic, photography",
        "Natural terms",
        "Added to the prompt's nouns to make the prompt of the natural-looking twin.",
        advanced=True,
    )
    angle: str = setting(
        "centre",
        "Angle",
        "Direction words give the centre of their range of angles, or one drawn from the seed as in the paper.",
        choices=("centre", "random"),
        advanced=True,
    )
    phrases: str = setting(
        "any",
        "Phrases",
        "Understand any direction words, or only the paper's twelve phrases.",
        choices=("any", "paper"),
        advanced=True,
    )
    seed: int = setting(
        0, "Seed", "The same seed and settings give the same file.", minimum=0, maximum=2**32 - 1, step=1
    )


@dataclass(frozen=True)
class RegionSettings:
    """Where it moves."""

    region: str = setting("", "Region", "The words of what moves, separated by commas. Empty: found in the prompt.")
    segmenter: str = setting(
        "auto",
        "Segmenter",
        "What finds the region when no mask is given; auto is the best whose model is here.",
        choices=(
            "auto",
            "clusters",
            "oneformer-ade",
            "mask2former-ade",
            "oneformer-coco",
            "mask2former-coco",
            "segformer-ade",
            "sam3",
            "clipseg",
            "grounding-dino",
            "odise",
        ),
    )
    matte: str = setting(
        "auto",
        "Matte",
        "Let the mask's edge follow the picture's edges: always, never, or (auto) only where the mask is blocky.",
        choices=("auto", "on", "off"),
    )
    feather: float = setting(
        1.5, "Feather", "Softness of the mask's edge, in pixels at 512.", minimum=0, maximum=32, step=0.5
    )


@dataclass(frozen=True)
class MotionSettings:
    """Which way and how fast."""

    motion_model: str = setting(
        "auto",
        "Motion model",
        "What makes the motion: the solver (needs no weights), the paper's network that follows a direction, its "
        "network that follows the text, or (auto) what fits and is installed; paper: exactly as the original does.",
        choices=("auto", "solver", "direction", "text", "paper"),
    )
    speed: float = setting(
        1.0,
        "Speed",
        "1 moves the median pixel by one pixel per frame at 512.",
        minimum=0,
        maximum=10,
        step=0.05,
    )
    hints: str = setting(
        "",
        "Hints",
        "Arrows, swirls, pins and frozen areas: a JSON document (on the command line also the name of its file).",
        advanced=True,
        option="arrows",
    )
    perspective: float = setting(
        0.5,
        "Perspective",
        "How much faster near water moves than far water (0: everywhere alike).",
        minimum=0,
        maximum=1,
        step=0.05,
        advanced=True,
    )
    walls: float = setting(
        0.7,
        "Walls",
        "How strictly motion runs along the region's edges instead of through them.",
        minimum=0,
        maximum=1,
        step=0.05,
        advanced=True,
    )
    texture: bool = setting(
        True, "Texture", "Without direction words, take the axis of motion from the picture's texture.", advanced=True
    )


@dataclass(frozen=True)
class LoopSettings:
    """How it becomes a loop."""

    frames: int = setting(60, "Frames", "Number of frames of the loop.", minimum=1, maximum=1000, step=1)
    fps: float = setting(30.0, "FPS", "Frames per second.", minimum=1, maximum=120, step=1)
    renderer: str = setting(
        "warp",
        "Renderer",
        "warp: moves the picture's own pixels (needs no weights); network: the paper's video network paints what "
        "moves; paper: it paints the whole frame, exactly as the original does.",
        choices=("warp", "network", "paper"),
    )
    blend: str = setting(
        "phase",
        "Blend",
        "phase: variance-preserving, each place at its own time; plain: variance-preserving, all places at one time; "
        "paper: the paper's cross-fade.",
        choices=("phase", "plain", "paper"),
        advanced=True,
    )
    kernel: str = setting(
        "sharp",
        "Kernel",
        "How pixels are moved: sharp (looked up along the streamline, cubic spline), splat (pushed forward, cubic) or "
        "bilinear (pushed forward, as the paper).",
        choices=("sharp", "splat", "bilinear"),
        advanced=True,
    )
    phase_spread: float = setting(
        96.0,
        "Phase spread",
        "Size, in pixels at 512, of the areas that cross-fade at one time.",
        minimum=16,
        maximum=512,
        step=1,
        advanced=True,
    )
    start_still: bool = setting(
        False, "Start with the still", "Frame 0 equals the picture (all places then cross-fade at one time)."
    )
    format: str = setting(
        "mp4",
        "Format",
        "Kind of file; the ending of the output's name takes precedence.",
        choices=("mp4", "webm", "gif", "webp", "apng", "png"),
    )
    quality: int = setting(80, "Quality", "Of the encoding; 100 is the best.", minimum=1, maximum=100, step=1)
    max_megabytes: float = setting(
        0.0, "Size limit", "Largest file in megabytes (0: no limit).", minimum=0, maximum=4096, step=0.5, advanced=True
    )


def groups() -> dict[Stage, type]:
    """The settings class of each stage that has one."""
    return {
        Stage.PROMPT: PromptSettings,
        Stage.REGION: RegionSettings,
        Stage.MOTION: MotionSettings,
        Stage.LOOP: LoopSettings,
    }


def table() -> Iterator[Setting]:
    """Every setting, in the order of the stages."""
    for stage, group in groups().items():
        for item in fields(group):
            if item.default is MISSING:
                raise TypeError(f"{group.__name__}.{item.name} has no default")
            yield Setting(item.name, stage, type(item.default), item.default, **item.metadata)
