"""The one table of settings.

Each stage's settings are a frozen dataclass whose fields carry label, help, range and infotext key. The command line,
the widgets, the API, infotext and recipe files are all made from `table()`; nothing is declared twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.types import Stage

Value = bool | int | float | str

LONGEST = 20_000
"""Letters of a text; the hints, which hold painted masks, have a limit of their own."""

_QUOTED = 60
"""Letters of a wrong value that an error repeats."""


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
        option: the name of its command line option where that differs from `name`.
        place: it may name a file or a folder of this computer, which nobody else is told.
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
    option: str = ""
    place: bool = False

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
            raise self._wrong(f"is {_quoted(value)}, but must be one of: {', '.join(self.choices)}")
        if isinstance(converted, (int, float)) and not isinstance(converted, bool):
            low = -float("inf") if self.minimum is None else self.minimum
            high = float("inf") if self.maximum is None else self.maximum
            if not low <= converted <= high:
                raise self._wrong(f"is {str(value)[:_QUOTED]}, but must be from {low:.10g} to {high:.10g}")
        return converted

    def _wrong(self, problem: str) -> UserError:
        return UserError(problem, setting=self.name)

    def _convert(self, value: object) -> Value:
        converted: Value | None
        if self.type is bool:
            converted = _as_bool(value)
        elif self.type is str:
            converted = value if isinstance(value, str) and _is_unicode(value) else None
        else:
            converted = _as_number(value, whole=self.type is int)
        if converted is None:
            raise self._wrong(f"is {_quoted(value)}, but must be {_WORD_FOR_TYPE[self.type]}")
        if isinstance(converted, str) and len(converted) > LONGEST and self.name != "hints":
            raise self._wrong(f"has {len(converted)} letters, but at most {LONGEST} are read; shorten it")
        return converted


def _as_bool(value: object) -> bool | None:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value if isinstance(value, bool) else None


def _as_number(value: object, whole: bool) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not whole:
        return number
    return int(number) if number.is_integer() else None


def _quoted(value: object) -> str:
    """A wrong value, or how it begins."""
    shown = repr(value[: _QUOTED + 1] if isinstance(value, str) else value)
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}..."


def _is_unicode(text: str) -> bool:
    """Whether a text can be written; half a character (a lone surrogate) cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_WORD_FOR_TYPE: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def setting(
    default: Any,
    label: str,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    choices: tuple[str, ...] = (),
    option: str = "",
    place: bool = False,
) -> Any:
    """Declare one field of a settings dataclass."""
    metadata = {
        "label": label,
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "step": step,
        "choices": choices,
        "option": option,
        "place": place,
    }
    return field(default=default, metadata=metadata)


SAMPLERS = (
    "ddim",
    "euler",
    "euler a",
    "euler sgm uniform",
    "heun",
    "dpm2",
    "dpm2 a",
    "lms",
    "dpm++ 2m",
    "dpm++ 2m karras",
    "dpm++ 2m sgm uniform",
    "dpm++ 2m sde karras",
    "dpm++ 3m sde",
    "dpm++ 3m sde karras",
    "dpm++ sde",
    "dpm++ sde karras",
    "unipc",
    "deis",
    "lcm",
    "tcd",
)
"""The samplers that a twin can be made with."""


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
    )
    natural_prompt: str = setting(
        "", "Natural prompt", "The prompt of the natural-looking twin. Empty: the prompt's nouns and the natural terms."
    )
    angle: str = setting(
        "centre",
        "Angle",
        "Direction words give the centre of their range of angles, or one drawn from the seed as in the paper.",
        choices=("centre", "random"),
    )
    phrases: str = setting(
        "any",
        "Phrases",
        "Understand any direction words, or only the paper's twelve phrases.",
        choices=("any", "paper"),
    )
    seed: int = setting(
        0, "Seed", "The same seed and settings give the same file.", minimum=0, maximum=2**32 - 1, step=1
    )


