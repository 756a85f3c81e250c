"""Which network or solver makes the flow, on real networks of few channels; and the words that they read."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_parts import drive, save_network, save_text_encoder, save_tokenizer, square, text_config

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.motion.choose import (
    DIRECTION_WEIGHTS,
    ENCODER_WEIGHTS,
    TEXT_WEIGHTS,
    Equipment,
    MotionModel,
    choose_model,
    make_flow,
)
from t2c_ext.motion.hints import parse_hints
from t2c_ext.motion.networks.direction import MotionDirectionNetwork
from t2c_ext.motion.networks.words import MotionTextNetwork
from t2c_ext.motion.pace import bring_to_speed
from t2c_ext.motion.text_context import ClipTextEncoder, load_text_encoder
from t2c_ext.progress import Reporter
from t2c_ext.settings import MotionSettings
from t2c_ext.types import Arrow, FloatArray, Flow, Hints, Motion, Plan, Region, RegionHint, Regions, Swirl, scale_of

pytest.importorskip("transformers")

LEFT = Plan("a river", regions=("river",), motions=(Motion("river", 180.0),))
WORDLESS = Plan("a river", regions=("river",))
ARROW = Hints(arrows=(Arrow((0.4, 0.4), (0.6, 0.4)),))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three models, small."""
    folder = tmp_path_factory.mktemp("weights")
    save_network(folder / DIRECTION_WEIGHTS, MotionDirectionNetwork(4))
    save_network(folder / TEXT_WEIGHTS, MotionTextNetwork(32))
    save_text_encoder(folder / ENCODER_WEIGHTS)
    return folder


def equipment(weights: Path, *names: str) -> Equipment:
    """With only the named models here, on the CPU."""
    wanted = names or (DIRECTION_WEIGHTS, TEXT_WEIGHTS, ENCODER_WEIGHTS)
    return Equipment(lambda name: weights / name if name in wanted else None, device="cpu")


