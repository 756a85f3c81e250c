"""The miniature model: what is written is what was trained; its lessons; and that training goes on where it stood."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.twin.diffusion.components import Placement  # noqa: E402
from t2c_ext.twin.diffusion.latents import native_side  # noqa: E402
from t2c_ext.twin.diffusion.load import load_model  # noqa: E402
from world import autoencoder, lessons, miniature, train_miniature  # noqa: E402
from world.attention import TaughtWords, attention_loss  # noqa: E402
from world.lessons import PAINTED, WORDINGS, make_lesson  # noqa: E402
from world.words import STYLES, vocabulary  # noqa: E402

PLACEMENT = Placement(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Any, Any, Any]]:
    """A file of an untrained miniature, and its parts, whose weights half precision holds."""
    folder = tmp_path_factory.mktemp("model")
    miniature.write_tokenizer(folder / "tokenizer")
    torch.manual_seed(3)
    tokens = len(miniature.open_tokenizer(folder / "tokenizer"))
    parts = (miniature.make_unet(), miniature.make_vae(), miniature.make_text_encoder(tokens))
    for part in parts:
        part.half().float()
    return miniature.save_model(folder, *parts), parts


def test_the_file_holds_what_was_trained(untrained: tuple[Path, tuple[Any, Any, Any]]) -> None:
    """Every tensor, and what shapes do not tell: the same input gives the same output."""
    path, (unet, vae, text) = untrained
    loaded = load_model(str(path), PLACEMENT)
    assert loaded.scheduler["prediction_type"] == "v_prediction" and loaded.scale == 8
    assert native_side(loaded) == miniature.SIDE
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(1, 4, 8, 8, generator=generator)
    tokens = loaded.encoders[0].tokenizer("a river", padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.no_grad():
        context = text.eval()(input_ids=tokens).last_hidden_state
        torch.testing.assert_close(loaded.encoders[0].model(input_ids=tokens).last_hidden_state, context)
        wanted = unet.eval()(latent, 300, encoder_hidden_states=context).sample
        torch.testing.assert_close(loaded.unet(latent, 300, encoder_hidden_states=context).sample, wanted)
        torch.testing.assert_close(loaded.vae.decode(latent).sample, vae.eval().decode(latent).sample)


def test_a_file_that_says_nonsense_of_itself_is_refused(untrained: tuple[Path, tuple[Any, Any, Any]]) -> None:
    from safetensors.torch import load_file, save_file

    path, _ = untrained
    wrong = path.with_name("wrong.safetensors")
    state = load_file(path)
    for said in (
        '{"unet": {"norm_num_groups": 1e99}}',
        '{"vae": [1]}',
        "no JSON",
        '{"unet": {"attention_head_dim": 0}}',
    ):
        save_file(state, wrong, {"architecture": said})
        with pytest.raises(UserError, match=r"wrong\.safetensors"):
            load_model(str(wrong), PLACEMENT)


def test_each_word_of_the_world_is_one_token(untrained: tuple[Path, tuple[Any, Any, Any]]) -> None:
    tokenizer = miniature.open_tokenizer(untrained[0].parent / "tokenizer")
    for word in vocabulary():
        assert len(tokenizer(word, add_special_tokens=False).input_ids) == 1, word
    assert len(tokenizer("unheard", add_special_tokens=False).input_ids) > 1
    assert tokenizer("a").input_ids[0] == len(tokenizer) - 2
    assert tokenizer("a").input_ids[-1] == len(tokenizer) - 1


def test_a_lesson_is_one_layout_in_two_looks() -> None:
    lesson, again = make_lesson(5, 48), make_lesson(5, 48)
    assert np.array_equal(lesson.painting, again.painting) and lesson.captions == again.captions
    assert lesson.look in PAINTED and 0.01 < np.abs(lesson.photograph - lesson.painting).mean() < 0.5
    photographed, painted = lesson.captions[:WORDINGS], lesson.captions[WORDINGS:]
    assert all("photo" in caption for caption in photographed)
    assert not any("photo" in caption for caption in painted)
    assert all(any(style in caption for style in STYLES[lesson.look]) for caption in painted)
    assert lesson.masks.shape == (len(lesson.things), 48, 48) and lesson.masks.sum(0).max() <= 1.001


def test_words_are_taught_where_their_things_are(untrained: tuple[Path, tuple[Any, Any, Any]]) -> None:
    tokenizer = miniature.open_tokenizer(untrained[0].parent / "tokenizer")
    tokens = miniature.tokens_of(tokenizer, ["a river below mountains", "waves and sand"])
    masks = np.zeros((2, 2, 32, 32), np.uint8)
    masks[0, 0, 20:], masks[1, 0, :, :8] = 255, 255
    found = TaughtWords(tokenizer).masks(tokens, [["river", "house"], ["sea", "sand"]], masks, False)
    assert [(row, int(tokens[row, place])) for row, place, _ in found] == [
        (0, tokenizer("river", add_special_tokens=False).input_ids[0]),
        (1, tokenizer("waves", add_special_tokens=False).input_ids[0]),
    ]
    shares = torch.full((2, 64, 77), 1e-3)
    right, wrong = shares.clone(), shares.clone()
    right[0, 40:, found[0][1]] = 0.5
    wrong[0, :40, found[0][1]] = 0.5
    times = torch.zeros(2, dtype=torch.int64)
    assert attention_loss([right], found[:1], times) < 0.1
    assert attention_loss([wrong], found[:1], times) > 0.5
    assert attention_loss([wrong], found, times + 900) == 0


@pytest.mark.thorough
def test_training_goes_on_where_it_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lessons, autoencoder, train_miniature):
        monkeypatch.setattr(module, "SIZE", 2)
    for module in (lessons, autoencoder):
        monkeypatch.setattr(module, "SIDE", 64)
    monkeypatch.setattr(lessons, "make_lesson", partial(make_lesson, side=64))
    monkeypatch.setattr(autoencoder, "CROP", 16)
    monkeypatch.setattr(autoencoder, "BATCH", 2)
    monkeypatch.setattr(train_miniature, "SIDES", (32, 64))
    monkeypatch.setattr(train_miniature, "BATCHES", (2, 2))
    autoencoder.train(tmp_path, 1, 1, lambda _: None)
    plan = train_miniature.Plan(shards=1, small=1, large=2, taught=1)
    painter = train_miniature.Painter(tmp_path, plan)
    before = {key: value.clone() for key, value in painter.parts.state_dict().items()}
    assert np.isfinite(painter.train_step()).all() and not painter.taught and painter.large
    assert any(not torch.equal(value, before[key]) for key, value in painter.parts.state_dict().items())
    painter.train_step()
    painter.save()
    again = train_miniature.Painter(tmp_path, plan)
    assert again.step == 2 and again.taught
    assert painter.train_step() == pytest.approx(again.train_step(), rel=1e-3)
    assert painter.done
    before = torch.load(tmp_path / "vae.pt", weights_only=True)["vae"]
    autoencoder.train(tmp_path, 1, 1, lambda _: None, decoder_only=True)
    after = torch.load(tmp_path / "decoder.pt", weights_only=True)["vae"]
    assert {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])} == {"decoder"}
