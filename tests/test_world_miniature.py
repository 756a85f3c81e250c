"""The miniature model: what is written is what was trained, in both layouts; and a step of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from t2c_ext.twin.diffusion.components import Components, Placement  # noqa: E402
from t2c_ext.twin.diffusion.load import load_model  # noqa: E402
from world import miniature, train_miniature  # noqa: E402
from world.words import vocabulary  # noqa: E402


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained miniature whose every weight is drawn."""
    folder = tmp_path_factory.mktemp("model")
    miniature.write_tokenizer(folder / "miniature" / "tokenizer")
    torch.manual_seed(3)
    tokens = len(miniature.open_tokenizer(folder / "miniature" / "tokenizer"))
    parts = (miniature.make_unet(), miniature.make_vae(), miniature.make_text_encoder(tokens))
    for part in parts:
        part.half().float()
    miniature.save_model(folder, *parts)
    return folder


def parts_of(components: Components) -> list[dict[str, torch.Tensor]]:
    return [part.state_dict() for part in (components.unet, components.vae, components.encoders[0].inner)]


def test_the_single_file_holds_the_same_as_the_folder(model: Path) -> None:
    placement = Placement(torch.device("cpu"), torch.float32)
    file = load_model(str(model / "miniature.safetensors"), placement)
    folder = load_model(str(model / "miniature"), placement)
    assert file.family is folder.family
    assert file.scheduler["prediction_type"] == folder.scheduler["prediction_type"] == "v_prediction"
    assert file.scale == 8 and file.size_multiple == 8
    for one, other in zip(parts_of(file), parts_of(folder), strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            torch.testing.assert_close(value.float(), other[key].float(), msg=key)
    assert (model / "miniature.safetensors").stat().st_size < 30e6
    text = "a river flowing left"
    assert file.encoders[0].tokenizer(text).input_ids == folder.encoders[0].tokenizer(text).input_ids


def test_each_word_of_the_world_is_one_token(model: Path) -> None:
    tokenizer = miniature.open_tokenizer(model / "miniature" / "tokenizer")
    for word in vocabulary():
        assert len(tokenizer(word, add_special_tokens=False).input_ids) == 1, word
    assert len(tokenizer("unheard", add_special_tokens=False).input_ids) > 1
    assert tokenizer("a").input_ids[0] == len(tokenizer) - 2
    assert tokenizer("a").input_ids[-1] == len(tokenizer) - 1


def test_training_goes_on_where_it_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_miniature, "SIDES", (64, 64))
    monkeypatch.setattr(train_miniature, "BATCH", 2)
    monkeypatch.setattr(train_miniature, "VAE_BATCH", 2)
    monkeypatch.setattr(train_miniature, "SIZE", 25)
    monkeypatch.setattr(train_miniature, "load_shard", _few)
    clock, said = train_miniature.Clock(10), []
    assert train_miniature.train_vae(tmp_path, 1, 1, clock, said.append)
    painter = train_miniature.Painter(tmp_path, 1, 10)
    before = {key: value.clone() for key, value in painter.parts.state_dict().items()}
    loss = painter.train_step()
    assert np.isfinite(loss)
    assert any(not torch.equal(value, before[key]) for key, value in painter.parts.state_dict().items())
    painter.save()
    again = train_miniature.Painter(tmp_path, 1, 10)
    assert again.step == 1
    assert painter.train_step() == pytest.approx(again.train_step(), rel=1e-4)
    assert (tmp_path / "model" / "miniature.safetensors").is_file()


def _few(folder: Path, number: int, side: int, size: int = 25) -> object:
    from world.shards import load_shard

    return load_shard(folder, number, side, size)
