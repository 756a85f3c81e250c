"""One pass of a UNet that says where the nouns are, against a computation in double precision."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_pipelines import tiny_components  # noqa: E402
from tiny_unets import CONFIGS, FAMILIES, LdmUNet, conditions, converted, diffusers_unet, fill, pick  # noqa: E402
from torch.nn import functional  # noqa: E402

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.progress import Reporter  # noqa: E402
from t2c_ext.settings import TwinSettings  # noqa: E402
from t2c_ext.twin import capture  # noqa: E402
from t2c_ext.twin.diffusion.embeddings import PromptEncoder  # noqa: E402
from t2c_ext.twin.diffusion.grounding import TIMESTEP, ground_latent, ground_pictures, noun_list  # noqa: E402
from t2c_ext.twin.diffusion.latents import encode, resized  # noqa: E402
from t2c_ext.twin.diffusion.source import DiffusersTwin  # noqa: E402
from t2c_ext.twin.grounding.answer import TokenMaps, answer  # noqa: E402
from t2c_ext.twin.grounding.layer_plan import attention_layers  # noqa: E402
from t2c_ext.twin.grounding.rivals import distinct  # noqa: E402
from t2c_ext.twin.grounding.session import GroundingOptions, GroundingSession  # noqa: E402
from t2c_ext.twin.layout import grid_at, layout_of  # noqa: E402
from t2c_ext.types import Plan  # noqa: E402

LATENT = (8, 16)
TOKENS = 9
REFERENCES = {
    "sd1": "up_blocks.2.attentions.1.transformer_blocks.0",
    "sd2": "up_blocks.2.attentions.1.transformer_blocks.0",
    "sdxl": "up_blocks.1.attentions.0.transformer_blocks.0",
}
REFINEMENT = {
    "sd1": ("down_blocks.0.attentions.1", "up_blocks.3.attentions.0", "up_blocks.3.attentions.1"),
    "sd2": ("down_blocks.0.attentions.1", "up_blocks.3.attentions.0", "up_blocks.3.attentions.1"),
    "sdxl": ("down_blocks.1.attentions.0", *(f"up_blocks.1.attentions.{number}" for number in range(3))),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    torch.set_num_threads(1)
    return str(request.param)


@pytest.fixture(scope="module")
def unet(family: str) -> Any:
    return diffusers_unet(family)


def _noise(rows: int) -> Any:
    return torch.randn(rows, 4, *LATENT, generator=torch.Generator().manual_seed(1))


def _listened(unet: Any, found: dict[str, Any], x: Any, row: int = 0, **options: Any) -> TokenMaps:
    session = GroundingSession(unet, LATENT, GroundingOptions(**options))
    with torch.inference_mode(), session, session.call(row, len(x)):
        unet(x, TIMESTEP, **found)
    return session.result()


class _Inputs:
    """What went into each attention, by hooks on the whole attention instead of its parts."""

    def __init__(self, unet: Any) -> None:
        self.seen: dict[str, tuple[Any, Any]] = {}
        self._handles = [
            module.register_forward_pre_hook(self._hook(path), with_kwargs=True)
            for path, module in unet.named_modules()
            if path.endswith((".attn1", ".attn2"))
        ]

    def _hook(self, path: str) -> Any:
        def hook(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            places = given[0] if given else named["hidden_states"]
            words = given[1] if len(given) > 1 else named.get("encoder_hidden_states")
            self.seen[path] = places, places if words is None else words

        return hook

    def __enter__(self) -> _Inputs:
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()


def _projected(layer: Any, values: Any) -> Any:
    return values.double() @ layer.weight.double().T


def _expected(unet: Any, family: str, inputs: _Inputs, row: int) -> tuple[Any, Any, dict[str, float]]:
    """Tokens, self-attention and layer weights as the method's text has them: nothing in parts, nothing taken back."""
    maps, selves, grids, feature = {}, {}, {}, None
    for path, (places, words) in inputs.seen.items():
        attention, name = unet.get_submodule(path), path.rpartition(".")[0]
        query, key, value = (
            _projected(layer, values[row])
            for layer, values in ((attention.to_q, places), (attention.to_k, words), (attention.to_v, words))
        )
        heads = attention.heads
        split = [part.reshape(len(part), heads, -1).transpose(0, 1) for part in (query, key, value)]
        probabilities = torch.softmax(split[0] @ split[1].mT / split[0].shape[-1] ** 0.5, dim=-1)
        if path.endswith("attn1"):
            selves[name] = probabilities.mean(dim=0)
            levels = range(4)
            grids[name] = next(
                grid for grid in (grid_at(LATENT, level) for level in levels) if grid[0] * grid[1] == len(query)
            )
            continue
        weight = attention.to_out[0].weight.double()
        parts = weight.reshape(len(weight), heads, -1)
        contributions = torch.einsum("hnw,chw->nhc", probabilities @ split[2], parts)
        whole = contributions.sum(dim=1)
        shares = torch.einsum("nhc,nc->nh", contributions, whole) / (whole**2).sum(dim=1, keepdim=True)
        maps[name] = torch.einsum("nh,hnt->nt", shares, probabilities)
        if name == REFERENCES[family]:
            feature = query, grids[name]
    assert feature is not None
    affinity = torch.softmax(feature[0] @ feature[0].T / feature[0].shape[1] ** 0.5, dim=1)
    scores = {name: (affinity * _resized(one, grids[name], feature[1])).sum() for name, one in selves.items()}
    weights = {name: float(score / sum(scores.values())) for name, score in scores.items()}
    target = max(grids.values())
    total = sum(
        weights[name] * functional.interpolate(one.T.reshape(1, -1, *grids[name]), target, mode="bilinear")[0]
        for name, one in maps.items()
    )
    tokens = total.clamp(min=0) / total.clamp(min=0).sum(dim=0)
    refining = [one for name, one in selves.items() if name.startswith(REFINEMENT[family])]
    if family == "sdxl":
        last = "up_blocks.1.attentions.2.transformer_blocks.1"
        refining = [selves[name] for name in selves if name.startswith(REFINEMENT[family]) and name != last]
    return tokens, torch.stack(refining).mean(dim=0), weights