@dataclass(frozen=True)
class TwinSettings:
    """How the picture and its natural-looking twin are made."""

    model: str = setting(
        "",
        "Model",
        "A checkpoint file, a folder in diffusers' layout, a repository of the hub (SD1, SD2, SDXL), or miniature: the "
        "built-in one. Empty: a given picture has no twin; from text, miniature.",
        place=True,
    )
    negative_prompt: str = setting("", "Negative prompt", "What neither picture should show.")
    width: int = setting(0, "Width", "A multiple of 8; 0: as the model was trained.", minimum=0, maximum=8192, step=8)
    height: int = setting(0, "Height", "A multiple of 8; 0: as the model was trained.", minimum=0, maximum=8192, step=8)
    sampler: str = setting("ddim", "Sampler", "The sampler; the paper's is ddim.", choices=SAMPLERS)
    steps: int = setting(50, "Steps", "Sampling steps.", minimum=1, maximum=1000, step=1)
    guidance: float = setting(
        5.0, "Guidance", "How closely the artistic picture follows its prompt.", minimum=1, maximum=30, step=0.5
    )
    natural_guidance: float = setting(
        7.5,
        "Natural guidance",
        "How closely the natural-looking twin follows its prompt.",
        minimum=1,
        maximum=30,
        step=0.5,
    )
    twin: bool = setting(
        True, "Twin", "Make the natural-looking twin; without it the region is sought in the picture itself."
    )
    feature_share: float = setting(
        -1.0,
        "Feature share",
        "Share of the noise's time in which the twin takes the picture's features: 0.8 until t = 200 of 1000 "
        "(-1: 0.8 as the paper, 0.6 for SDXL).",
        minimum=-1,
        maximum=1,
        step=0.05,
    )
    attention_share: float = setting(
        -1.0,
        "Attention share",
        "Share of the noise's time in which the twin takes the picture's attention "
        "(-1: 0.5 as the paper, 0.6 for SDXL).",
        minimum=-1,
        maximum=1,
        step=0.05,
    )
    injection: str = setting(
        "exact",
        "Injection",
        "The shares of the noise's time, or of the steps and one step longer as the paper's code runs.",
        choices=("exact", "paper"),
    )
    negative_schedule: str = setting(
        "off",
        "Negative schedule",
        "Lead the twin away from the picture's own prompt, more and more (the paper: linear). Costs a third more.",
        choices=("off", "linear", "constant", "exp"),
    )
    negative_alpha: float = setting(
        0.75,
        "Negative alpha",
        "Share of the empty prompt where the negative schedule begins.",
        minimum=0,
        maximum=1,
        step=0.05,
    )
    painting: str = setting(
        "noise",
        "Painting",
        "How a given picture is followed: noised to each step's level, or inverted by DDIM as in the paper (slow).",
        choices=("noise", "invert"),
    )
    inversion_steps: int = setting(
        250,
        "Inversion steps",
        "Steps of the inversion; the paper takes 999.",
        minimum=1,
        maximum=999,
        step=1,
    )
    passes: str = setting(
        "auto",
        "Passes",
        "Both pictures at once, one after the other (half the memory), or (auto) as memory allows.",
        choices=("auto", "lockstep", "two"),
    )
    lora_folder: str = setting(
        "", "LoRA folder", "Where the LoRAs lie that prompts name as <lora:name:0.8>.", place=True
    )
    embeddings_folder: str = setting("", "Embeddings folder", "Where textual inversions lie.", place=True)
    clip_skip: int = setting(
        1, "Clip skip", "Which of the text encoder's last layers is read.", minimum=1, maximum=12, step=1
    )
    prediction: str = setting(
        "auto",
        "Prediction",
        "What the model predicts, where a checkpoint file does not tell.",
        choices=("auto", "epsilon", "v_prediction"),
    )
    device: str = setting("auto", "Device", "auto, cpu, cuda, cuda:1 or mps.")
    precision: str = setting(
        "auto",
        "Precision",
        "Of the UNet; auto is fp16 on a GPU and fp32 on the CPU.",
        choices=("auto", "fp32", "fp16", "bf16"),
    )
    memory: str = setting(
        "auto",
        "Memory",
        "Keep the whole model on the GPU, only the part at work, or (auto) the latter on cards below 10 GB.",
        choices=("auto", "keep", "offload"),
    )


