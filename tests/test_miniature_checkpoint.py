"""The built-in miniature as a checkpoint of AUTOMATIC1111's WebUI: its files, and the parts that they name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from t2c_ext.cli import main  # noqa: E402
from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.twin import miniature  # noqa: E402
from t2c_ext.twin.miniature.checkpoint import export_checkpoint  # noqa: E402
from t2c_ext.weights.states import load_state, notes_of  # noqa: E402


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint, written by the command."""
    folder = tmp_path_factory.mktemp("Stable-diffusion")
    assert main(["models", "export", "miniature", str(folder)]) == 0
    return folder / "t2c-miniature.safetensors"


def test_every_weight_is_there_in_half_precision(exported: Path) -> None:
    state, own = load_state(exported), load_state(miniature.model_file())
    assert state.keys() == own.keys()
    assert {value.dtype for value in state.values()} == {torch.float16}
    assert all(torch.allclose(state[key].float(), value.float(), rtol=1e-3, atol=1e-7) for key, value in own.items())


def test_every_export_has_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    """safetensors draws the order of what it notes; a WebUI names a model in its pictures by a digest of the file."""
    with exported.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    assert list(header["__metadata__"]) == ["architecture", "format", "made_by"]
    assert export_checkpoint(tmp_path).read_bytes() == exported.read_bytes()


def test_the_configuration_tells_what_the_weights_are(exported: Path) -> None:
    """Its numbers, and those of the text encoder beside the tokenizer, are those of the tensors."""
    params = json.loads(exported.with_suffix(".yaml").read_text())["model"]["params"]
    assert params["parameterization"] == "v"
    unet, vae = params["unet_config"]["params"], params["first_stage_config"]["params"]
    assert (unet["model_channels"], unet["channel_mult"], unet["num_heads"], unet["groups"]) == (64, [1, 1, 2, 2], 2, 8)
    assert (vae["ddconfig"]["ch"], vae["ddconfig"]["ch_mult"], vae["groups"]) == (24, [1, 2, 4, 4], 4)
    text = json.loads((miniature.tokenizer_folder() / "config.json").read_text())
    state = load_state(exported)
    tokens = state["cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"]
    within = state["cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.bias"]
    assert tuple(tokens.shape) == (text["vocab_size"], text["hidden_size"]) == (text["eos_token_id"] + 1, 128)
    assert len(within) == text["intermediate_size"] and unet["context_dim"] == text["hidden_size"]
    last = f"cond_stage_model.transformer.text_model.encoder.layers.{text['num_hidden_layers'] - 1}."
    assert any(key.startswith(last) for key in state)


def test_only_what_an_export_wrote_is_replaced(exported: Path, tmp_path: Path) -> None:
    assert export_checkpoint(exported.parent) == exported
    for name in ("t2c-miniature.safetensors", "t2c-miniature.yaml"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text("somebody else's")
        with pytest.raises(UserError, match="none of ours"):
            export_checkpoint(folder)
        assert [path.name for path in folder.iterdir()] == [name]
    with pytest.raises(UserError, match="is no folder"):
        export_checkpoint(tmp_path / "missing")
    assert notes_of(exported)["made_by"] == "t2c-miniature"


class _Norms(torch.nn.Module):
    """Stands for a class of the host's: a layer that it makes itself, and one that its module's function makes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = torch.nn.GroupNorm(32, 64)
        self.second = sys.modules["ldm.modules.diffusionmodules.model"].Normalize(width)


def _normalize(channels: int, num_groups: int = 32) -> Any:
    return torch.nn.GroupNorm(num_groups, channels)


@pytest.fixture
def ldm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The modules of the host's in which its classes stand; gives the one whose function is replaced for a moment."""
    model = ModuleType("ldm.modules.diffusionmodules.model")
    model.Normalize = _normalize  # type: ignore[attr-defined]
    unet, kl = SimpleNamespace(UNetModel=_Norms), SimpleNamespace(AutoencoderKL=_Norms)
    names = {"modules.diffusionmodules.openaimodel": unet, "models.autoencoder": kl}
    for name in ("", ".modules", ".models", ".modules.diffusionmodules"):
        monkeypatch.setitem(sys.modules, f"ldm{name}", ModuleType(f"ldm{name}"))
    monkeypatch.setitem(sys.modules, "ldm.modules.diffusionmodules.model", model)
    sys.modules["ldm.modules.diffusionmodules"].model = model  # type: ignore[attr-defined]
    for name, module in names.items():
        monkeypatch.setitem(sys.modules, f"ldm.{name}", module)  # type: ignore[arg-type]
    return model


def test_the_parts_have_their_number_of_groups_and_the_host_keeps_its_own(ldm: ModuleType) -> None:
    from t2c_ext.webui.miniature import autoencoder, unet

    made = unet(8, width=64)
    assert (made.first.num_groups, made.second.num_groups) == (8, 8)
    assert autoencoder(4, width=24).second.num_groups == 4
    assert ldm.Normalize is _normalize
    with pytest.raises(ValueError, match="divisible"):
        autoencoder(4, width=25)
    assert ldm.Normalize is _normalize
