"""Models from files, folders and the hub's cache; what is no model is refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

import tiny_files  # noqa: E402
from tiny_pipelines import FAMILIES, save_folder, tiny_components, write_bpe  # noqa: E402

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.progress import Reporter  # noqa: E402
from t2c_ext.settings import TwinSettings  # noqa: E402
from t2c_ext.twin.diffusion import load, tokenizer  # noqa: E402
from t2c_ext.twin.diffusion.architecture import architecture_of  # noqa: E402
from t2c_ext.twin.diffusion.components import Placement, placement_for  # noqa: E402
from t2c_ext.twin.diffusion.embeddings import PromptEncoder  # noqa: E402
from t2c_ext.twin.diffusion.extras import load_embeddings  # noqa: E402
from t2c_ext.twin.diffusion.latents import native_side  # noqa: E402
from t2c_ext.twin.diffusion.source import DiffusersTwin  # noqa: E402
from t2c_ext.types import Plan  # noqa: E402

torch.set_num_threads(1)
CPU = Placement(torch.device("cpu"), torch.float32)
PROMPT = "a (river:1.3) in the night"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))


def same(one: Any, other: Any) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder(family: str, tmp_path: Path) -> None:
    original = tiny_components(family)
    loaded = load.load_model(str(save_folder(original, tmp_path / "model")), CPU)
    assert loaded.family is original.family
    assert loaded.scheduler["prediction_type"] == original.scheduler["prediction_type"]
    assert same(loaded.unet, original.unet) and same(loaded.vae, original.vae)
    for one, other in zip(loaded.encoders, original.encoders, strict=True):
        assert same(one.model, other.model)
    found, wanted = (PromptEncoder(model).schedule(PROMPT, 1)[0] for model in (loaded, original))
    assert torch.equal(found.context, wanted.context) and found.ids[:20] == wanted.ids[:20]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ending", [".safetensors", ".ckpt"])
def test_a_single_file_computes_what_its_networks_compute(family: str, ending: str, tmp_path: Path) -> None:
    state, modules = tiny_files.checkpoint(family)
    path = tiny_files.write_checkpoint(tmp_path / f"model{ending}", state)
    loaded = load.load_model(str(path), CPU, "v_prediction" if family == "SD2" else "auto")
    assert loaded.family.name == family
    assert loaded.scheduler["prediction_type"] == ("v_prediction" if family == "SD2" else "epsilon")
    assert same(loaded.vae, modules["vae"])
    assert native_side(loaded) == {"SD1": 512, "SD2": 768, "SDXL": 1024}[family]
    generator = torch.Generator().manual_seed(0)
    latent, width = torch.randn(2, 4, 8, 16, generator=generator), int(loaded.unet.config.cross_attention_dim)
    context = torch.randn(2, 77, width, generator=generator)
    added = {}
    if family == "SDXL":
        sizes = torch.tensor([[64.0, 128.0, 0.0, 0.0, 64.0, 128.0]] * 2)
        added = {"added_cond_kwargs": {"text_embeds": torch.randn(2, 64, generator=generator), "time_ids": sizes}}
    with torch.no_grad():
        found = loaded.unet(latent, 301, context, **added).sample
        wanted = modules["unet"](latent, 301, context, **added).sample
    assert (found - wanted).abs().max() < 1e-5 * wanted.abs().max()
    check_encoders(family, loaded, modules["encoders"])


def check_encoders(family: str, loaded: Any, originals: list[Any]) -> None:
    ids = torch.tensor([[540, 5, 9, 300, 541, *[541] * 72]])
    for encoder, original in zip(loaded.encoders, originals, strict=True):
        with torch.no_grad():
            found = encoder.model(input_ids=ids, output_hidden_states=True)
            wanted = original(input_ids=ids, output_hidden_states=True)
            if family == "SD2":
                inner = getattr(original, "text_model", original)
                last = inner.final_layer_norm(wanted.hidden_states[-2])
            else:
                last = wanted.last_hidden_state
        assert torch.allclose(found.last_hidden_state, last, atol=1e-5)
        if hasattr(original, "text_projection"):
            assert torch.allclose(found.text_embeds, wanted.text_embeds, atol=1e-5)
    pads = {"SD1": [541], "SD2": [0], "SDXL": [541, 0]}[family]
    assert [encoder.pad for encoder in loaded.encoders] == pads


def test_a_file_makes_pictures(tmp_path: Path) -> None:
    state, _ = tiny_files.checkpoint("SD1")
    path = tiny_files.write_checkpoint(tmp_path / "model.safetensors", {k: v.half() for k, v in state.items()})
    made = DiffusersTwin(TwinSettings(model=str(path), steps=2, width=64, height=64)).make(
        Plan("a river", "river, nature", ("river",)), Reporter()
    )
    assert made.natural is not None and made.art.size == (64, 64)
    assert "Model: model" in made.art.infotext


@pytest.mark.parametrize(("key", "wanted"), [("v_pred", "v_prediction"), ("ztsnr", "epsilon")])
def test_marks_in_the_file(key: str, wanted: str) -> None:
    state, _ = tiny_files.checkpoint("SDXL")
    found = architecture_of({**state, key: torch.zeros(0)}, "x").scheduler
    assert found["prediction_type"] == wanted
    assert found["rescale_betas_zero_snr"] == (key == "ztsnr")


@pytest.mark.parametrize(("word", "wanted"), [('"v"', "v_prediction"), ("eps", "epsilon")])
def test_a_description_beside_the_file(word: str, wanted: str, tmp_path: Path) -> None:
    state, _ = tiny_files.checkpoint("SD2")
    path = tiny_files.write_checkpoint(tmp_path / "model.safetensors", state)
    path.with_suffix(".yaml").write_text(f"model:\n  params:\n    parameterization: {word}\n")
    assert load.load_model(str(path), CPU).scheduler["prediction_type"] == wanted


@pytest.mark.parametrize(("word", "wanted"), [("v", "v_prediction"), ("epsilon", "epsilon"), ("flow", "epsilon")])
def test_a_header_says_what_is_predicted(word: str, wanted: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state, _ = tiny_files.checkpoint("SD1")
    path = tiny_files.write_checkpoint(tmp_path / "model.safetensors", state)
    save_file(load_file(path), path, {"modelspec.prediction_type": word})
    assert load.load_model(str(path), CPU).scheduler["prediction_type"] == wanted
    assert load.load_model(str(path), CPU, "epsilon").scheduler["prediction_type"] == "epsilon"


@pytest.mark.parametrize("predicts_noise", [True, False])
def test_sd2_is_tried_out(predicts_noise: bool) -> None:
    from t2c_ext.twin.diffusion.single_file import probe_prediction

    components = tiny_components("SD2")

    class Trained(torch.nn.Module):
        config = components.unet.config

        def forward(self, noise: Any, timestep: int, context: Any) -> Any:
            output = noise + 0.1 if predicts_noise else torch.tanh(noise.flip(-1)) - 0.2 * noise
            return type("Output", (), {"sample": output})()

    components.unet = Trained()
    assert probe_prediction(components) == ("epsilon" if predicts_noise else "v_prediction")


def pickled(path: Path) -> None:
    """The same weights as a file of torch.save."""
    from safetensors.torch import load_file

    name = "pytorch_model.bin" if path.name == "model.safetensors" else path.name.replace(".safetensors", ".bin")
    torch.save(load_file(str(path)), path.with_name(name))
    path.unlink()


def halved(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = {key: value.half() if value.is_floating_point() else value for key, value in load_file(str(path)).items()}
    save_file(state, str(path.with_name(path.stem + ".fp16.safetensors")))
    path.unlink()


def sharded(path: Path, ending: str = ".safetensors", variant: str = "") -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(str(path))
    stem = "pytorch_model" if (path.stem, ending) == ("model", ".bin") else path.stem
    keys = list(state)
    places = {}
    for number, part in enumerate((keys[::2], keys[1::2]), start=1):
        name = f"{stem}-0000{number}-of-00002{ending}"
        values = {key: state[key] for key in part}
        torch.save(values, path.with_name(name)) if ending == ".bin" else save_file(values, str(path.with_name(name)))
        places |= dict.fromkeys(part, name)
    index = path.with_name(f"{stem}{ending}.index{variant}.json")
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    path.unlink()


def misnamed(path: Path) -> None:
    """A file of torch.save with the ending of safetensors."""
    from safetensors.torch import load_file

    torch.save(load_file(str(path)), path.with_suffix(".new"))  # the tensors lie in the file that is replaced
    path.with_suffix(".new").replace(path)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "pickled": pickled,
    "halved": halved,
    "halved and pickled": lambda path: (halved(path), pickled(path.with_name(path.stem + ".fp16.safetensors")))[0],
    "sharded": sharded,
    "sharded and pickled": lambda path: sharded(path, ".bin"),
    "a variant, sharded": lambda path: sharded(path, ".safetensors", ".fp16"),
    "misnamed": misnamed,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_folders_as_they_are_shared(layout: str, tmp_path: Path) -> None:
    original = tiny_components("SD1")
    folder = save_folder(original, tmp_path / "model")
    for path in list(folder.rglob("*.safetensors")):
        LAYOUTS[layout](path)
    loaded = load.load_model(str(folder), CPU)
    pairs = [(loaded.unet, original.unet), (loaded.vae, original.vae)]
    pairs += [(loaded.encoders[0].model, original.encoders[0].model)]
    for one, other in pairs:
        first, second = one.state_dict(), other.state_dict()
        assert first.keys() == second.keys()
        for key, value in second.items():
            assert first[key].dtype == value.dtype
            assert torch.allclose(first[key], value, atol=0 if "halved" not in layout else 2e-3, rtol=1e-3)


def test_a_vae_of_an_older_diffusers(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    original = tiny_components("SD1")
    folder = save_folder(original, tmp_path / "model")
    (path,) = (folder / "vae").glob("*.safetensors")
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    state = {}
    for key, value in load_file(str(path)).items():
        new = next((key.replace(f".{name}.", f".{word}.") for name, word in old.items() if f".{name}." in key), key)
        state[new] = value
    assert sum("proj_attn" in key for key in state) == 4
    save_file(state, str(path))
    assert same(load.load_model(str(folder), CPU).vae, original.vae)


def test_indexes_that_lead_elsewhere_or_lie(tmp_path: Path) -> None:
    folder = save_folder(tiny_components("SD1"), tmp_path / "model")
    (path,) = (folder / "unet").glob("*.safetensors")
    sharded(path)
    (index,) = (folder / "unet").glob("*.index.json")
    content = json.loads(index.read_text())
    key, name = next(iter(content["weight_map"].items()))
    for wrong, words in (
        ("../../evil.safetensors", "unsafe"),
        ("/evil", "unsafe"),
        ("nowhere.safetensors", "cannot read"),
    ):
        index.write_text(json.dumps({"weight_map": {**content["weight_map"], key: wrong}}))
        with pytest.raises(UserError, match=words) as error:
            load.load_model(str(folder), CPU)
        assert "\n" not in str(error.value)
    index.write_text(json.dumps({"weight_map": {**content["weight_map"], "new.key": name}}))
    with pytest.raises(UserError, match="but it does not"):
        load.load_model(str(folder), CPU)
    for damage in ("[]", "{", '{"weight_map": 3}', ""):
        index.write_text(damage)
        with pytest.raises(UserError, match="no index"):
            load.load_model(str(folder), CPU)
    index.unlink()
    with pytest.raises(UserError, match=r"has no diffusion_pytorch_model\.safetensors"):
        load.load_model(str(folder), CPU)


def test_single_files_are_told_apart_by_content(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state, modules = tiny_files.checkpoint("SD1")
    torch.save({"state_dict": state}, tmp_path / "a.safetensors")
    save_file(state, str(tmp_path / "b.ckpt"))
    for name in ("a.safetensors", "b.ckpt"):
        tiny_files.write_tokenizer(tmp_path / "tokenizer")
        assert same(load.load_model(str(tmp_path / name), CPU).vae, modules["vae"])


def test_a_single_file_of_eight_bits_with_scales(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state, _ = tiny_files.checkpoint("SD1")
    packed: dict[str, Any] = {"scaled_fp8": torch.empty(0).to(torch.float8_e4m3fn)}
    for key, value in state.items():
        wide = key.startswith("model.diffusion_model.") and key.endswith(".weight") and value.ndim > 1
        scale = value.abs().max() / 448 if wide else None
        packed[key] = value if scale is None else (value / scale).to(torch.float8_e4m3fn)
        if scale is not None:
            packed[key.removesuffix("weight") + "scale_weight"] = scale
    save_file(packed, str(tmp_path / "model.safetensors"))
    tiny_files.write_tokenizer(tmp_path / "tokenizer")
    plain = tiny_files.write_checkpoint(tmp_path / "plain.safetensors", state)
    one, other = (load.load_model(str(path), CPU).unet.state_dict() for path in (tmp_path / "model.safetensors", plain))
    assert one.keys() == other.keys()
    for key, value in other.items():
        assert one[key].dtype == torch.float32
        # three bits of the mantissa are kept
        assert torch.allclose(one[key], value, rtol=0.07, atol=float(value.abs().max()) * 2e-3)


def damaged(state: dict[str, Any], path: Path) -> Path:
    tiny_files.write_checkpoint(path, state)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def without(state: dict[str, Any], start: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if not key.startswith(start)}


@pytest.mark.parametrize("ending", [".safetensors", ".ckpt"])
def test_a_truncated_file(ending: str, tmp_path: Path) -> None:
    path = damaged(tiny_files.checkpoint("SD1")[0], tmp_path / f"model{ending}")
    with pytest.raises(UserError, match="truncated") as error:
        load.load_model(str(path), CPU)
    assert "\n" not in str(error.value)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "no checkpoint": (lambda state: {"weight": torch.zeros(3)}, "no Stable Diffusion checkpoint"),
    "SD3": (lambda state: {"model.diffusion_model.joint_blocks.0.x": torch.zeros(3)}, "Stable Diffusion 3"),
    "Flux": (lambda state: {"double_blocks.0.img_attn.qkv.weight": torch.zeros(3)}, "Flux"),
    "LoRA": (lambda state: {"lora_unet_down_blocks_0.alpha": torch.zeros(1)}, "a LoRA"),
    "ControlNet": (lambda state: {"control_model.input_blocks.0.0.weight": torch.zeros(1)}, "ControlNet"),
    "no VAE": (lambda state: without(state, "first_stage_model."), "no VAE"),
    "no text encoder": (lambda state: without(state, "cond_stage_model."), "no text encoder"),
    "a part is missing": (
        lambda state: without(state, "model.diffusion_model.output_blocks.5.0.out_layers"),
        "4 missing",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_files_of_another_kind(kind: str, tmp_path: Path) -> None:
    change, words = WRONG[kind]
    path = tiny_files.write_checkpoint(tmp_path / "model.safetensors", change(tiny_files.checkpoint("SD1")[0]))
    with pytest.raises(UserError, match=words) as error:
        load.load_model(str(path), CPU)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("channels", "words"), [(9, "inpainting"), (8, "editing"), (5, "depth")])
def test_files_with_more_input_channels(channels: int, words: str, tmp_path: Path) -> None:
    state, _ = tiny_files.checkpoint("SD1", in_channels=channels)
    path = tiny_files.write_checkpoint(tmp_path / "model.safetensors", state)
    with pytest.raises(UserError, match=words):
        load.load_model(str(path), CPU)


def test_a_refiner(tmp_path: Path) -> None:
    state, _ = tiny_files.checkpoint("SDXL")
    path = tiny_files.write_checkpoint(tmp_path / "model.safetensors", without(state, "conditioner.embedders.0."))
    with pytest.raises(UserError, match="refiner"):
        load.load_model(str(path), CPU)


def test_a_file_that_is_text(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_text("<html>not found</html>")
    with pytest.raises(UserError, match="no checkpoint"):
        load.load_model(str(path), CPU)


class Evil:
    def __reduce__(self) -> Any:
        return print, ("this ran",)


def test_code_in_a_file_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(UserError):
        load.load_model(str(path), CPU)
    assert "this ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "nowhere.safetensors", "/nowhere/at/all", "owner/name"])
def test_names_of_nothing(name: str) -> None:
    with pytest.raises(UserError) as error:
        load.load_model(name, CPU)
    assert "\n" not in str(error.value)


def edited(folder: Path, name: str, **changes: Any) -> None:
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**content, **changes}))


def test_folders_of_another_kind(tmp_path: Path) -> None:
    folder = save_folder(tiny_components("SD1"), tmp_path / "model")
    for name, changes, words in (
        ("model_index.json", {"_class_name": "StableDiffusion3Pipeline"}, "StableDiffusion3Pipeline"),
        ("model_index.json", {"_class_name": "StableDiffusionInpaintPipeline"}, "Inpaint"),
        ("unet/config.json", {"in_channels": 9}, "inpainting"),
        ("model_index.json", {"text_encoder": [None, None]}, "another architecture"),
    ):
        kept = (folder / name).read_text()
        edited(folder, name, **changes)
        with pytest.raises(UserError, match=words):
            load.load_model(str(folder), CPU)
        (folder / name).write_text(kept)
    weights = next((folder / "unet").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(UserError, match="damaged"):
        load.load_model(str(folder), CPU)
    (folder / "model_index.json").write_text("{")
    with pytest.raises(UserError, match="JSON"):
        load.load_model(str(folder), CPU)
    (folder / "model_index.json").unlink()
    with pytest.raises(UserError, match="model_index"):
        load.load_model(str(folder), CPU)


def test_a_repository_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import diffusers

    original = tiny_components("SD1")
    snapshot = save_folder(original, tmp_path / "cache" / "models--owner--name" / "snapshots" / "abc")
    asked: list[bool] = []

    def download(name: str, local_files_only: bool, **options: Any) -> str:
        asked.append(local_files_only)
        assert name == "owner/name" and options["safety_checker"] is None
        if local_files_only and len(asked) == 1:
            raise OSError("not in the cache")
        return str(snapshot)

    monkeypatch.setattr(diffusers.DiffusionPipeline, "download", staticmethod(download))
    with pytest.raises(UserError, match="owner/name"):
        load.load_model("owner/name", CPU)
    assert asked == [True]
    assert same(load.load_model("owner/name", CPU).unet, original.unet)
    asked.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert same(load.load_model("owner/name", CPU).unet, original.unet)
    assert asked == [True, False]


FIRST, SECOND = "1" * 40, "2" * 40


def test_the_commit_that_came_first_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import diffusers

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    snapshots = tmp_path / "cache" / "models--owner--name" / "snapshots"
    save_folder(tiny_components("SD1"), snapshots / FIRST)
    shutil.copytree(snapshots / FIRST, snapshots / SECOND)
    newest, asked = [FIRST], list[str | None]()

    def download(name: str, local_files_only: bool, **options: Any) -> str:
        if local_files_only:
            raise OSError("not in the cache")
        asked.append(options["revision"])
        return str(snapshots / (newest[0] if options["revision"] in (None, "v2") else options["revision"]))

    monkeypatch.setattr(diffusers.DiffusionPipeline, "download", staticmethod(download))
    load.load_model("owner/name", CPU)
    newest[0] = SECOND
    load.load_model("owner/name", CPU)
    load.load_model("owner/name@v2", CPU)
    load.load_model("owner/name", CPU)
    assert asked == [None, FIRST, "v2", FIRST]
    record = tmp_path / "cache" / "t2c-first-seen.json"
    assert json.loads(record.read_text()) == {"owner/name": FIRST}


def test_tokenizers_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    near = tmp_path / "models" / "model.safetensors"
    monkeypatch.setattr(tokenizer, "_packed", lambda: None)
    monkeypatch.setenv("T2C_MODELS_PATH", str(tmp_path / "more"))
    monkeypatch.setattr("t2c_ext.weights.places.user_folder", lambda: tmp_path / "own")
    with pytest.raises(UserError, match="tokenizer") as error:
        tokenizer.find_tokenizer(near, online=False)
    assert "vocab.json" in str(error.value) and "\n" not in str(error.value)
    for place in ("cache/models--openai--clip-vit-large-patch14/snapshots/a", "more/tokenizer", "models/tokenizer"):
        tiny_files.write_tokenizer(tmp_path / place)
        assert len(tokenizer.find_tokenizer(near, online=False)) == 542
        for file in (tmp_path / place).iterdir():
            file.unlink()
    packed = tmp_path / "bpe.gz"
    write_bpe(packed)
    monkeypatch.setattr(tokenizer, "_packed", lambda: packed)
    found = tokenizer.find_tokenizer(near, online=False)
    assert len(found) == 542
    river = found("the river", add_special_tokens=False).input_ids
    assert found.convert_ids_to_tokens(river)[-1] == "river</w>"


@pytest.mark.parametrize("family", ["SD1", "SDXL"])
def test_a_textual_inversion(family: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    components = tiny_components(family)
    vectors = torch.randn(2, 64, generator=torch.Generator().manual_seed(4))
    if family == "SDXL":
        save_file({"clip_l": vectors, "clip_g": -vectors}, str(tmp_path / "My-Style.safetensors"))
    else:
        torch.save({"string_to_param": {"*": vectors}, "name": "x"}, tmp_path / "My-Style.pt")
    torch.save({"<other>": torch.zeros(1, 32)}, tmp_path / "night.bin")
    before = PromptEncoder(components).schedule("a my-style river", 1)[0]
    notes = load_embeddings(components, str(tmp_path), ["a MY-STYLE river in the night"])
    assert len(notes) == 1 and "night" in notes[0]
    assert torch.equal(components.encoders[0].embeddings["my-style"], vectors)
    encoder = PromptEncoder(components)
    found = encoder.schedule("a My-Style river", 1)[0]
    assert found.ids[2:4] == (542, 543)
    assert found.ids[4] == encoder.word("river")[0]
    assert not torch.allclose(found.context, before.context)
    table = components.encoders[0].inner.embeddings.token_embedding.weight
    assert table.shape[0] == 542
    with pytest.raises(UserError, match="embeddings folder"):
        load_embeddings(components, str(tmp_path / "nowhere"), ["x"])
    (tmp_path / "river.pt").write_bytes(b"\x80\x02 no")
    with pytest.raises(UserError, match=r"river\.pt"):
        load_embeddings(components, str(tmp_path), ["a river"])


def test_devices() -> None:
    assert placement_for("cpu", "auto", "auto") == CPU
    assert placement_for("cpu", "bf16", "offload").dtype is torch.bfloat16
    with pytest.raises(UserError, match="fp16"):
        placement_for("cpu", "fp16", "auto")
    with pytest.raises(UserError, match="nonsense"):
        placement_for("nonsense", "auto", "auto")