@dataclass(frozen=True)
class RegionSettings:
    """Where it moves."""

    region: str = setting(
        "",
        "Region",
        "The words of what moves, separated by commas, or offered regions by name or number, such as best. "
        "Empty: found in the prompt.",
    )
    segmenter: str = setting(
        "auto",
        "Segmenter",
        "What finds the region when no mask is given; auto is the best whose model is here, else what is built in.",
        choices=(
            "auto",
            "clusters",
            "small",
            "lite",
            "attention",
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
    refine: str = setting(
        "auto",
        "Refine",
        "Redraw what was found on the twin along the artistic picture's own attention: by spectral clusters or "
        "k-means, exactly as the paper's code selects, never, or (auto) spectral where it agrees with what was found.",
        choices=("auto", "spectral", "kmeans", "paper", "off"),
    )
    clusters: int = setting(
        0,
        "Clusters",
        "Number of clusters of the attention (0: as few as agree with what was found; the paper takes 5).",
        minimum=0,
        maximum=64,
        step=1,
    )
    overlap: float = setting(
        0.7,
        "Overlap",
        "A cluster is kept from this share on that what was found covers.",
        minimum=0.05,
        maximum=1,
        step=0.05,
    )
    erosion: float = setting(
        0.0,
        "Erosion",
        "What is taken from the edge of a refined region, in pixels at 512 (the paper: 0 or 4).",
        minimum=0,
        maximum=32,
        step=1,
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
    flip: bool = setting(False, "Flip", "Turn all motion round, where the direction that was found is the wrong way.")
    hints: str = setting(
        "",
        "Hints",
        "Arrows, swirls, pins and frozen areas: a JSON document (on the command line also the name of its file).",
        option="arrows",
    )
    law: str = setting(
        "auto",
        "Law",
        "How everything moves of which the words do not say it: flow carries texture along, sway moves what is rooted "
        "in the wind, flicker makes lights brighter and darker, ripple lets small waves run, waves lets the swell roll "
        "to the shore, fall draws snow, rain, petals or embers in front; parallax and push move the camera to and fro, "
        "or nearer and back; auto: as is usual for it.",
        choices=("auto", "flow", "sway", "flicker", "ripple", "fall", "waves", "parallax", "push"),
    )
    perspective: float = setting(
        0.5,
        "Perspective",
        "How much faster near water moves than far water (0: everywhere alike).",
        minimum=0,
        maximum=1,
        step=0.05,
    )
    walls: float = setting(
        0.7,
        "Walls",
        "How strictly motion runs along the region's edges instead of through them.",
        minimum=0,
        maximum=1,
        step=0.05,
    )
    texture: bool = setting(
        True, "Texture", "Without direction words, take the axis of motion from the picture's texture."
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
    )
    kernel: str = setting(
        "sharp",
        "Kernel",
        "How pixels are moved: sharp (looked up along the streamline, cubic spline), splat (pushed forward, cubic) or "
        "bilinear (pushed forward, as the paper).",
        choices=("sharp", "splat", "bilinear"),
    )
    phase_spread: float = setting(
        96.0,
        "Phase spread",
        "Size, in pixels at 512, of the areas that cross-fade at one time in a loop that starts with the still.",
        minimum=16,
        maximum=512,
        step=1,
    )
    start_still: bool = setting(
        False, "Start with the still", "Frame 0 equals the picture (the loop then breathes a little)."
    )
    structure: float = setting(
        -1.0,
        "Structure",
        "How far large shapes stay in place while the texture on them flows (0: everything travels, 1: all large "
        "shapes stay, -1: as suits what moves).",
        minimum=-1,
        maximum=1,
        step=0.05,
    )
    strength: float = setting(
        1.0,
        "Strength",
        "How far things sway and ripple, how high waves are, how far the camera goes, and how much lights flicker (0: "
        "not at all).",
        minimum=0,
        maximum=5,
        step=0.05,
    )
    cycles: int = setting(
        0,
        "Cycles",
        "How often texture begins anew within the loop (0: each place as often as suits it).",
        minimum=0,
        maximum=100,
        step=1,
    )
    format: str = setting(
        "mp4",
        "Format",
        "Kind of file; the ending of the output's name takes precedence.",
        choices=("mp4", "webm", "gif", "webp", "apng", "png"),
    )
    quality: int = setting(80, "Quality", "Of the encoding; 100 is the best.", minimum=1, maximum=100, step=1)
    max_megabytes: float = setting(
        0.0, "Size limit", "Largest file in megabytes (0: no limit).", minimum=0, maximum=4096, step=0.5
    )


def groups() -> dict[Stage, type]:
    """The settings class of each stage that has one."""
    return {
        Stage.PROMPT: PromptSettings,
        Stage.TWIN: TwinSettings,
        Stage.REGION: RegionSettings,
        Stage.MOTION: MotionSettings,
        Stage.LOOP: LoopSettings,
    }


def rows_of(stage: Stage, group: type) -> Iterator[Setting]:
    """The rows that a settings class declares."""
    for item in fields(group):
        if item.default is MISSING:
            raise TypeError(f"{group.__name__}.{item.name} has no default")
        yield Setting(item.name, stage, type(item.default), item.default, **item.metadata)


def table() -> Iterator[Setting]:
    """Every setting, in the order of the stages."""
    yield from _declared()


@cache
def _declared() -> tuple[Setting, ...]:
    return tuple(row for stage, group in groups().items() for row in rows_of(stage, group))