def _resized(attention: Any, size: tuple[int, int], target: tuple[int, int]) -> Any:
    rows = torch.stack(
        [
            attention[(y * size[0] // target[0]) * size[1] + x * size[1] // target[1]]
            for y in range(target[0])
            for x in range(target[1])
        ]
    )
    return functional.interpolate(rows.reshape(len(rows), 1, *size), target, mode="bilinear").flatten(1)


@pytest.mark.parametrize("row", [0, 1])
def test_the_pass_is_what_the_layers_inputs_say(unet: Any, family: str, row: int) -> None:
    """A picture that is not square; the conditional row first or last in the batch."""
    x, found = _noise(2), conditions(family, 2, tokens=TOKENS)
    with torch.inference_mode(), _Inputs(unet) as inputs:
        unet(x, TIMESTEP, **found)
    tokens, spread, weights = _expected(unet, family, inputs, row)
    result = _listened(unet, found, x, row)
    assert result.size == tuple(tokens.shape[1:])
    assert torch.allclose(result.tokens.double(), tokens, atol=2e-5)
    assert torch.allclose(result.self_attention.double(), spread, atol=2e-6)
    assert result.layers == pytest.approx(weights, rel=1e-4)
    assert len(result.layers) == sum(path.endswith("attn2") for path, _ in unet.named_modules())


def test_other_rows_have_no_say(unet: Any, family: str) -> None:
    x, found = _noise(2), conditions(family, 2, tokens=TOKENS)
    alone = _listened(unet, pick(found, [1]), x[1:])
    for order, row in (((0, 1), 1), ((1, 0), 0)):
        both = _listened(unet, pick(found, order), x[list(order)], row)
        assert torch.allclose(both.tokens, alone.tokens, atol=1e-5)
        assert torch.allclose(both.self_attention, alone.self_attention, atol=1e-5)


def test_the_original_names_give_the_same(family: str) -> None:
    original = fill(LdmUNet(CONFIGS[family]))
    other = converted(original, CONFIGS[family])
    x, found = _noise(1), conditions(family, 1, tokens=TOKENS)
    one, two = (_listened(model, found, x) for model in (original, other))
    assert torch.allclose(one.tokens, two.tokens, atol=1e-4)
    assert torch.allclose(one.self_attention, two.self_attention, atol=1e-5)
    assert list(one.layers.values()) == pytest.approx(list(two.layers.values()), rel=1e-3)


def test_the_model_is_as_before(unet: Any, family: str) -> None:
    before = copy.deepcopy(unet.state_dict())
    x, found = _noise(2), conditions(family, 2, tokens=TOKENS)
    with torch.inference_mode():
        wanted = unet(x, TIMESTEP, **found).sample
        session = GroundingSession(unet, LATENT)
        with session, session.call(0, 2):
            watched = unet(x, TIMESTEP, **found).sample
        session.result()
        afterwards = unet(x, TIMESTEP, **found).sample
    assert torch.equal(watched, wanted)
    assert torch.equal(afterwards, wanted)
    assert all(torch.equal(value, before[name]) for name, value in unet.state_dict().items())
    assert not _hooked(unet)


def _hooked(unet: Any) -> list[str]:
    return [path for path, module in unet.named_modules() if module._forward_hooks or module._forward_pre_hooks]


def test_an_error_inside_leaves_nothing(unet: Any, family: str) -> None:
    session = GroundingSession(unet, LATENT)
    with pytest.raises(ZeroDivisionError), session, session.call():
        raise ZeroDivisionError
    assert not _hooked(unet)
    with pytest.raises(RuntimeError, match="nothing was captured"):
        session.result()
    with pytest.raises(RuntimeError, match="hooks on"), session.call():
        pass


def test_what_changes_the_layers_is_named(unet: Any, family: str) -> None:
    x, found = _noise(2), conditions(family, 2, tokens=TOKENS)
    session = GroundingSession(unet, LATENT)
    with torch.inference_mode(), session:
        with pytest.raises(UserError, match="saw 2 rows and 1 were announced"), session.call():
            unet(x, TIMESTEP, **found)
        with pytest.raises(UserError, match="did not run as modules"), session.call():
            pass
        with pytest.raises(UserError, match=r"tokens in place of \d+ x \d+"), session.call(0, 2):
            unet(x[:, :, :, :8], TIMESTEP, **found)
    assert not _hooked(unet)


def test_parts_are_the_whole(unet: Any, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, found = _noise(1), conditions(family, 1, tokens=TOKENS)
    whole = _listened(unet, found, x)
    monkeypatch.setattr(capture, "CPU_CHUNK", 300)
    parts = _listened(unet, found, x)
    assert torch.allclose(parts.tokens, whole.tokens, atol=1e-5)
    assert torch.allclose(parts.self_attention, whole.self_attention, atol=1e-6)


def test_half_precision_is_only_the_models_own(unet: Any, family: str) -> None:
    """A host's autocast does not round the maps, and those of a model in half precision are float32."""
    x, found = _noise(1), conditions(family, 1, tokens=TOKENS)
    plain = _listened(unet, found, x)
    session = GroundingSession(unet, LATENT)
    with torch.inference_mode(), session, session.call():
        unet(x, TIMESTEP, **found)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(session.result().tokens, plain.tokens)
    half = copy.deepcopy(unet).to(torch.bfloat16)
    added = found.get("added_cond_kwargs", {})
    rounded: dict[str, Any] = {"encoder_hidden_states": found["encoder_hidden_states"].bfloat16()}
    if added:
        rounded["added_cond_kwargs"] = {name: value.bfloat16() for name, value in added.items()}
    result = _listened(half, rounded, x.bfloat16())
    assert result.tokens.dtype is torch.float32
    assert torch.allclose(result.tokens, plain.tokens, atol=0.1)
    assert torch.allclose(result.self_attention.sum(dim=1), torch.ones(len(result.self_attention)), atol=1e-4)


def test_open_choices_change_the_layers(unet: Any, family: str) -> None:
    """Renormalised, no grid is ahead for being coarse; the first channel alone is another reference."""
    x, found = _noise(1), conditions(family, 1, tokens=TOKENS)
    plain = _listened(unet, found, x).layers
    middle = next(name for name in plain if name.startswith("mid_block"))
    assert _listened(unet, found, x, renormalise=True).layers[middle] < plain[middle]
    assert _listened(unet, found, x, first_channel=True).layers != pytest.approx(plain, rel=1e-6)


def test_the_layers_with_a_part_of_their_own(unet: Any, family: str) -> None:
    layers = attention_layers(unet, layout_of(unet))
    assert [layer.name for layer in layers if layer.is_reference] == [REFERENCES[family]]
    refining = {layer.name.partition(".transformer")[0] for layer in layers if layer.refines}
    assert refining == set(REFINEMENT[family])


def test_a_layer_that_is_missing_is_named(unet: Any, family: str) -> None:
    broken = copy.deepcopy(unet)
    path = REFERENCES[family] + ".attn2"
    broken.get_submodule(path).to_out = torch.nn.ModuleList()
    with pytest.raises(UserError, match=re.escape(f"{path}.to_out.0")):
        GroundingSession(broken, LATENT)


@pytest.fixture(scope="module")
def model(family: str) -> Any:
    return tiny_components(family.upper())


def test_a_list_of_nouns_is_a_prompt(model: Any) -> None:
    found = noun_list(PromptEncoder(model), ["River", "mountain", "river", "", "night sky"])
    assert list(found.positions) == ["river", "mountain", "night sky"]
    # the start mark, and commas between them
    assert list(found.positions.values()) == [(1,), (3,), (5, 6)]


def test_a_noun_in_letters_that_the_tokenizer_takes_apart_costs_no_other(model: Any) -> None:
    found = noun_list(PromptEncoder(model), ["川", "river"])
    assert len(found.positions["river"]) == 1
    ids = found.prompt.ids
    assert ids[found.positions["river"][0]] == noun_list(PromptEncoder(model), ["river"]).prompt.ids[1]


def test_a_pass_over_a_latent(model: Any) -> None:
    nouns = noun_list(PromptEncoder(model), ["river", "sky"])
    latent = torch.randn(1, 4, 8, 16, generator=torch.Generator().manual_seed(3))
    first, again = (ground_latent(model, latent, nouns, seed=4) for _ in range(2))
    assert torch.equal(first.tokens, again.tokens)
    assert not torch.equal(first.tokens, ground_latent(model, latent, nouns, seed=5).tokens)
    assert first.tokens.shape[0] == 77
    assert torch.allclose(first.tokens.sum(dim=0), torch.ones(first.size), atol=1e-5)
    assert not _hooked(model.unet)


def test_a_pass_over_a_painting_sees_it_at_the_models_size(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 x 100 pixels at the area of 128 x 128, in eights: 88 x 184; two pictures give the mean of both."""
    monkeypatch.setattr("t2c_ext.twin.diffusion.grounding.native_side", lambda components: 128)
    random = np.random.default_rng(0)
    pictures = [random.random((50, 100, 3)).astype(np.float32) for _ in range(2)]
    nouns = noun_list(PromptEncoder(model), ["river", "sky"])
    latents = [encode(model, resized(picture, (88, 184))) for picture in pictures]
    first, second = (ground_latent(model, latent, nouns) for latent in latents)
    assert torch.equal(ground_pictures(model, pictures[:1], nouns).tokens, first.tokens)
    both = ground_pictures(model, pictures, nouns)
    assert torch.allclose(both.tokens, (first.tokens + second.tokens) / 2, atol=1e-6)
    found = answer(both, nouns.positions, ["river"])
    assert list(found.things) == ["river"]
    assert found.size == both.size


def test_a_twin_comes_with_what_the_model_sees_in_it(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2c_ext.twin.diffusion.grounding.native_side", lambda components: 128)
    before = {name: value.clone() for name, value in model.unet.state_dict().items()}
    settings = TwinSettings(model="tiny", steps=2, width=128, height=64, sampler="ddim")
    plan = Plan("a river and a lake", "river, lake", ("River", "lake"), nouns=("river", "castle"))
    twin = DiffusersTwin(settings, 3, components=model).make(plan, Reporter())
    assert twin.attention is not None and twin.attention.nouns is not None
    assert list(twin.attention.nouns.things) == ["river"], "a lake beside it would take its places"
    again = DiffusersTwin(settings, 3, components=model).make(plan, Reporter())
    assert again.attention is not None and again.attention.nouns is not None
    np.testing.assert_array_equal(again.attention.nouns.things["river"], twin.attention.nouns.things["river"])
    assert all(torch.equal(value, before[name]) for name, value in model.unet.state_dict().items())
    assert not _hooked(model.unet)
    still = DiffusersTwin(settings, 3, components=model).make(replace(plan, regions=()), Reporter())
    assert still.attention is not None and still.attention.nouns is None


def test_words_that_mean_one_thing_are_asked_for_once() -> None:
    assert distinct(["River", "lake", "castle", "sky", "clouds", "castle"]) == ("river", "castle", "sky")
