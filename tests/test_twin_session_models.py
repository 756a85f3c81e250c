"""Which models a twin session knows, where their layers are, and what it refuses."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from fill_rule import filled_state  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from tiny_unets import (  # noqa: E402
    CONFIGS,
    FAMILIES,
    LdmUNet,
    TinyConfig,
    conditions,
    converted,
    diffusers_unet,
    empty_diffusers_unet,
)
from torch import nn  # noqa: E402

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.twin.capture import CaptureOptions  # noqa: E402
from t2c_ext.twin.families import PLANS, Family, LayerPlan, family_of  # noqa: E402
from t2c_ext.twin.inject import InjectionOptions, Recording  # noqa: E402
from t2c_ext.twin.layout import diffusers_name, grid_at, layout_of, ldm_name  # noqa: E402
from t2c_ext.twin.locate import Kind  # noqa: E402
from t2c_ext.twin.rows import Role, art, guided_rows, rows, twin  # noqa: E402
from t2c_ext.twin.session import TwinSession  # noqa: E402

LATENT = (8, 16)
ALWAYS = InjectionOptions(features=1.0, attention=1.0)
EXPECTED = {"sd1": Family.SD1, "sd2": Family.SD2, "sdxl": Family.SDXL}

SD1_NAMES = {
    "input_blocks.0": "conv_in",
    "input_blocks.1": "down_blocks.0.resnets.0",
    "input_blocks.3": "down_blocks.0.downsamplers.0",
    "input_blocks.4": "down_blocks.1.resnets.0",
    "input_blocks.5": "down_blocks.1.resnets.1",
    "input_blocks.11": "down_blocks.3.resnets.1",
    "middle_block.0": "mid_block.resnets.0",
    "middle_block.1": "mid_block.attentions.0",
    "middle_block.2": "mid_block.resnets.1",
    "output_blocks.0": "up_blocks.0.resnets.0",
    "output_blocks.4": "up_blocks.1.resnets.1",
    "output_blocks.8": "up_blocks.2.resnets.2",
    "output_blocks.11": "up_blocks.3.resnets.2",
}


@pytest.fixture(scope="module")
def sd1() -> Any:
    torch.set_num_threads(1)
    return diffusers_unet("sd1")


def _paired(unet: Any, found: dict[str, Any], **options: Any) -> Any:
    x = torch.randn(2, 4, *LATENT, generator=torch.Generator().manual_seed(0))
    with TwinSession(unet, LATENT, injection=ALWAYS, **options) as session:
        session.step(0, 1, 481)
        with torch.inference_mode(), session.call(rows([art(), twin()])):
            return unet(x, 481, **found).sample


@pytest.mark.parametrize(("original", "other"), SD1_NAMES.items())
def test_names_of_both_codes(original: str, other: str) -> None:
    assert diffusers_name(original) == other
    assert ldm_name(other) == original


@given(st.sampled_from(["input_blocks", "output_blocks"]), st.integers(0, 40), st.integers(1, 4))
def test_names_come_back(side: str, number: int, per_level: int) -> None:
    name = f"{side}.{number}"
    assert ldm_name(diffusers_name(name, per_level), per_level) == name


@pytest.mark.parametrize("family", FAMILIES)
def test_names_are_those_that_diffusers_converts_to(family: str) -> None:
    """Each block's weights, marked with its number, are found where the mapping says."""
    config = CONFIGS[family]
    original = LdmUNet(config)
    layout = layout_of(original)
    for number, block in enumerate(layout.blocks.values()):
        original.get_submodule(block.resblock).out_layers[3].bias.data.fill_(number)
        if block.transformer:
            original.get_submodule(block.transformer).transformer_blocks[0].norm1.bias.data.fill_(-number)
    other = converted(original, config)
    for number, block in enumerate(layout.blocks.values()):
        path = diffusers_name(block.name)
        assert (other.get_submodule(path).conv2.bias == number).all()
        if block.transformer:
            blocks = other.get_submodule(path.replace("resnets", "attentions")).transformer_blocks
            assert (blocks[0].norm1.bias == -number).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_layouts_of_both_codes_agree(family: str) -> None:
    first, second = layout_of(LdmUNet(CONFIGS[family])), layout_of(empty_diffusers_unet(CONFIGS[family]))
    assert family_of(first) is family_of(second) is EXPECTED[family]
    assert (first.levels, first.per_level) == (second.levels, second.per_level)
    assert list(first.blocks) == list(second.blocks)
    for name, block in first.blocks.items():
        assert (block.level, block.depth) == (second.blocks[name].level, second.blocks[name].depth)


