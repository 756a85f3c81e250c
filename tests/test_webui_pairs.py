"""The twins of a batch in a small host: the pictures stay what they are, and nothing is left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_unets import CONFIGS, LdmUNet, fill  # noqa: E402

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.twin.inject import NO_INJECTION, InjectionOptions  # noqa: E402
from t2c_ext.webui.batch import replace_method  # noqa: E402
from t2c_ext.webui.host import host_of  # noqa: E402
from t2c_ext.webui.pairs import NO_ROOM, TWO_PASSES, Pairs, fitting  # noqa: E402

PROMPTS = ["a river, ink", "a sea, oil"]
SEEDS = [5, 6]


@pytest.fixture(autouse=True)
def host(small_host: Any) -> None:
    """The small host."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def unet() -> Any:
    return fill(LdmUNet(CONFIGS["sd1"]))


def _processing(unet: Any) -> Any:
    from modules.processing import Processing

    return Processing(unet, list(PROMPTS), list(SEEDS))


def _paired(
    processing: Any,
    injection: InjectionOptions | None = None,
    natural: Callable[[str], str] = lambda prompt: prompt.split(",")[0],
) -> tuple[Pairs, list[str]]:
    """A processing object whose `sample` makes twins; the sentences that are told."""
    notes: list[str] = []
    options = injection or InjectionOptions(1.0, 1.0)
    pairs = Pairs(host_of(processing), natural, lambda prompt: (), options, notes.append)
    pairs.prompts = list(PROMPTS)

    def followed(original: Any) -> Any:
        def sample(*arguments: Any, **named: Any) -> Any:
            undo()
            return pairs.sample(original, arguments, named)

        return sample

    undo = replace_method(processing, "sample", followed)
    return pairs, notes


def _sampled(processing: Any) -> Any:
    with torch.no_grad():
        return processing.batch()


def _state(processing: Any) -> tuple[Any, ...]:
    """All that a run could leave behind."""
    from modules import script_callbacks, sd_samplers_common

    unet = processing.sd_model.model.diffusion_model
    hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in unet.modules())
    own = {name: str(value) for name, value in vars(processing).items() if name != "rng"}
    return hooks, len(script_callbacks.denoiser_callbacks), sd_samplers_common.store_latent.__qualname__, own


def test_the_pictures_are_those_without_twins(unet: Any) -> None:
    plain, processing = _sampled(_processing(unet)), _processing(unet)
    before = _state(processing)
    pairs, notes = _paired(processing)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert _state(processing) == before and not notes
    assert [twin.size for twin in pairs.twins] == [(128, 64)] * 2
    attention = pairs.attention(1)
    assert attention is not None and np.allclose(attention.self_attention.sum(1), 1, atol=1e-5)


def test_twins_take_the_pictures_features(unet: Any) -> None:
    injected = _paired(processing := _processing(unet))[0]
    art = _sampled(processing)
    free = _paired(processing := _processing(unet), NO_INJECTION)[0]
    _sampled(processing)
    art_picture = np.asarray(injected.host.decode(art)[0], float)
    distances = [np.abs(np.asarray(pairs.twins[0], float) - art_picture).mean() for pairs in (injected, free)]
    assert distances[0] < distances[1]


def test_a_long_twin_does_not_change_its_picture(unet: Any) -> None:
    plain, processing = _sampled(_processing(unet)), _processing(unet)
    pairs, notes = _paired(processing, natural=lambda prompt: "a river, " + ", ".join(["realistic"] * 20))
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert len(pairs.twins) == 2 and not notes


@pytest.mark.parametrize(
    ("picture", "twin", "wanted"),
    [
        ("blur, photo", "blur, ink", "blur, ink"),
        # as many tokens as the picture's have: terms too many are taken off, and a comma fills a chunk that is too many
        ("blur", "blur, ink, oil, pen, line, wash, dry", "blur, ink, oil, pen, line"),
        ("one two three four five, photo", "one two three four five", "one two three four five BREAK ,"),
    ],
)
def test_a_twin_has_its_own_negative_prompt_and_its_picture_stays(
    unet: Any, picture: str, twin: str, wanted: str
) -> None:
    from modules.prompt_parser import encoded

    def processing() -> Any:
        made = _processing(unet)
        made.negative_prompts, made.uc = [picture] * 2, [encoded(picture, made.steps)] * 2
        return made

    plain, other = _sampled(processing()), processing()
    pairs, notes = _paired(other)
    seen: list[Any] = []
    pairs.negative = lambda prompt, negative: twin if negative == picture else "of another"
    create = sys.modules["modules.sd_samplers"].create_sampler

    def listening(name: str, model: Any) -> Any:
        sampler = create(name, model)
        sample = sampler.sample
        sampler.sample = lambda p, x, c, uc, **more: (
            seen.append((p.negative_prompts, uc)),
            sample(p, x, c, uc, **more),
        )[1]
        return sampler

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modules.sd_samplers.create_sampler", listening)
        torch.testing.assert_close(_sampled(other), plain, atol=1e-4, rtol=1e-4)
    ((negatives, conditions),) = seen
    assert not notes and len(pairs.twins) == 2
    assert negatives == [picture, picture, twin, twin]
    for row, text in zip(conditions, [picture, picture, wanted, wanted], strict=True):
        torch.testing.assert_close(row[0].cond, encoded(text, 3)[0].cond, rtol=0, atol=0)


