"""Which way a picture's flow is made: by one of the paper's networks, or by the solver."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from t2c_ext.errors import DOWNLOAD, UserError, Way
from t2c_ext.keeper import Keeper
from t2c_ext.motion.binding import arrow_angle, bind
from t2c_ext.motion.canvas import plan_canvas
from t2c_ext.motion.field import flipped
from t2c_ext.motion.hint_map import hint_velocity
from t2c_ext.motion.holds import hold_pins, slow_down, without_frozen
from t2c_ext.motion.pace import bring_to_speed, wrong_turns
from t2c_ext.motion.solver import solve_flow
from t2c_ext.progress import Reporter
from t2c_ext.settings import MotionSettings
from t2c_ext.types import FloatArray, Flow, Hints, MotionKind, Plan, Regions, Stage
from t2c_ext.weights.find import find_model

if TYPE_CHECKING:
    from torch import Tensor

    from t2c_ext.motion.networks.load import FlowNetwork
    from t2c_ext.motion.text_context import TextEncoder

DIRECTION_WEIGHTS = "motion-direction-pretrained"
TEXT_WEIGHTS = "motion-pretrained"
ENCODER_WEIGHTS = "clip-text"

ModelFinder = Callable[[str], Path | None]
"""From a name of the catalogue to its file or folder, or None where it is not here."""

_STEPS = 3


class MotionModel(str, Enum):
    """What makes a flow."""

    SOLVER = "solver"
    DIRECTION = "direction"
    TEXT = "text"


@dataclass(frozen=True)
class Choice:
    """What will make the flow, and which files it is made from: two that are equal make the same.

    Attributes:
        model: the maker.
        paper: keep the original's behaviour to the letter.
        weights: where its weights lie: the network's, then the text encoder's where it needs one of its own.
        notes: sentences for the user: why it is not the one that was to be expected.
    """

    model: MotionModel
    paper: bool = False
    weights: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Equipment:
    """What networks need from the outside.

    Attributes:
        find: tells where weights are.
        encoder: a text encoder that is loaded already (the host's own), or None to load `clip-text`.
        device: a device of torch, or "auto".
        dtype: "float32", "float16", "bfloat16" or "auto".
        keeper: keeps the networks for the next flow; None: they are let go.
    """

    find: ModelFinder = find_model
    encoder: TextEncoder | None = None
    device: str = "auto"
    dtype: str = "auto"
    keeper: Keeper | None = None


@dataclass(frozen=True)
class _Task:
    """What a network is asked for: as `make_flow`, without the frozen areas."""

    picture: FloatArray
    regions: Regions
    plan: Plan
    hints: Hints
    settings: MotionSettings
    words: str


def make_flow(  # noqa: PLR0917
    picture: FloatArray,
    regions: Regions,
    plan: Plan,
    hints: Hints,
    settings: MotionSettings,
    equipment: Equipment | None = None,
    *,
    prompt: str | None = None,
    choice: Choice | None = None,
    reporter: Reporter | None = None,
) -> Flow:
    """The flow of a picture, by what `settings.motion_model` names.

    Args:
        picture: float32 [H, W, 3], 0..1.
        regions: what moves; masks of the picture's size.
        plan: the words' motions.
        hints: what the user drew.
        settings: the motion model, speed, and what the solver needs.
        equipment: weights, text encoder and device; the catalogue's places when None.
        prompt: what the text network reads, without any prompt syntax; None: the plan's prompt as it is.
        choice: from `choose_model`, where that has been asked already; it decides, whatever the settings name.
        reporter: progress and cancellation.

    Returns:
        The flow: finite, zero outside the mask, of the speed that was asked for; `source` says what made it.

    Raises:
        UserError: the named model's weights are not here, or it cannot be done as asked.
        Cancelled: the user stopped.
    """
    equipment, reporter = equipment or Equipment(), reporter or Reporter()
    choice = choice or choose_model(settings, plan, hints, equipment)
    if choice.model is MotionModel.SOLVER:
        flow = solve_flow(picture, regions, plan, hints, settings, reporter)
        return replace(flow, field=flipped(flow.field, settings), notes=(*choice.notes, *flow.notes))
    if not np.isfinite(picture).all():
        raise UserError("the picture holds values that are no numbers")
    moving = without_frozen(regions, hints, *picture.shape[:2])
    words = plan.art_prompt if prompt is None else prompt
    task = _Task(picture, moving, plan, hints, settings, words.strip() or ", ".join(row.name for row in moving.regions))
    reporter.step(Stage.MOTION.value, 0, _STEPS)
    network, context = _open(choice, task, equipment)
    reporter.step(Stage.MOTION.value, 1, _STEPS)
    said = len(network.notes)
    field, notes = (_by_paper if choice.paper else _by_network)(network, context, task)
    if equipment.keeper is None:
        network.release()
    reporter.step(Stage.MOTION.value, 2, _STEPS)
    notes += tuple(network.notes[said:])
    hold_pins(field, hints)
    slow_down(field, hints)
    field[moving.mask <= 0] = 0
    reporter.step(Stage.MOTION.value, _STEPS, _STEPS)
    source = f"{choice.model.value} network" + (" as in the paper" if choice.paper else "")
    return Flow(flipped(np.ascontiguousarray(field, np.float32), settings), source, (*choice.notes, *notes))


def choose_model(settings: MotionSettings, plan: Plan, hints: Hints, equipment: Equipment | None = None) -> Choice:
    """What makes the flow: quick, and without opening any weights.

    `auto` takes the direction network when words or drawings say a direction, and the text network when they say none,
    each when its weights are here; else the solver. `paper` takes the same networks and needs them.

    Raises:
        UserError: the weights of a model that is asked for by name are not here.
    """
    equipment, name = equipment or Equipment(), settings.motion_model
    fitting = MotionModel.DIRECTION if _is_directed(plan, hints) else MotionModel.TEXT
    if name == "auto":
        lacking = _lacking(fitting, equipment)
        if not lacking:
            return Choice(fitting, weights=_weights(fitting, equipment))
        # the network is here and something else is missing: say why it is not used
        surprising = not {DIRECTION_WEIGHTS, TEXT_WEIGHTS} & set(lacking)
        note = f"The {fitting.value} network was not used: {_what_lacks(lacking[0])}."
        return Choice(MotionModel.SOLVER, notes=(note,) if surprising else ())
    model = fitting if name == "paper" else MotionModel(name)
    lacking = _lacking(model, equipment)
    if lacking:
        raise UserError(f"the motion model {name!r} cannot run: {_what_lacks(lacking[0])}", ways=[_way(lacking[0])])
    return Choice(model, name == "paper", _weights(model, equipment))


def _is_directed(plan: Plan, hints: Hints) -> bool:
    turns = (MotionKind.SWIRL, MotionKind.SWIRL_CW, MotionKind.SWIRL_CCW)
    named = any(region.angle is not None or region.kind in turns for region in hints.regions)
    return bool(plan.motions or hints.arrows or hints.swirls or named)


def _needed(model: MotionModel, equipment: Equipment) -> tuple[str, ...]:
    """The names of the weights that a model needs."""
    if model is MotionModel.SOLVER:
        return ()
    if model is MotionModel.DIRECTION:
        return (DIRECTION_WEIGHTS,)
    return (TEXT_WEIGHTS, ENCODER_WEIGHTS) if equipment.encoder is None else (TEXT_WEIGHTS,)


def _lacking(model: MotionModel, equipment: Equipment) -> list[str]:
    """What a model needs and this machine lacks: names of packages and of weights."""
    weights = _needed(model, equipment)
    packages = [*(["torch"] if weights else []), *(["transformers"] if ENCODER_WEIGHTS in weights else [])]
    missing = [name for name in weights if equipment.find(name) is None]
    return missing + [name for name in packages if importlib.util.find_spec(name) is None]


def _weights(model: MotionModel, equipment: Equipment) -> tuple[Path, ...]:
    """Where the weights that a model needs lie."""
    places = [equipment.find(name) for name in _needed(model, equipment)]
    return tuple(path for path in places if path is not None)


def _is_weights(name: str) -> bool:
    return name in (DIRECTION_WEIGHTS, TEXT_WEIGHTS, ENCODER_WEIGHTS)


def _what_lacks(name: str) -> str:
    return f"the model {name} is not here" if _is_weights(name) else f"the package {name} is not installed"


def _way(name: str) -> Way:
    return Way(f"get {name}", DOWNLOAD, name) if _is_weights(name) else Way(f"get it with: pip install {name}")


def _open(choice: Choice, task: _Task, equipment: Equipment) -> tuple[FlowNetwork, Tensor | None]:
    """The network, and for the text network the embedding of the words."""
    from t2c_ext.motion.networks.load import load_network
    from t2c_ext.motion.text_context import load_text_encoder

    weights, *others = choice.weights
    keeper, context = equipment.keeper or Keeper(), None
    if choice.model is MotionModel.TEXT:
        encoder = equipment.encoder or keeper.get("text encoder", others[0], lambda: load_text_encoder(others[0]))
        context = encoder(task.words)
    where = (equipment.device, equipment.dtype)
    return keeper.get("flow network", (weights, *where), lambda: load_network(weights, *where)), context


def _by_network(network: FlowNetwork, context: Tensor | None, task: _Task) -> tuple[FloatArray, tuple[str, ...]]:
    """The network's flow at the speed that is asked for, and notes."""
    from t2c_ext.motion.predict import predict_flow

    drives, notes = bind(task.picture, task.regions, task.plan, task.hints, task.settings)
    hint = None
    if context is None:
        height, width = task.picture.shape[:2]
        height, width = plan_canvas(height, width, network.stride).content
        masks = [cv2.resize(row.mask, (width, height), interpolation=cv2.INTER_AREA) for row in task.regions.regions]
        hint = hint_velocity(drives, masks, task.hints)
    elif _is_directed(task.plan, task.hints):
        notes += ("The text network reads only the words: directions that were said or drawn were left out.",)
    field = predict_flow(network, task.picture, task.regions.mask, hint=hint, context=context)
    if context is None:
        notes += tuple(note for drive in drives for note in drive.notes) + wrong_turns(field, drives)
    return bring_to_speed(field, drives, task.settings.speed), notes


def _by_paper(network: FlowNetwork, context: Tensor | None, task: _Task) -> tuple[FloatArray, tuple[str, ...]]:
    """The flow as the original makes it: one direction for all, cut instead of brought to a speed."""
    from t2c_ext.motion.paper import paper_flow

    angle = None if context is not None else _one_angle(task)
    mask, speed = task.regions.mask, task.settings.speed
    if not np.any(mask == 1):
        raise UserError("the paper's way moves only what the mask covers fully, and it does so nowhere; paint it white")
    return paper_flow(network, task.picture, mask, speed=speed, angle=angle, context=context), ()


def _one_angle(task: _Task) -> float | None:
    """The first direction that was said or drawn; None where only turning is."""
    said = [motion.angle for motion in task.plan.motions]
    drawn = [arrow_angle(arrow, *task.picture.shape[:2]) for arrow in task.hints.arrows]
    named = [region.angle for region in task.hints.regions]
    return next((angle for angle in (*drawn, *named, *said) if angle is not None), None)