def test_layer_plans() -> None:
    assert PLANS[Family.SD1] == PLANS[Family.SD2]
    paper, large = PLANS[Family.SD1], PLANS[Family.SDXL]
    assert paper.features == ("output_blocks.4",)
    assert paper.attention == tuple(f"output_blocks.{number}" for number in range(4, 12))
    assert (paper.feature_share, paper.attention_share, paper.shortcut) == (0.8, 0.5, False)
    assert large.features == ("output_blocks.0",) and large.shortcut
    assert large.attention == ("output_blocks.0", "output_blocks.1", "output_blocks.2")


CAPTURED = [
    ("sd1", (64, 64), 1, (32, 32)),
    ("sd1", (64, 96), 1, (32, 48)),
    ("sd1", (64, 128), 1, (32, 64)),
    ("sd1", (32, 32), 0, (32, 32)),
    ("sd2", (128, 128), 2, (32, 32)),
    ("sdxl", (128, 128), 2, (32, 32)),
    ("sdxl", (104, 152), 2, (26, 38)),
    ("sdxl", (64, 64), 1, (32, 32)),
]


@pytest.mark.parametrize(("family", "latent", "level", "size"), CAPTURED)
def test_level_that_is_captured(family: str, latent: tuple[int, int], level: int, size: tuple[int, int]) -> None:
    layout = layout_of(empty_diffusers_unet(CONFIGS[family]))
    assert layout.nearest_level(latent, 1024) == level
    assert grid_at(latent, level) == size


def test_blocks_that_the_paper_captures() -> None:
    session = TwinSession(LdmUNet(CONFIGS["sd1"]), (64, 64), capture=CaptureOptions())
    blocks = {site.path.split(".1.transformer")[0] for site in session.capture_sites}
    assert blocks == {"input_blocks.4", "input_blocks.5", "output_blocks.6", "output_blocks.7", "output_blocks.8"}
    assert [site.kind for site in session.capture_sites[:4]] == [Kind.QUERY, Kind.KEY, Kind.WORD_QUERY, Kind.WORD_KEY]
    silent = TwinSession(LdmUNet(CONFIGS["sd1"]), (64, 64), capture=CaptureOptions(), words=False)
    assert len(silent.capture_sites) == 10


def test_sizes_that_do_not_halve_evenly() -> None:
    assert [grid_at((9, 20), level) for level in range(4)] == [(9, 20), (5, 10), (3, 5), (2, 3)]


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIGS["sd1"], channels=(32, 64), depths=(0, 1), heads=(2, 2)),
        replace(CONFIGS["sd1"], depths=(0, 4, 4, 0)),
        replace(CONFIGS["sd1"], depths=(2, 1, 1, 0)),
    ],
)
def test_other_architectures_are_refused(config: TinyConfig) -> None:
    for unet in (LdmUNet(config), empty_diffusers_unet(config)):
        with pytest.raises(UserError, match="neither Stable Diffusion 1, 2 nor XL"):
            TwinSession(unet, LATENT)


def test_what_is_no_unet_is_refused() -> None:
    with pytest.raises(UserError, match="Linear is not a Stable Diffusion UNet"):
        TwinSession(nn.Linear(2, 2), LATENT)


def test_a_missing_block_is_named(sd1: Any) -> None:
    with pytest.raises(UserError, match=r"no output_blocks\.12"):
        TwinSession(sd1, LATENT, plan=LayerPlan(("output_blocks.12",), ()))
    with pytest.raises(UserError, match=r"no transformer in output_blocks\.0"):
        TwinSession(sd1, LATENT, plan=LayerPlan((), ("output_blocks.0",)))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_missing_layer_is_named(family: str) -> None:
    for site in TwinSession(LdmUNet(CONFIGS[family]), LATENT).injection_sites[::4]:
        unet = LdmUNet(CONFIGS[family])
        parent, _, name = site.path.rpartition(".")
        if site.kind is Kind.BRANCH:  # a Sequential closes up; what is gone is its whole
            parent, _, name = parent.rpartition(".")
        delattr(unet.get_submodule(parent), name)
        missing = f"{parent}.{name}" if site.kind is not Kind.BRANCH else "ResBlocks"
        with pytest.raises(UserError, match=re.escape(missing)):
            TwinSession(unet, LATENT)