def test_short_memory_takes_two_passes(unet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    together = _paired(processing := _processing(unet))[0]
    plain = _sampled(processing)
    processing = _processing(unet)
    before = _state(processing)
    pairs, notes = _paired(processing)
    full = unet.forward

    def forward(x: Any, *others: Any) -> Any:
        if len(x) > 4:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return full(x, *others)

    monkeypatch.setattr(unet, "forward", forward)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert notes == [TWO_PASSES] and _state(processing) == before
    for one, other in zip(pairs.twins, together.twins, strict=True):
        assert np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= 1
    assert pairs.attention(1) is not None


def test_the_pictures_come_without_twins_where_memory_is_too_short(unet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, processing = _sampled(_processing(unet)), _processing(unet)
    pairs, notes = _paired(processing)

    def too_large(*arguments: Any, **named: Any) -> Any:
        raise torch.cuda.OutOfMemoryError("out of memory")

    monkeypatch.setattr(Pairs, "_lockstep", too_large)
    monkeypatch.setattr(type(pairs.host), "sample", too_large)
    torch.testing.assert_close(_sampled(processing), plain)
    assert notes == [NO_ROOM] and not pairs.twins


def test_what_cannot_be_paired_is_said_and_the_pictures_come(unet: Any) -> None:
    plain = _sampled(_processing(unet))
    unet.add_module("merged", type("ToMeBlock", (torch.nn.Module,), {})())
    try:
        pairs, notes = _paired(processing := _processing(unet))
        before = _state(processing)[:3]
        torch.testing.assert_close(_sampled(processing), plain)
    finally:
        del unet.merged
    assert len(notes) == 1 and "token merging" in notes[0] and not pairs.twins
    assert _state(processing)[:3] == before and "sample" not in vars(processing)


@pytest.mark.parametrize("place", ["layer", "callback"])
def test_nothing_is_left_after_an_exception(unet: Any, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.twin.session import TwinSession
    from t2c_ext.webui.sampling import PairSampling

    def fail(*arguments: Any) -> Any:
        raise ZeroDivisionError

    processing = _processing(unet)
    before = _state(processing)
    _paired(processing)
    owner, name = (TwinSession, "_receive") if place == "layer" else (PairSampling, "_begin_step")
    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(ZeroDivisionError):
        _sampled(processing)
    assert _state(processing) == before


def test_hires_fix_goes_on_with_the_pictures_alone(unet: Any) -> None:
    plain, processing = _processing(unet), _processing(unet)
    plain.enable_hr = processing.enable_hr = True
    before = _state(processing)
    pairs, notes = _paired(processing)
    torch.testing.assert_close(_sampled(processing), _sampled(plain), atol=1e-4, rtol=1e-4)
    assert len(pairs.twins) == 2 and not notes and _state(processing) == before


def test_an_interrupt_leaves_the_pictures(unet: Any) -> None:
    from modules import script_callbacks
    from modules.shared import state

    processing = _processing(unet)
    before = _state(processing)
    pairs, notes = _paired(processing)

    def stop(params: Any) -> None:
        state.interrupted = params.denoiser.step == 1

    script_callbacks.on_cfg_denoiser(stop)
    assert len(_sampled(processing)) == 2
    script_callbacks.remove_callbacks_for_function(stop)
    assert not pairs.twins and not notes and _state(processing) == before


def test_previews_show_the_pictures_alone(unet: Any) -> None:
    from modules.shared import state

    _paired(processing := _processing(unet))
    _sampled(processing)
    assert len(state.current_latent) == 2


def test_a_painting_gets_a_twin(unet: Any) -> None:
    levels = np.random.default_rng(0).integers(0, 255, (96, 192, 3), np.uint8)
    processing = _processing(unet)
    pairs, notes = _paired(processing)
    _sampled(processing)
    before = _state(processing)
    twin, attention = pairs.of_painting(Image.fromarray(levels), 1)
    again, _ = pairs.of_painting(Image.fromarray(levels), 1)
    assert twin.size == (128, 64) and attention is not None
    assert np.array_equal(twin, again) and _state(processing) == before and not notes


def test_a_painting_says_what_is_wrong(unet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    processing = _processing(unet)
    pairs, _ = _paired(processing)
    _sampled(processing)

    def too_large(*arguments: Any) -> Any:
        raise RuntimeError("MPS backend out of memory")

    monkeypatch.setattr(type(pairs.host), "sample", too_large)
    with pytest.raises(UserError, match=NO_ROOM):
        pairs.of_painting(Image.new("RGB", (64, 64)), 0)


@pytest.mark.parametrize(
    ("size", "area", "expected"),
    [((512, 512), 512 * 512, (512, 512)), ((1000, 500), 512 * 512, (704, 384)), ((9000, 100), 4096, (576, 64))],
)
def test_paintings_are_brought_to_a_size_the_model_takes(
    size: tuple[int, int], area: int, expected: tuple[int, int]
) -> None:
    assert fitting(size, area) == expected


def _asked(unet: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Pairs, list[str]]:
    """A processing object whose pictures are asked for a river and a sky, and the pairs' sentences."""
    processing = _processing(unet)
    pairs, notes = _paired(processing)
    pairs.words, pairs.nouns = lambda prompt: ("river", "sky"), lambda prompt: ("river", "castle")
    places = {"river": (1,), "sky": (2,), "castle": (3,), "rock": (4,)}
    monkeypatch.setattr(
        type(pairs.host), "token_positions", lambda self, prompt, words: {w: places[w] for w in words if w in places}
    )
    return processing, pairs, notes


def test_the_model_is_asked_where_things_are(unet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.webui import grounding

    plain = _sampled(_processing(unet))
    processing, pairs, notes = _asked(unet, monkeypatch)
    weights = {name: value.clone() for name, value in unet.state_dict().items()}
    before = _state(processing)
    calls: list[Any] = []
    handle = unet.register_forward_pre_hook(lambda module, given: calls.append(given))
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    sampled = len(calls)
    attention = pairs.attention(1)
    assert attention is not None and attention.nouns is not None and not notes
    assert set(attention.nouns.things) == {"river", "sky"}
    assert len(calls) == sampled + 2, "one call for the picture, and one for its twin"
    handle.remove()
    after, own = _state(processing), before[3]
    own.pop("sample")  # the test's own
    assert after == before
    assert all(torch.equal(value, weights[name]) for name, value in unet.state_dict().items())
    again = pairs.attention(1)
    assert again is not None and again.nouns is not None
    np.testing.assert_array_equal(again.nouns.things["river"], attention.nouns.things["river"])
    shown = grounding.noised(torch.ones(1, 4, 8, 16), 3)
    assert abs(float(shown.mean()) - grounding.kept_at(100) ** 0.5) < 0.1


def test_what_the_unet_sees_is_the_picture_and_not_noise(unet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.webui import grounding

    processing, pairs, _ = _asked(unet, monkeypatch)
    _sampled(processing)
    seen: list[Any] = []
    full = unet.forward

    def forward(x: Any, timesteps: Any, *others: Any) -> Any:
        seen.append((x.clone(), timesteps.clone()))
        return full(x, timesteps, *others)

    monkeypatch.setattr(unet, "forward", forward)
    latent = torch.linspace(-1, 1, 4 * 8 * 16).reshape(1, 4, 8, 16)
    grounding.find_nouns(pairs.host, [latent], ["river"], ["castle"], 0, 7)
    ((x, timesteps),) = seen
    torch.testing.assert_close(x[0], grounding.noised(latent, 7)[0])
    assert timesteps[0] == grounding.TIMESTEP


def test_a_painting_is_asked_too_and_what_fails_is_said(unet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.webui import pairs as module

    levels = np.random.default_rng(0).integers(0, 255, (96, 192, 3), np.uint8)
    processing, pairs, notes = _asked(unet, monkeypatch)
    _sampled(processing)
    _, attention = pairs.of_painting(Image.fromarray(levels), 1)
    assert attention is not None and attention.nouns is not None and set(attention.nouns.things) == {"river", "sky"}

    def full(*arguments: Any) -> Any:
        raise torch.cuda.OutOfMemoryError("out of memory")

    monkeypatch.setattr(module, "find_nouns", full)
    attention = pairs.attention(0)
    assert attention is not None and attention.nouns is None and "memory" in notes[-1]
