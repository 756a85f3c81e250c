"""A stage's key: each field of its input counts, and what makes no difference is not among them."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t2c_ext import stages
from t2c_ext.jobs import Job
from t2c_ext.motion.choose import Choice, MotionModel
from t2c_ext.pipeline import Pipeline
from t2c_ext.recipe import Recipe
from t2c_ext.region.segmenters.choose import SegmenterChoice
from t2c_ext.settings import LoopSettings, MotionSettings, PromptSettings, RegionSettings
from t2c_ext.stages import (
    GivenFlowInput,
    LoopInput,
    MotionInput,
    PromptInput,
    RegionInput,
    StageInput,
    TwinInput,
    loop_input,
    motion_input,
    prompt_input,
    region_input,
)
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import (
    Arrow,
    Attention,
    Hints,
    Motion,
    MotionKind,
    NounMaps,
    Painted,
    Picture,
    Plan,
    Region,
    RegionHint,
    RegionLaw,
    Regions,
    Stage,
    Twin,
)
from t2c_ext.workspace import Workspace

GREY, LIGHT = (np.full((8, 8, 3), level, np.float32) for level in (0.25, 0.75))
LEFT, RIGHT = np.zeros((2, 8, 8), np.float32)
LEFT[:, :4], RIGHT[:, 4:] = 1, 1
FLOW = np.ones((8, 8, 2), np.float32)
RIVER, LAKE = Regions((Region("river", LEFT),)), Regions((Region("lake", LEFT),))
MAPS = Attention((2, 2), np.full((4, 4), 0.25, np.float32), {"river": np.ones((2, 2), np.float32)})
OTHER_MAPS = replace(MAPS, words={"river": np.zeros((2, 2), np.float32)})
SOLVER, NETWORK = Choice(MotionModel.SOLVER), Choice(MotionModel.DIRECTION, weights=(Path("direction.safetensors"),))

CASES: dict[type[StageInput], tuple[StageInput, dict[str, Any]]] = {
    PromptInput: (
        PromptInput(PromptSettings(prompt="a river")),
        {"settings": PromptSettings(prompt="a lake"), "models": ("a tagger",)},
    ),
    TwinInput: (TwinInput(("given", GREY)), {"source": ("given", LIGHT)}),
    RegionInput: (
        RegionInput(("river",), GREY, GREY, None, RegionSettings()),
        {
            "words": ("lake",),
            "picture": LIGHT,
            "art": LIGHT,
            "alpha": LEFT,
            "settings": RegionSettings(feather=3.0),
            "given": RIVER,
            "painted": (RegionHint("river", mask=Painted(np.eye(8, dtype=np.uint8))),),
            "besides": ("clouds",),
            "attention": MAPS,
            "seed": 1,
            "segmenter": SegmenterChoice((("oneformer-ade", (Path("oneformer-ade"),)),)),
            "nouns": NounMaps((8, 8), {"river": LEFT}, LEFT, {"river": 0.4}),
        },
    ),
    MotionInput: (
        MotionInput(GREY, RIVER, (), "a river", Hints(), MotionSettings(), SOLVER),
        {
            "picture": LIGHT,
            "regions": LAKE,
            "motions": (Motion("river", 90.0, MotionKind.TRANSLATE),),
            "words": "a lake",
            "hints": Hints(arrows=(Arrow((0.1, 0.1), (0.2, 0.2)),)),
            "settings": MotionSettings(speed=2.0),
            "choice": NETWORK,
        },
    ),
    GivenFlowInput: (GivenFlowInput(FLOW, LEFT, 1.0), {"flow": FLOW / 2, "moving": RIGHT, "speed": 2.0}),
    LoopInput: (
        LoopInput(Picture(GREY), LEFT, FLOW, LEFT / 2, LoopSettings(), 0),
        {
            "art": Picture(GREY, infotext="steps: 20"),
            "moving": RIGHT,
            "flow": FLOW / 2,
            "structure": RIGHT / 2,
            "settings": LoopSettings(frames=9),
            "seed": 1,
            "laws": (RegionLaw("tree", MotionKind.SWAY, LEFT),),
            "weights": Path("video.safetensors"),
        },
    ),
}


def test_every_stage_and_every_field_has_a_case() -> None:
    """A new field without one fails here: say what changes it."""
    assert set(CASES) == set(StageInput.__subclasses__())
    for kind, (_, changes) in CASES.items():
        assert {item.name for item in fields(kind)} == set(changes), kind.__name__  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, (_, changes) in CASES.items() for name in changes], ids=str
)
def test_each_field_alone_changes_the_key(kind: type[StageInput], name: str) -> None:
    given, changes = CASES[kind]
    assert replace(given, **{name: changes[name]}).key != given.key  # type: ignore[type-var]


@pytest.mark.parametrize("kind", CASES, ids=str)
def test_the_same_content_has_the_same_key(kind: type[StageInput]) -> None:
    given = CASES[kind][0]
    copied = {
        item.name: value.copy() if isinstance(value := getattr(given, item.name), np.ndarray) else value
        for item in fields(kind)  # type: ignore[arg-type]
    }
    assert kind(**copied).key == given.key
    raised = type(kind.__name__, (kind,), {"algorithm": kind.algorithm + 1, "__qualname__": kind.__qualname__})
    assert raised(**copied).key != given.key, "another algorithm makes another result"


def test_keys_are_unlike_across_stages_and_deep_in_a_field() -> None:
    assert len({given.key for given, _ in CASES.values()}) == len(CASES)
    given = replace(CASES[RegionInput][0], attention=MAPS)  # type: ignore[type-var]
    assert given.key != replace(given, attention=OTHER_MAPS).key  # type: ignore[type-var]


# --- what makes no difference -----------------------------------------------------------------------------------------

TWIN, PLAN = Twin(Picture(GREY)), Plan("a river", "river", ("river",), ())
MASK = Painted(np.full((8, 8), 255, np.uint8))


def test_the_seed_counts_only_where_something_is_drawn_from_it() -> None:
    assert prompt_input(PromptSettings(seed=1)).key == prompt_input(PromptSettings(seed=2)).key
    drawn = [prompt_input(PromptSettings(seed=seed, angle="random")).key for seed in (1, 2)]
    assert drawn[0] != drawn[1]
    keys = [region_input(PLAN, TWIN, RegionSettings(), Hints(), None, seed).key for seed in (1, 2)]
    assert keys[0] == keys[1]
    seen = replace(TWIN, attention=MAPS)
    keys = [region_input(PLAN, seen, RegionSettings(), Hints(), None, seed).key for seed in (1, 2)]
    assert keys[0] != keys[1]


def test_words_do_not_count_where_the_user_says_what_moves() -> None:
    other = replace(PLAN, regions=("clouds",))
    for hints, given in ((Hints(), RIVER), (Hints(regions=(RegionHint("river", mask=MASK),)), None)):
        keys = {region_input(plan, TWIN, RegionSettings(), hints, given, 0).key for plan in (PLAN, other)}
        assert len(keys) == 1
    assert region_input(PLAN, TWIN, RegionSettings(), Hints(), None, 0).key != (
        region_input(other, TWIN, RegionSettings(), Hints(), None, 0).key
    )


def test_colours_and_masks_of_hints_move_nothing() -> None:
    plain = RegionHint("river", 90.0)
    keys = [
        motion_input(PLAN, TWIN, RIVER, Hints(regions=(hint,)), MotionSettings(hints=text), None).key
        for hint, text in ((plain, ""), (replace(plain, colour="#123456", mask=MASK), "the same, drawn again"))
    ]
    assert keys[0] == keys[1]
    still = motion_input(PLAN, TWIN, RIVER, Hints(regions=(plain,), still=MASK), MotionSettings(), None)
    assert still.key != keys[0]


def test_who_found_a_region_and_how_sure_it_is_moves_nothing() -> None:
    found = Regions((replace(RIVER.regions[0], score=0.4, source="clusters"),), ("found by clusters",), RIVER.regions)
    keys = [motion_input(PLAN, TWIN, row, Hints(), MotionSettings(), None).key for row in (RIVER, found)]
    assert keys[0] == keys[1]


def test_the_recipes_format_gives_way_to_that_of_the_output() -> None:
    keys = [
        loop_input(Picture(GREY), LEFT, FLOW, LEFT, LoopSettings(format=name), "gif", 0).key for name in ("mp4", "webm")
    ]
    assert keys[0] == keys[1] != loop_input(Picture(GREY), LEFT, FLOW, LEFT, LoopSettings(), "mp4", 0).key


# --- "auto" is what would be chosen now -------------------------------------------------------------------------------


def test_a_model_that_has_come_is_another_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"first")
    os.utime(weights, ns=(1, 1))
    chosen: list[SegmenterChoice] = [SegmenterChoice(), SegmenterChoice((("oneformer-ade", (weights,)),))]
    monkeypatch.setattr(stages, "choose_segmenter", lambda name: chosen[0])
    without = region_input(PLAN, TWIN, RegionSettings(), Hints(), None, 0).key
    chosen.pop(0)
    first = region_input(PLAN, TWIN, RegionSettings(), Hints(), None, 0).key
    os.utime(weights, ns=(2, 2))
    assert len({without, first, region_input(PLAN, TWIN, RegionSettings(), Hints(), None, 0).key}) == 3
    alone = region_input(PLAN, TWIN, RegionSettings(), Hints(), RIVER, 0)
    assert alone.segmenter is None, "a mask with a name needs nobody to find it"


def test_who_asks_for_what_the_key_lacks_is_an_error_of_the_program() -> None:
    given = RegionInput(("river",), GREY, GREY, None, RegionSettings())
    with pytest.raises(RuntimeError, match="key holds none"):
        stages.make_regions(given, stages.Reporter())


# --- the stages themselves --------------------------------------------------------------------------------------------

SIDE = 32


def _job(**changes: Any) -> Job:
    rng = np.random.default_rng(0)
    art = np.round(rng.random((SIDE, SIDE, 3)) * 255).astype(np.float32) / np.float32(255)
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[SIDE // 2 :] = 1
    values = {"motion": "river flowing left", "frames": 2, "format": "png", **changes.pop("values", {})}
    return replace(
        Job(
            Recipe().with_values(values),
            GivenTwin(Twin(Picture(changes.pop("art", art)))),
            Regions((Region("river", mask, source="mask file"),)),
        ),
        **changes,
    )


def _other_mask() -> Regions:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:, SIDE // 2 :] = 1
    return Regions((Region("river", mask, source="mask file"),))


RUNS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, set()),
    "device": ({"values": {"device": "cpu"}}, set()),
    "seed": ({"values": {"seed": 5}}, {"loop"}),
    "words": ({"values": {"motion": "river flowing right"}}, {"prompt", "motion", "loop"}),
    "picture": ({"art": np.full((SIDE, SIDE, 3), 0.2, np.float32)}, {"twin", "region", "motion", "loop"}),
    "mask": ({"regions": _other_mask()}, {"region", "motion", "loop"}),
    "speed": ({"values": {"speed": 2.0}}, {"motion", "loop"}),
    "flow": ({"flow": np.ones((SIDE, SIDE, 2), np.float32)}, {"motion", "loop"}),
    "frames": ({"values": {"frames": 3}}, {"loop"}),
}


@pytest.mark.parametrize("name", RUNS)
def test_just_what_depends_on_a_change_runs_again(tmp_path: Path, name: str) -> None:
    changes, expected = RUNS[name]
    folder = tmp_path / "kept"
    Pipeline(_job(), Workspace.create(folder)).run()
    before = Workspace.open(folder).records
    Pipeline(_job(**changes), Workspace.open(folder)).run()
    after = Workspace.open(folder).records
    assert {stage.value for stage in Stage if before[stage].key != after[stage].key} == expected