def test_fused_projections_are_refused(sd1: Any) -> None:
    unet = copy.deepcopy(sd1)
    unet.fuse_qkv_projections()
    with pytest.raises(UserError, match="unfuse_qkv_projections"):
        TwinSession(unet, LATENT)
    unet.unfuse_qkv_projections()
    found = conditions("sd1", 2)
    assert torch.equal(_paired(unet, found), _paired(sd1, found))


def test_compiled_models_are_refused(sd1: Any) -> None:
    with pytest.raises(UserError, match=r"torch\.compile"):
        TwinSession(torch.compile(sd1), LATENT)
    unet = copy.deepcopy(sd1)
    unet.mid_block.compile()
    with pytest.raises(UserError, match=r"torch\.compile"):
        TwinSession(unet, LATENT)


def test_video_modules_are_refused(sd1: Any) -> None:
    unet = copy.deepcopy(sd1)
    unet.up_blocks[1].motion_modules = nn.ModuleList([nn.Linear(2, 2)])
    with pytest.raises(UserError, match="AnimateDiff"):
        TwinSession(unet, LATENT)


def test_token_merging_is_refused(sd1: Any) -> None:
    unet = copy.deepcopy(sd1)
    block = unet.up_blocks[3].attentions[0].transformer_blocks[0]
    block.__class__ = type("ToMeBlock", (type(block),), {})
    with pytest.raises(UserError, match="token merging"):
        TwinSession(unet, LATENT)


def test_fewer_tokens_than_the_picture_has_are_refused(sd1: Any) -> None:
    """Whatever merges or tiles tokens, known or not."""
    unet = copy.deepcopy(sd1)
    attention = unet.up_blocks[3].attentions[0].transformer_blocks[0].attn1
    forward = attention.forward
    attention.forward = lambda x, **rest: forward(x[:, ::2], **rest).repeat_interleave(2, dim=1)
    with pytest.raises(UserError, match="saw 64 tokens in place of 8 x 16: turn off token merging"):
        _paired(unet, conditions("sd1", 2))
    attention.forward = lambda x, **rest: forward(x.reshape(4, 64, -1), **rest).reshape(2, 128, -1)
    with pytest.raises(UserError, match="saw 4 rows and 2 were announced"):
        _paired(unet, conditions("sd1", 2))


def test_layers_that_do_not_run_are_told(sd1: Any) -> None:
    unet = copy.deepcopy(sd1)
    block = unet.up_blocks[1].resnets[1]
    convolution = block.conv2
    block.conv2.forward = lambda x: convolution._conv_forward(x, convolution.weight, convolution.bias)
    _paired(unet, conditions("sd1", 2))
    attention = unet.up_blocks[2].attentions[0].transformer_blocks[0].attn1
    attention.forward = lambda x, **rest: x
    with pytest.raises(UserError, match=r"2 of 17 layers .*up_blocks\.2\.attentions\.0.*attn1\.to_q"):
        _paired(unet, conditions("sd1", 2))


def _processors() -> list[Any]:
    from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0, SlicedAttnProcessor

    return [AttnProcessor(), AttnProcessor2_0(), SlicedAttnProcessor(1)]


def test_every_way_to_compute_attention_gives_the_same(sd1: Any) -> None:
    found, given = conditions("sd1", 2), []
    unet = copy.deepcopy(sd1)
    for processor in _processors():
        unet.set_attn_processor(processor)
        given.append(_paired(unet, found, capture=CaptureOptions(tokens=32)))
    for other in given[1:]:
        assert (other - given[0]).abs().max() <= 1e-5


def _manifest(folder: Path) -> dict[str, Any]:
    for place in (folder.parent / "manifests", folder / "manifests", Path(__file__).parent / "fixtures" / "manifests"):
        if (place / "unet_tiny.json").exists():
            return json.loads((place / "unet_tiny.json").read_text(encoding="utf-8"))
    pytest.skip("this set lacks the tiny UNet's manifest")


def _plan(entry: dict[str, Any]) -> LayerPlan:
    """What the fixture injects."""
    names = [
        re.fullmatch(r"output_block_(\d+)_(out_layers|self_attn_q|self_attn_k)", name) for name in entry["injected_all"]
    ]
    blocks = [(f"output_blocks.{name[1]}", name[2]) for name in names if name]
    assert len(blocks) == len(names)
    kinds = {kind: tuple(block for block, found in blocks if found == kind) for _, kind in blocks}
    assert sorted(kinds["self_attn_q"]) == sorted(kinds["self_attn_k"])
    return LayerPlan(kinds["out_layers"], kinds["self_attn_q"])