def scene(height: int = 96, width: int = 128) -> tuple[FloatArray, Regions]:
    picture = np.random.default_rng(1).random((height, width, 3), np.float32)
    mask = square(height, width, slice(height // 3, height), slice(width // 8, width - width // 8))
    return picture, Regions((Region("river", mask),))


def speeds(flow: Flow, mask: FloatArray) -> FloatArray:
    return np.hypot(flow.field[..., 0], flow.field[..., 1])[mask > 0.5]


def check(flow: Flow, mask: FloatArray, speed: float) -> None:
    assert flow.field.shape == (*mask.shape, 2) and flow.field.dtype == np.float32
    assert np.isfinite(flow.field).all()
    assert not flow.field[mask == 0].any()
    assert np.median(speeds(flow, mask)) == pytest.approx(speed * scale_of(*mask.shape), rel=1e-3)


@pytest.mark.parametrize(
    ("plan", "hints", "here", "model"),
    [
        (LEFT, Hints(), (), MotionModel.DIRECTION),
        (WORDLESS, ARROW, (), MotionModel.DIRECTION),
        (WORDLESS, Hints(swirls=(Swirl((0.5, 0.5), 0.2),)), (), MotionModel.DIRECTION),
        (WORDLESS, Hints(regions=(RegionHint("river", 90.0),)), (), MotionModel.DIRECTION),
        (WORDLESS, Hints(regions=(RegionHint("river", None, 2.0),), pins=((0.5, 0.5),)), (), MotionModel.TEXT),
        (WORDLESS, Hints(), (), MotionModel.TEXT),
        (LEFT, Hints(), (TEXT_WEIGHTS, ENCODER_WEIGHTS), MotionModel.SOLVER),
        (WORDLESS, Hints(), (DIRECTION_WEIGHTS,), MotionModel.SOLVER),
        (WORDLESS, Hints(), ("nothing",), MotionModel.SOLVER),
    ],
)
def test_auto_takes_what_fits(
    weights: Path, plan: Plan, hints: Hints, here: tuple[str, ...], model: MotionModel
) -> None:
    choice = choose_model(MotionSettings(), plan, hints, equipment(weights, *here))
    assert (choice.model, choice.paper, choice.notes) == (model, False, ())


def test_auto_says_what_the_text_network_lacks(weights: Path) -> None:
    choice = choose_model(MotionSettings(), WORDLESS, Hints(), equipment(weights, TEXT_WEIGHTS))
    assert choice.model is MotionModel.SOLVER
    assert "the model clip-text is not here" in choice.notes[0]
    with_host = replace(equipment(weights, TEXT_WEIGHTS), encoder=lambda text: torch.zeros(1, 77, 768))
    assert choose_model(MotionSettings(), WORDLESS, Hints(), with_host).model is MotionModel.TEXT


@pytest.mark.parametrize(
    ("name", "plan", "missing"),
    [
        ("direction", LEFT, DIRECTION_WEIGHTS),
        ("text", WORDLESS, TEXT_WEIGHTS),
        ("paper", LEFT, DIRECTION_WEIGHTS),
        ("paper", WORDLESS, TEXT_WEIGHTS),
    ],
)
def test_named_models_must_be_here(weights: Path, name: str, plan: Plan, missing: str) -> None:
    with pytest.raises(UserError, match=f"the model {missing} is not here; get {missing}$"):
        make_flow(*scene(), plan, Hints(), MotionSettings(motion_model=name), equipment(weights, "nothing"))


@pytest.mark.parametrize(
    ("name", "source"), [("auto", "direction network"), ("text", "text network"), ("solver", "solver")]
)
@pytest.mark.parametrize("speed", [1.0, 2.5])
def test_every_maker_keeps_the_contract(weights: Path, name: str, source: str, speed: float) -> None:
    picture, regions = scene()
    flow = make_flow(
        picture, regions, LEFT, Hints(), MotionSettings(motion_model=name, speed=speed), equipment(weights)
    )
    assert flow.source == source
    check(flow, regions.mask, speed)


@pytest.mark.parametrize(("height", "width"), [(80, 60), (33, 101)])
def test_any_size(weights: Path, height: int, width: int) -> None:
    picture, regions = scene(height, width)
    check(make_flow(picture, regions, WORDLESS, Hints(), MotionSettings(), equipment(weights)), regions.mask, 1.0)


def test_same_input_same_flow(weights: Path) -> None:
    runs = [make_flow(*scene(), LEFT, ARROW, MotionSettings(), equipment(weights)) for _ in range(2)]
    assert np.array_equal(runs[0].field, runs[1].field)


def test_directions_change_the_flow(weights: Path) -> None:
    picture, regions = scene()
    ways = [
        make_flow(picture, regions, plan, hints, MotionSettings(), equipment(weights)).field
        for plan, hints in (
            (LEFT, Hints()),
            (replace(LEFT, motions=(Motion("river", 90.0),)), Hints()),
            (LEFT, Hints(regions=(RegionHint("river", 90.0),))),
        )
    ]
    assert not np.allclose(ways[0], ways[1], atol=1e-4)
    # what the user names goes before the words
    assert np.allclose(ways[1], ways[2])


def test_words_change_the_text_network_s_flow(weights: Path) -> None:
    def flow_of(plan: Plan, prompt: str | None = None) -> FloatArray:
        return make_flow(*scene(), plan, Hints(), MotionSettings(), equipment(weights), prompt=prompt).field

    # without any prompt the regions' names are read
    river = flow_of(Plan())
    assert not np.allclose(river, flow_of(Plan("a sea")), atol=1e-4)
    assert np.array_equal(river, flow_of(Plan("(river:1.2)"), "river"))


def test_frozen_and_pinned_places_stand_still(weights: Path) -> None:
    picture, regions = scene()
    document = {
        "version": 1,
        "pins": [[0.75, 0.75]],
        "freeze": [[[0.1, 0.3], [0.5, 0.3], [0.5, 1], [0.1, 1]]],
        "regions": [{"name": "river", "angle": 180}],
    }
    flow = make_flow(picture, regions, WORDLESS, parse_hints(document), MotionSettings(), equipment(weights))
    assert flow.source == "direction network"
    assert not flow.field[:, :63].any()
    assert not flow.field[72, 96].any()
    assert speeds(flow, regions.mask * square(96, 128, columns=slice(66, 90))).min() > 0


def test_arrows_set_the_speed(weights: Path) -> None:
    picture, regions = scene()
    flow = make_flow(picture, regions, WORDLESS, ARROW, MotionSettings(), equipment(weights))
    row = flow.field[int(0.4 * 96), int(0.4 * 128) : int(0.6 * 128)]
    assert np.hypot(row[:, 0], row[:, 1]).mean() == pytest.approx(0.2 * 128 / 30, rel=0.05)


def test_regions_of_their_own_speed(weights: Path) -> None:
    picture, _ = scene()
    left, right = square(96, 128, columns=slice(8, 60)), square(96, 128, columns=slice(70, 120))
    regions = Regions((Region("one", left), Region("two", right)))
    plan = Plan(regions=("one", "two"), motions=(Motion("one", 0.0, speed=0.5), Motion("two", 90.0, speed=2.0)))
    flow = make_flow(picture, regions, plan, Hints(), MotionSettings(), equipment(weights))
    assert flow.source == "direction network"
    assert not flow.field[regions.mask == 0].any()
    assert np.median(speeds(flow, left)) == pytest.approx(0.5 * scale_of(96, 128), rel=1e-3)
    assert np.median(speeds(flow, right)) == pytest.approx(2.0 * scale_of(96, 128), rel=1e-3)


def test_text_network_says_that_it_reads_no_arrows(weights: Path) -> None:
    flow = make_flow(*scene(), LEFT, ARROW, MotionSettings(motion_model="text"), equipment(weights))
    assert any("left out" in note for note in flow.notes)


@pytest.mark.parametrize(
    ("plan", "source"),
    [(LEFT, "direction network as in the paper"), (WORDLESS, "text network as in the paper")],
)
def test_paper_option_cuts_instead_of_scaling(weights: Path, plan: Plan, source: str) -> None:
    picture, regions = scene(128, 128)
    soft = replace(regions.regions[0], mask=regions.mask * np.float32(0.9) + 0.1 * square(128, 128, slice(64, 128)))
    settings = MotionSettings(motion_model="paper", speed=0.5)
    flow = make_flow(picture, Regions((soft,)), plan, Hints(), settings, equipment(weights))
    assert flow.source == source
    assert np.abs(flow.field).max() == pytest.approx(0.5 * 128 / 512)
    # where the mask is below 1, even a little, nothing moves
    assert not flow.field[soft.mask < 1].any()
    assert np.any(flow.field)


def test_paper_option_needs_a_full_mask(weights: Path) -> None:
    picture, regions = scene()
    faint = Regions((replace(regions.regions[0], mask=regions.mask * np.float32(0.5)),))
    with pytest.raises(UserError, match="covers fully"):
        make_flow(picture, faint, LEFT, Hints(), MotionSettings(motion_model="paper"), equipment(weights))


def test_refuses_what_cannot_be_done(weights: Path) -> None:
    picture, regions = scene()
    with pytest.raises(UserError, match="another size"):
        make_flow(picture[:50], regions, LEFT, Hints(), MotionSettings(), equipment(weights))
    everything = Hints(freeze=(((0, 0), (1, 0), (1, 1), (0, 1)),))
    with pytest.raises(UserError, match="nothing is left to move"):
        make_flow(picture, regions, LEFT, everything, MotionSettings(), equipment(weights))
    damaged = regions.regions[0].mask.copy()
    damaged[50, 50] = np.nan
    with pytest.raises(UserError, match="mask of river holds values that are no numbers"):
        make_flow(picture, Regions((Region("river", damaged),)), LEFT, Hints(), MotionSettings(), equipment(weights))
    picture[0, 0] = np.inf
    with pytest.raises(UserError, match="picture holds values that are no numbers"):
        make_flow(picture, regions, LEFT, Hints(), MotionSettings(), equipment(weights))


def test_progress_and_cancelling(weights: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    make_flow(
        *scene(),
        LEFT,
        Hints(),
        MotionSettings(),
        equipment(weights),
        reporter=Reporter(progress=lambda *row: seen.append(row)),
    )
    assert seen == [("motion", done, 3) for done in range(4)]
    with pytest.raises(Cancelled):
        make_flow(
            *scene(), LEFT, Hints(), MotionSettings(), equipment(weights), reporter=Reporter(cancelled=lambda: True)
        )


def test_words_as_stable_diffusion_reads_them(weights: Path) -> None:
    encoder = load_text_encoder(weights / ENCODER_WEIGHTS)
    calls: list[dict[str, object]] = []
    tokenizer = encoder.tokenizer

    def spy(text: str, **options: object) -> object:
        calls.append(options)
        return tokenizer(text, **options)

    state = ClipTextEncoder(spy, encoder.model)("a river")
    assert calls == [{"max_length": 77, "padding": "max_length", "truncation": True, "return_tensors": "pt"}]
    tokens = torch.tensor([[98, 28, 59, *[99] * 74]])
    with torch.no_grad():
        wanted = encoder.model(input_ids=tokens).last_hidden_state
    assert state.shape == (1, 77, 768) and torch.equal(state, wanted)
    # after the final layer norm every token has mean 0 and variance 1, for its weight is 1 and its bias 0
    assert torch.allclose(state.mean(2), torch.zeros(1, 77), atol=1e-4)
    assert torch.allclose(state.var(2, unbiased=False), torch.ones(1, 77), atol=1e-2)
    assert encoder("river " * 200).shape == (1, 77, 768)


def test_whole_clip_folder(tmp_path: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    vision = {"hidden_size": 24, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config=text_config().to_dict(),
        vision_config=vision | {"image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    model = CLIPModel(config).eval()
    model.save_pretrained(str(tmp_path))
    save_tokenizer(tmp_path)
    tokens = torch.tensor([[98, 28, 59, *[99] * 74]])
    with torch.no_grad():
        wanted = model.text_model(input_ids=tokens).last_hidden_state
    assert torch.equal(load_text_encoder(tmp_path)("a river"), wanted)


def test_text_encoders_that_do_not_fit(weights: Path, tmp_path: Path) -> None:
    save_text_encoder(tmp_path / "wide", width=1020)
    with pytest.raises(UserError, match=r"1020 wide, but motion-pretrained reads 768"):
        load_text_encoder(tmp_path / "wide")
    for name, said in (
        ("tokenizer/merges.txt", "merges.txt; get clip-text"),
        ("text_encoder/pytorch_model.bin", "model.safetensors; get clip-text"),
        ("text_encoder/config.json", "config.json; get clip-text"),
    ):
        folder = tmp_path / name.replace("/", "-")
        shutil.copytree(weights / ENCODER_WEIGHTS, folder)
        (folder / name).unlink()
        with pytest.raises(UserError, match=said):
            load_text_encoder(folder)
    folder = tmp_path / "damaged"
    shutil.copytree(weights / ENCODER_WEIGHTS, folder)
    config = json.loads((folder / "text_encoder" / "config.json").read_text())
    (folder / "text_encoder" / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(UserError, match="does not fit"):
        load_text_encoder(folder)
    (folder / "text_encoder" / "config.json").write_text("[")
    with pytest.raises(UserError, match="not the config"):
        load_text_encoder(folder)
    shutil.copy(weights / ENCODER_WEIGHTS / "text_encoder" / "config.json", folder / "text_encoder")
    (folder / "tokenizer" / "vocab.json").write_text("[")
    with pytest.raises(UserError, match=r"tokenizer in .* is damaged"):
        load_text_encoder(folder)


def test_arrow_over_a_still_place_does_not_race_the_rest() -> None:
    mask = square(64, 64)
    field = np.zeros((64, 64, 2), np.float32)
    field[..., 0] = 1.0
    field[:16] = 1e-4
    still, moving = Arrow((0.2, 0.1), (0.6, 0.1)), Arrow((0.2, 0.8), (0.6, 0.8))
    wanted = 0.4 * 64 / 30
    for arrows in ((still,), (still, moving), (moving,)):
        found = bring_to_speed(field, [drive(mask, arrows=arrows)], 1.0)
        assert found[40, 40, 0] == pytest.approx(wanted, rel=1e-5)
