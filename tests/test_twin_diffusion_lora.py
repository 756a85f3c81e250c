"""LoRAs and their relatives: the formulas against a library's, the names that trainers write, and what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
save_file = pytest.importorskip("safetensors.torch").save_file

import tiny_files  # noqa: E402
from tiny_pipelines import tiny_components  # noqa: E402

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.progress import Reporter  # noqa: E402
from t2c_ext.settings import TwinSettings  # noqa: E402
from t2c_ext.twin.diffusion.extras import apply_loras, load_embeddings  # noqa: E402
from t2c_ext.twin.diffusion.lora_deltas import merged_bias, merged_weight  # noqa: E402
from t2c_ext.twin.diffusion.lora_names import Place, grouped, layers_of, place_of  # noqa: E402
from t2c_ext.twin.diffusion.prompt import LoraRequest, network_notes, take_loras  # noqa: E402
from t2c_ext.twin.diffusion.source import DiffusersTwin  # noqa: E402
from t2c_ext.types import Plan  # noqa: E402

torch.set_num_threads(1)
LAYER = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"


def made(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def test_by_hand() -> None:
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    lora = {
        "lora_up": torch.tensor([[1.0], [2.0]]),
        "lora_down": torch.tensor([[3.0, 4.0]]),
        "alpha": torch.tensor(0.5),
    }
    assert merged_weight(weight, lora, 1.0).tolist() == [[2.5, 2.0], [3.0, 5.0]]
    assert merged_weight(weight, lora, 0.5).tolist() == [[1.75, 1.0], [1.5, 3.0]]
    assert merged_weight(weight, lora, 0.0).tolist() == weight.tolist()
    one, two = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0, 3.0]])
    loha = {"hada_w1_a": one, "hada_w1_b": two, "hada_w2_a": one, "hada_w2_b": two}
    assert merged_weight(weight, loha, 1.0).tolist() == [[2.0, 9.0], [4.0, 37.0]]
    lokr = {"lokr_w1": torch.tensor([[2.0, 1.0]]), "lokr_w2": torch.tensor([[3.0], [4.0]]), "alpha": torch.tensor(9.0)}
    assert merged_weight(weight, lokr, 1.0).tolist() == [[7.0, 3.0], [8.0, 5.0]]
    halves = {
        "lokr_w1": one.T,
        "lokr_w2_a": torch.tensor([[3.0, 0.0], [4.0, 0.0]]),
        "lokr_w2_b": torch.tensor([[1.0], [5.0]]),
    }
    halved = merged_weight(weight, halves | {"alpha": torch.tensor(1.0)}, 1.0)  # alpha 1 of rank 2
    assert halved.tolist() == [[2.5, 3.0], [2.0, 5.0]]
    full = {"diff": weight, "diff_b": torch.tensor([1.0, 2.0])}
    assert merged_weight(weight, full, 2.0).tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert merged_bias(torch.zeros(2), full, 2.0).tolist() == [2.0, 4.0]
    dora = {"diff": torch.tensor([[2.0, 4.0], [0.0, 0.0]]), "dora_scale": torch.tensor([[10.0], [3.0]])}
    # the first row 3, 4 has the length 5 and gets 10, the second 1 and gets 3
    assert merged_weight(weight, dora, 1.0).tolist() == [[6.0, 8.0], [0.0, 3.0]]
    assert merged_weight(weight, dora, 0.5).tolist() == [[3.5, 4.0], [0.0, 2.0]]
    inputs = {"diff": torch.tensor([[2.0, 4.0], [4.0, 2.0]]), "dora_scale": torch.tensor([[10.0, 5.0]])}
    assert merged_weight(weight, inputs, 1.0).tolist() == [[6.0, 4.0], [8.0, 3.0]]


def test_convolutions() -> None:
    weight = made(6, 4, 3, 3)
    up, down, middle = made(6, 2, 1, 1), made(2, 4, 3, 3), made(2, 2, 3, 3)
    one = merged_weight(weight, {"lora_up": up, "lora_down": down}, 1.0) - weight
    layered = torch.nn.functional.conv2d(torch.nn.functional.conv2d(made(1, 4, 8, 8), down), up)
    assert torch.allclose(torch.nn.functional.conv2d(made(1, 4, 8, 8), one), layered, atol=1e-4)
    narrow = made(2, 4, 1, 1)
    one = merged_weight(weight, {"lora_up": up, "lora_down": narrow, "lora_mid": middle}, 1.0) - weight
    layered = torch.nn.functional.conv2d(made(1, 4, 8, 8), narrow)
    layered = torch.nn.functional.conv2d(torch.nn.functional.conv2d(layered, middle), up)
    assert torch.allclose(torch.nn.functional.conv2d(made(1, 4, 8, 8), one), layered, atol=1e-4)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(24, 32)
        self.conv = torch.nn.Conv2d(32, 24, 3)

    def forward(self, x: Any) -> Any:
        return self.conv(self.fc(x).movedim(-1, 1))


def peft_configs() -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "LoRA": ("LoraConfig", {"lora_alpha": 3}),
        "DoRA": ("LoraConfig", {"lora_alpha": 3, "use_dora": True}),
        "LoHa": ("LoHaConfig", {"alpha": 3}),
        "LoHa with cores": ("LoHaConfig", {"alpha": 3, "use_effective_conv2d": True}),
        "LoKr": ("LoKrConfig", {"alpha": 2}),
        "LoKr with cores": ("LoKrConfig", {"alpha": 2, "use_effective_conv2d": True}),
        "LoKr of two products": ("LoKrConfig", {"alpha": 2, "decompose_both": True}),
    }


@pytest.mark.parametrize("kind", peft_configs())
def test_the_library_merges_the_same(kind: str) -> None:
    peft = pytest.importorskip("peft")
    name, options = peft_configs()[kind]
    net, alpha = Net(), float(options.get("alpha", options.get("lora_alpha")))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    try:
        config = getattr(peft, name)(r=2, target_modules=["fc", "conv"], init_weights=True, **options)
    except TypeError:
        try:
            config = getattr(peft, name)(r=2, target_modules=["fc", "conv"], **options)
        except TypeError:
            pytest.skip("this version of the library does not know it")
    model = peft.get_peft_model(net, config)
    state = {}
    with torch.no_grad():
        for number, (key, value) in enumerate(model.named_parameters()):
            if "base_layer" not in key and value.requires_grad:
                value.copy_(value + made(*value.shape, seed=number) / 3)
                state[key] = value.clone()
    merged = model.merge_and_unload().state_dict()
    layers, strangers = grouped(state)
    assert not strangers and {layer for _, layer in layers} == {"fc", "conv"}
    for (_, layer), parts in layers.items():
        ours = merged_weight(before[f"{layer}.weight"], parts | {"alpha": torch.tensor(alpha)}, 1.0)
        assert not torch.allclose(ours, before[f"{layer}.weight"], atol=1e-3)
        assert torch.allclose(ours, merged[f"{layer}.weight"], atol=1e-4)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"lora_up": made(8, 2)}, "lora_down is missing"),
        ({"lora_up": made(8, 2), "lora_down": made(3, 12)}, "cannot be multiplied"),
        ({"lora_up": made(9, 2), "lora_down": made(2, 12)}, r"\[9, 12\], should be \[8, 12\]"),
        ({"hada_w1_a": made(8, 2), "hada_w1_b": made(2, 12)}, "hada_w2_a is missing"),
        ({"lokr_w1_a": made(2, 2)}, "lokr_w1_b is missing"),
        ({"diff": made(12, 8)}, "should be"),
        ({"diff": made(8, 12), "dora_scale": made(5)}, "5 numbers for 8"),
        (
            {"diff": made(8, 12), "alpha": torch.tensor(float("nan")), "lora_up": made(8, 2), "lora_down": made(2, 12)},
            "alpha",
        ),
    ],
)
def test_parts_that_do_not_fit(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        merged_weight(made(8, 12), parts, 1.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (f"lora_unet_{LAYER}.lora_up.weight", Place("unet", LAYER, "lora_up")),
        (f"lora_unet_{LAYER}.alpha", Place("unet", LAYER, "alpha")),
        (f"lora_unet_{LAYER}.hada_w1_a", Place("unet", LAYER, "hada_w1_a")),
        ("lora_te_text_model_x.lora_down.weight", Place("text_encoder", "text_model_x", "lora_down")),
        ("lora_te1_text_model_x.lora_mid.weight", Place("text_encoder", "text_model_x", "lora_mid")),
        ("lora_te2_text_projection.dora_scale", Place("text_encoder_2", "text_projection", "dora_scale")),
        ("unet.a.0.attn1.to_q.lora_A.weight", Place("unet", "a_0_attn1_to_q", "lora_down")),
        ("unet.a.0.attn1.to_q.lora.up.weight", Place("unet", "a_0_attn1_to_q", "lora_up")),
        ("unet.a.0.attn1.processor.to_q_lora.down.weight", Place("unet", "a_0_attn1_to_q", "lora_down")),
        ("a.0.attn1.processor.to_out_lora.up.weight", Place("unet", "a_0_attn1_to_out_0", "lora_up")),
        ("unet.a.attn1.to_out.0.lora_B.default.weight", Place("unet", "a_attn1_to_out_0", "lora_up")),
        ("unet.a.attn1.to_k.lora_magnitude_vector", Place("unet", "a_attn1_to_k", "magnitude")),
        (
            "text_encoder_2.text_model.q_proj.lora_linear_layer.up.weight",
            Place("text_encoder_2", "text_model_q_proj", "lora_up"),
        ),
        ("bundle_emb.x.string_to_param.*", None),
    ],
)
def test_names_of_trainers(key: str, place: Place | None) -> None:
    assert place_of(key) == place


@pytest.mark.parametrize("family", ["SD1", "SD2", "SDXL"])
def test_names_of_the_original_layout_lead_to_the_same_weights(family: str, tmp_path: Path) -> None:
    from t2c_ext.twin.diffusion.components import Placement
    from t2c_ext.twin.diffusion.load import load_model

    state, _ = tiny_files.checkpoint(family)
    path = tiny_files.write_checkpoint(tmp_path / "model.safetensors", state)
    unet = load_model(str(path), Placement(torch.device("cpu"), torch.float32), "epsilon").unet
    layers = layers_of(unet, True)
    start = "model.diffusion_model."
    wanted = {key: value for key, value in state.items() if key.startswith(start) and key.endswith(".weight")}
    assert len(wanted) > 60
    for key, value in wanted.items():
        module = layers[key.removeprefix(start).removesuffix(".weight").replace(".", "_")]
        assert torch.equal(module.weight.reshape(value.shape), value), key


def lora_file(folder: Path, state: dict[str, Any], name: str = "style.safetensors") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, str(folder / name)) if name.endswith("safetensors") else torch.save(state, folder / name)
    return str(folder)


def kohya(components: Any, scale: float = 0.5) -> dict[str, Any]:
    """A LoRA of rank 2 for one layer of the UNet and one attention of the text encoder."""
    found = {}
    text = [f"lora_te_text_model_encoder_layers_0_self_attn_{part}_proj" for part in ("q", "k", "v", "out")]
    for number, name in enumerate((f"lora_unet_{LAYER}", *text)):
        width = 64 if "lora_te" in name else components.unet.config.block_out_channels[0]
        found[f"{name}.lora_down.weight"] = scale * made(2, width, seed=number)
        found[f"{name}.lora_up.weight"] = scale * made(width, 2, seed=number)
        found[f"{name}.alpha"] = torch.tensor(1.0)
    return found


def changed(before: Any, after: Any) -> set[str]:
    first, second = before.state_dict(), after.state_dict()
    assert first.keys() == second.keys()
    return {key for key in first if not torch.equal(first[key], second[key])}


@pytest.mark.parametrize("name", ["Style.safetensors", "style.pt", "style.bin"])
def test_a_lora_is_merged_with_its_strengths(name: str, tmp_path: Path) -> None:
    components, plain = tiny_components("SD1"), tiny_components("SD1")
    state = kohya(components)
    lora_file(tmp_path / "inner", state, name)
    _, requests = take_loras("a river <lora:style:0.5:0.25>")
    assert apply_loras(components, requests, str(tmp_path)) == ()
    layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    up, down = (state[f"lora_unet_{LAYER}.lora_{way}.weight"] for way in ("up", "down"))
    assert changed(plain.unet, components.unet) == {layer}
    merged = components.unet.state_dict()[layer]
    assert torch.allclose(merged, plain.unet.state_dict()[layer] + up @ down * 0.5 * 0.25, atol=1e-6)
    one, other = plain.encoders[0].model, components.encoders[0].model
    assert len(changed(one, other)) == 4
    key = next(key for key in other.state_dict() if key.endswith("layers.0.self_attn.q_proj.weight"))
    up, down = (
        state[f"lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_{way}.weight"] for way in ("up", "down")
    )
    assert torch.allclose(other.state_dict()[key], one.state_dict()[key] + up @ down * 0.5 * 0.5, atol=1e-6)


def test_diffusers_merges_the_same(tmp_path: Path) -> None:
    import diffusers.utils
    from tiny_pipelines import pipeline_of

    if not getattr(diffusers.utils, "USE_PEFT_BACKEND", False):
        pytest.skip("diffusers needs peft and a newer transformers for it")
    ours, theirs = tiny_components("SD1"), tiny_components("SD1")
    state = kohya(ours)
    apply_loras(ours, [LoraRequest("style", 0.7, 0.7)], lora_file(tmp_path, state))
    pipeline = pipeline_of(theirs)
    pipeline.load_lora_weights(dict(state), adapter_name="x")
    pipeline.fuse_lora(components=["unet", "text_encoder"], lora_scale=0.7)
    pipeline.unload_lora_weights()
    for one, other in ((ours.unet, theirs.unet), (ours.encoders[0].model, theirs.encoders[0].model)):
        first, second = one.state_dict(), other.state_dict()
        assert all(torch.allclose(first[key], second[key], atol=1e-5) for key in first)


@pytest.mark.parametrize(("root", "factor"), [(False, 2.0), (True, 2.0 * 2**0.5)])
def test_an_alpha_in_the_notes_counts(root: bool, factor: float, tmp_path: Path) -> None:
    components, plain = tiny_components("SD1"), tiny_components("SD1")
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    state = {f"unet.{name}.lora_A.weight": made(2, 16), f"unet.{name}.lora_B.weight": made(16, 2)}
    notes = {"unet.r": 2, "unet.lora_alpha": 4, "unet.use_rslora": root}
    save_file(state, str(tmp_path / "style.safetensors"), metadata={"lora_adapter_metadata": json.dumps(notes)})
    apply_loras(components, [LoraRequest("style", 1, 1)], str(tmp_path))
    change = state[f"unet.{name}.lora_B.weight"] @ state[f"unet.{name}.lora_A.weight"] * factor
    wanted = plain.unet.state_dict()[f"{name}.weight"] + change
    assert torch.allclose(components.unet.state_dict()[f"{name}.weight"], wanted, atol=1e-5)
    for wrong, words in (("[", "damaged"), ("[]", "damaged"), ('{"unet.alpha_pattern": {"a": 1}}', "not supported")):
        save_file(state, str(tmp_path / "style.safetensors"), metadata={"lora_adapter_metadata": wrong})
        with pytest.raises(UserError, match=words):
            apply_loras(components, [LoraRequest("style", 1, 1)], str(tmp_path))


def test_two_loras_add_up(tmp_path: Path) -> None:
    both, one = tiny_components("SD1"), tiny_components("SD1")
    folder = lora_file(tmp_path, kohya(both))
    lora_file(tmp_path, kohya(both), "again.safetensors")
    apply_loras(both, take_loras("<lora:style:0.5><lyco:again:0.5>")[1], folder)
    apply_loras(one, [LoraRequest("style", 1.0, 1.0)], folder)
    first, second = both.unet.state_dict(), one.unet.state_dict()
    assert all(torch.allclose(first[key], second[key], atol=1e-6) for key in first)


def test_the_second_encoder_of_sdxl(tmp_path: Path) -> None:
    components, plain = tiny_components("SDXL"), tiny_components("SDXL")
    name = "text_model_encoder_layers_0_mlp_fc1"
    state = {}
    for number, width in ((1, 64), (2, 64)):
        state[f"lora_te{number}_{name}.lora_up.weight"] = made(2 * width, 2)
        state[f"lora_te{number}_{name}.lora_down.weight"] = number * made(2, width)
    assert apply_loras(components, [LoraRequest("style", 1, 0)], lora_file(tmp_path, state)) == ()
    for one, other in zip(plain.encoders, components.encoders, strict=True):
        assert [key.split("layers.")[1] for key in changed(one.model, other.model)] == ["0.mlp.fc1.weight"]
    assert not changed(plain.unet, components.unet)


def test_half_precision_stays(tmp_path: Path) -> None:
    components = tiny_components("SD1")
    components.unet.to(torch.bfloat16)
    apply_loras(components, [LoraRequest("style", 1, 1)], lora_file(tmp_path, kohya(components)))
    assert {value.dtype for value in components.unet.state_dict().values()} == {torch.bfloat16}


def test_parts_without_a_place_are_said(tmp_path: Path) -> None:
    components = tiny_components("SD1")
    state = kohya(components)
    state |= {"lora_unet_nowhere.lora_up.weight": made(2, 2), "lora_unet_nowhere.lora_down.weight": made(2, 2)}
    (note,) = apply_loras(components, [LoraRequest("style", 1, 1)], lora_file(tmp_path, state))
    assert "style" in note and "nowhere" in note and "left out" in note


REFUSED: dict[str, tuple[Callable[[Any], dict[str, Any]], str]] = {
    "of another model": (
        lambda c: {key: value.repeat(1, 3) if value.ndim else value for key, value in kohya(c).items()},
        r"style\.safetensors does not fit this model \(text_model",
    ),
    "of no model": (lambda c: {"lora_unet_x.lora_up.weight": made(2, 2)}, "none of its layers"),
    "Flux": (
        lambda c: {"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": made(2, 2)},
        "none of its layers",
    ),
    "OFT": (lambda c: {f"lora_unet_{LAYER}.oft_blocks": made(2, 8, 8)}, "of the kind OFT, which is not supported"),
    "GLoRA": (lambda c: {f"lora_unet_{LAYER}.a1.weight": made(2, 8)}, "of the kind GLoRA"),
    "IA3": (lambda c: {f"lora_unet_{LAYER}.on_input": made(1), f"lora_unet_{LAYER}.weight": made(2)}, "IA3"),
    "half of a pair": (lambda c: {f"lora_unet_{LAYER}.lora_up.weight": made(16, 2)}, "lora_down is missing"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_files_that_are_refused_change_nothing(kind: str, tmp_path: Path) -> None:
    make, message = REFUSED[kind]
    components, plain = tiny_components("SD1"), tiny_components("SD1")
    folder = lora_file(tmp_path, make(components))
    with pytest.raises(UserError, match=message) as caught:
        apply_loras(components, [LoraRequest("style", 1, 1)], folder)
    assert "\n" not in str(caught.value)
    assert not changed(plain.unet, components.unet)
    assert not changed(plain.encoders[0].model, components.encoders[0].model)


def test_loras_that_are_not_there(tmp_path: Path) -> None:
    components = tiny_components("SD1")
    with pytest.raises(UserError, match=r"say where it lies \(lora_folder\)"):
        apply_loras(components, [LoraRequest("style", 1, 1)], "")
    with pytest.raises(UserError, match="no LoRA called style"):
        apply_loras(components, [LoraRequest("style", 1, 1)], str(tmp_path))


@pytest.mark.parametrize(
    ("prompt", "strengths"),
    [
        ("<lora:wave:0,2>", (0.2, 0.2)),
        ("<lora:wave:,5>", (0.5, 0.5)),
        ("<lora:wave:.5>", (0.5, 0.5)),
        ("<lora:wave:1.>", (1.0, 1.0)),
        ("<lora:wave:-0.5:+1>", (-0.5, 1.0)),
        ("<lora:wave:5e-1>", (0.5, 0.5)),
        ("<LORA:wave:0.2>", (0.2, 0.2)),
        ("<lyco:wave:0.2>", (0.2, 0.2)),
        ("<lora:wave: 0.2 >", (0.2, 0.2)),
        ("<lora:wave:unet=0.5>", (1.0, 0.5)),
        ("<lora:wave:te=0.5:unet=0.25>", (0.5, 0.25)),
        ("<lora:wave:unet=0.25:te=0.5>", (0.5, 0.25)),
        ("<lora:wave:0.5:unet=0>", (0.5, 0.0)),
    ],
)
def test_strengths(prompt: str, strengths: tuple[float, float]) -> None:
    assert take_loras(prompt) == ("", (LoraRequest("wave", *strengths),))
    assert network_notes(prompt) == ()


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("<lora:wave:much>", "'much' is no number"),
        ("<lora:wave:nan>", "'nan' is no number"),
        ("<lora:wave:inf>", "'inf' is no number"),
        ("<lora:wave:0.2.3>", "'0.2.3' is no number"),
        ("<lora:wave:0,2,3>", "is no number"),
        ("<lora:wave:0.5 :0x1>", "'0x1' is no number"),
        ("<lora:wave:>", "is no number"),
        ("<lora:wave:1:1:16>", "'16' was left out"),
        ("<lora:wave:1:dyn=16>", "'dyn=16' was left out"),
        ("<lora::1>", "no file is named"),
        ("<hypernet:old:1>", "only LoRAs are known"),
        ("<wildcard:x>", "only LoRAs are known"),
    ],
)
def test_what_is_not_followed_is_said(prompt: str, words: str) -> None:
    (note,) = network_notes(f"a river {prompt}\na river {prompt}")
    assert words in note and "\n" not in note
    take_loras(prompt)


def test_the_notes_reach_the_user(tmp_path: Path) -> None:
    components = tiny_components("SD1")
    state = kohya(components) | {"lora_unet_nowhere.lora_up.weight": made(2, 2)}
    settings = TwinSettings(lora_folder=lora_file(tmp_path, state), width=64, height=64, steps=1)
    twin = DiffusersTwin(settings, components=components)
    plan = Plan("a <lora:style:x> river embedding:mist", "a <lora:style:x> river <hypernet:y:1>", ("river",))
    for _ in range(2):  # the second time the LoRA is merged already
        notes = twin.make(plan, Reporter()).notes
        assert [
            words for words in ("'x' is no number", "hypernet:y", "nowhere", "called mist") if words in " ".join(notes)
        ] == [
            "'x' is no number",
            "hypernet:y",
            "nowhere",
            "called mist",
        ]


def test_textual_inversions_by_every_writing(tmp_path: Path) -> None:
    components = tiny_components("SD1")
    torch.save({"string_to_param": {"*": made(2, 64)}}, tmp_path / "mist.safetensors")  # content decides, not the name
    save_file({"emb_params": made(1, 64)}, str(tmp_path / "fog.pt"))
    torch.save({"<x>": made(1, 64)}, tmp_path / "is.pt")
    prompts = ["embedding:mist over a river", "a Fog, this <haze>"]
    (note,) = load_embeddings(components, str(tmp_path), prompts)
    assert "haze" in note
    assert {name: len(rows) for name, rows in components.encoders[0].embeddings.items()} == {"mist": 2, "fog": 1}
    from t2c_ext.twin.diffusion.embeddings import PromptEncoder

    encoder = PromptEncoder(components)
    ids = [encoder.schedule(prompt, 1)[0].ids for prompt in ("embedding:mist river", "mist river")]
    assert ids[0] == ids[1]