def _official(manifest: dict[str, Any]) -> TinyConfig:
    config = manifest["config"]
    levels = range(len(config["channel_mult"]))
    return TinyConfig(
        tuple(config["model_channels"] * factor for factor in config["channel_mult"]),
        tuple(config["transformer_depth"] * (2**level in config["attention_resolutions"]) for level in levels),
        (config["num_heads"],) * len(config["channel_mult"]),
        context=config["context_dim"],
        in_channels=config["in_channels"],
        middle_depth=config["transformer_depth"],
    )


@pytest.fixture(scope="module", params=["ldm", "diffusers"])
def official(request: Any, fixtures: Any) -> tuple[Any, str]:
    """The paper's tiny UNet, under both names, and the name of its fixture."""
    names = fixtures.named("pnp_unet_tiny")
    if not names:
        pytest.skip("this set has no tiny UNet")
    manifest = _manifest(fixtures.folder)
    shapes = {entry["key"]: entry["shape"] for entry in manifest["entries"]}
    unet = LdmUNet(_official(manifest))
    assert {key: list(value.shape) for key, value in unet.state_dict().items()} == shapes
    unet.load_state_dict(filled_state(shapes, fixtures.index[names[0]]["salt"]))
    unet.eval().requires_grad_(False)
    return (unet if request.param == "ldm" else converted(unet, _official(manifest))), names[0]


@pytest.mark.parity
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("everything", [True, False])
def test_injection_of_the_fixture(fixtures: Any, official: tuple[Any, str], everything: bool, split: bool) -> None:
    unet, name = official
    data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
    x, source, new = (torch.from_numpy(data[key]) for key in ("x", "context_source", "context_new"))
    time = float(fixtures.index[name]["timestep"])
    members = guided_rows(len(x) // 2, halves=(False, True)).rows
    artists = [row for row in members if row.role is Role.ART]
    twins = [row for row in members if row.role is Role.TWIN]
    options = InjectionOptions(features=1.0, attention=1.0 if everything else 0.0)
    plan = _plan(fixtures.index[name])
    with TwinSession(unet, tuple(x.shape[2:]), injection=options, plan=plan) as session:  # type: ignore[arg-type]
        session.step(0, 50, time)
        with torch.inference_mode():
            if split:
                with session.call(rows(artists)):
                    first = unet(x, time, source).sample
                with session.call(rows(twins)):
                    second = unet(x, time, new).sample
            else:
                with session.call(rows(artists + twins)):
                    batch = unet(torch.cat([x, x]), time, torch.cat([source, new])).sample
                first, second = batch.chunk(2)
    wanted = data["out_injected" if everything else "out_injected_resblock_only"]
    assert (first - torch.from_numpy(data["out_source"])).abs().max() <= tolerance
    assert (second - torch.from_numpy(wanted)).abs().max() <= tolerance
    assert (second - torch.from_numpy(data["out_new"])).abs().max() > 100 * tolerance


@pytest.mark.parity
def test_features_of_the_fixture(fixtures: Any, official: tuple[Any, str]) -> None:
    unet, name = official
    data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
    x, context = torch.from_numpy(data["x"]), torch.from_numpy(data["context_source"])
    layout, kept = layout_of(unet), Recording(dtype=None)
    members = rows([art(image, half) for half in (False, True) for image in range(len(x) // 2)])
    with TwinSession(unet, tuple(x.shape[2:]), injection=ALWAYS, record=kept) as session:  # type: ignore[arg-type]
        session.step(0, 50, fixtures.index[name]["timestep"])
        with torch.inference_mode(), session.call(members):
            unet(x, float(fixtures.index[name]["timestep"]), context)
    found: dict[str, list[Any]] = {}
    for moment, source, path in kept.kept:  # in the order of the batch
        found.setdefault(path, []).append(kept.get(moment, source, path))
    injected = {site.path: site for site in session.injection_sites}
    checked = 0
    for key in (key for key in data if key.startswith("feat/output_block")):
        number, what = key.removeprefix("feat/output_block_").split("_", 1)
        block = layout.block(f"output_blocks.{number}")
        if what == "out_layers":
            (path,) = (path for path in found if path.startswith(f"{block.resblock}."))
            value = torch.stack(found[path])
        else:
            path = f"{block.transformer}.transformer_blocks.0.attn1.to_{what[-1]}"
            heads = injected[path].heads
            value = torch.stack(found[path]).unflatten(2, (heads, -1)).transpose(1, 2).flatten(0, 1)
        assert (value - torch.from_numpy(data[key])).abs().max() <= tolerance
        checked += 1
    assert checked == sum(key.startswith("feat/output_block") for key in data) > 0
