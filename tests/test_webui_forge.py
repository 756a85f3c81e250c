"""Pairs in Forge and reForge: a small host whose denoiser marks its UNet calls, in any order and in any number."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from tiny_unets import CONFIGS, fill  # noqa: E402

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.motion.text_context import WIDTH, ClipTextEncoder  # noqa: E402
from t2c_ext.recipe import Recipe  # noqa: E402
from t2c_ext.twin.inject import NO_INJECTION, InjectionOptions  # noqa: E402
from t2c_ext.twin.rows import Role, art, twin  # noqa: E402
from t2c_ext.webui.a1111 import Automatic1111  # noqa: E402
from t2c_ext.webui.batch import replace_method  # noqa: E402
from t2c_ext.webui.calls import Cast, MarkedCalls  # noqa: E402
from t2c_ext.webui.forge import Forge, ReForge, texts  # noqa: E402
from t2c_ext.webui.host import chosen_model, host_of, on_gpu_thread  # noqa: E402
from t2c_ext.webui.options import Options, PanelSettings  # noqa: E402
from t2c_ext.webui.pairs import TWO_PASSES, Pairs  # noqa: E402
from t2c_ext.webui.run import Run  # noqa: E402

HERE = Path(__file__).parent
OURS = ("modules", "backend", "modules_forge", "model")
PROMPTS = ["a river, ink", "a sea, oil"]
SEEDS = [5, 6]
KINDS = ("forge", "reforge")
ALL = 1000
"""Rows that fit into memory at once, where all do."""


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The small host's packages, fresh: Forge's own, and of `modules` what it has kept of A1111's."""
    monkeypatch.syspath_prepend(str(HERE / "fake_host"))
    monkeypatch.syspath_prepend(str(HERE / "fake_forge"))
    torch.set_num_threads(1)
    _forget()
    import modules

    modules.__path__.insert(0, str(HERE / "fake_forge" / "modules"))
    yield
    _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]


def _processing(
    kind: str = "forge", prompts: Sequence[str] = PROMPTS, rows: int = ALL, family: str = "sd1", **more: Any
) -> Any:
    from model import UNet, loaded
    from modules import shared
    from modules.processing import Processing

    shared.opts.rows_at_once = rows
    processing = Processing(None, list(prompts), SEEDS[: len(prompts)])
    processing.sd_model = loaded(fill(UNet(CONFIGS[family])), kind)
    vars(processing).update(more)
    return processing


def _paired(
    processing: Any,
    injection: InjectionOptions | None = None,
    natural: Callable[[str], str] = lambda prompt: prompt.split(",")[0],
    words: Callable[[str], tuple[str, ...]] = lambda prompt: (),
) -> tuple[Pairs, list[str]]:
    """A processing object whose `sample` makes twins; the sentences that are told."""
    notes: list[str] = []
    pairs = Pairs(host_of(processing), natural, words, injection or InjectionOptions(1.0, 1.0), notes.append)
    pairs.prompts = list(processing.prompts)

    def followed(original: Any) -> Any:
        def sample(*arguments: Any, **named: Any) -> Any:
            undo()
            return pairs.sample(original, arguments, named)

        return sample

    undo = replace_method(processing, "sample", followed)
    return pairs, notes


def _sampled(processing: Any) -> Any:
    with torch.inference_mode():
        return processing.batch()


def _unet(processing: Any) -> Any:
    return processing.sd_model.forge_objects.unet.model.diffusion_model


def _state(processing: Any) -> tuple[Any, ...]:
    """All that a run could leave behind."""
    from backend.text_processing import classic_engine
    from modules import script_callbacks, sd_hijack, sd_samplers_common

    hooks = sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in _unet(processing).modules())
    own = {name: str(value) for name, value in vars(processing).items() if name not in ("rng", "sd_model")}
    notes = str(sd_hijack.model_hijack), dict(classic_engine.last_extra_generation_params)
    store = sd_samplers_common.store_latent.__qualname__
    return hooks, len(script_callbacks.denoiser_callbacks), store, notes, own


def _calls_of(processing: Any) -> list[list[int]]:
    """The marks of each call that the UNet will get."""
    seen: list[list[int]] = []

    def watch(module: Any, arguments: Any, named: Mapping[str, Any]) -> None:
        seen.append(named["transformer_options"]["cond_or_uncond"])

    _unet(processing).register_forward_pre_hook(watch, with_kwargs=True)
    return seen


def test_the_host_is_known_by_its_model() -> None:
    assert type(host_of(_processing("forge"))) is Forge
    assert type(host_of(_processing("reforge"))) is ReForge
    plain = SimpleNamespace(sd_model=SimpleNamespace(model=SimpleNamespace(diffusion_model=torch.nn.Identity())))
    assert type(host_of(plain)) is Automatic1111
    assert type(host_of(SimpleNamespace())) is Automatic1111


def test_a_model_that_is_loaded_late_is_known() -> None:
    """The page asks for pictures before Forge has loaded a model."""
    processing = _processing()
    model, processing.sd_model = processing.sd_model, SimpleNamespace(cond_stage_model=None)
    run = Run(Options(PanelSettings(enabled=True), Recipe()))
    run.follow(processing)
    processing.sd_model = model
    model.text_processing_engine = _Engine()
    _sampled(processing)
    assert run.pairs is not None and type(run.pairs.host) is Forge and len(run.pairs.twins) == 2 and not run.notes


def test_forge_is_asked_to_load_the_chosen_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import sd_models, shared

    assert chosen_model() is None
    monkeypatch.setattr(sd_models, "forge_model_reload", lambda: setattr(shared, "sd_model", "chosen"), raising=False)
    assert chosen_model() == "chosen"


@pytest.mark.parametrize("model", ["forge", "reforge", "a1111"])
def test_a_model_without_a_unet_is_named(model: str) -> None:
    processing = _processing("reforge" if model == "reforge" else "forge")
    if model == "a1111":
        processing.sd_model = SimpleNamespace(model=None)
    else:
        processing.sd_model.forge_objects.unet.model.diffusion_model = None
    with pytest.raises(UserError, match="has no UNet"):
        host_of(processing).unet()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [ALL, 4])
def test_the_pictures_are_those_without_twins(kind: str, rows: int) -> None:
    plain, processing = _sampled(_processing(kind)), _processing(kind, rows=rows)
    before = _state(processing)
    pairs, notes = _paired(processing)
    seen = _calls_of(processing)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert seen == (3 * [[1, 0]] if rows == ALL else 3 * [[1], [0]])  # in one call, or in two where memory is short
    assert _state(processing)[1:] == before[1:] and _state(processing)[0] == 1 and not notes
    assert [twin.size for twin in pairs.twins] == [(128, 64)] * 2
    attention = pairs.attention(1)
    assert attention is not None and np.allclose(attention.self_attention.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("family", ["sd2", "sdxl"])
def test_other_families_of_unets_are_followed(family: str) -> None:
    plain, processing = _sampled(_processing(family=family)), _processing(family=family)
    pairs, notes = _paired(processing)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert len(pairs.twins) == 2 and not notes


@pytest.mark.parametrize("kind", KINDS)
def test_twins_take_the_pictures_features(kind: str) -> None:
    injected = _paired(processing := _processing(kind))[0]
    picture = np.asarray(injected.host.decode(_sampled(processing))[0], float)
    free = _paired(processing := _processing(kind), NO_INJECTION)[0]
    _sampled(processing)
    distances = [np.abs(np.asarray(pairs.twins[0], float) - picture).mean() for pairs in (injected, free)]
    assert distances[0] < distances[1]


@pytest.mark.parametrize("rows", [ALL, 8, 4])
def test_a_prompt_with_and_keeps_its_parts_and_weights(rows: int) -> None:
    def processing() -> Any:
        made = _processing(prompts=["a river, ink AND a hill", "a sea, oil AND a rock"], rows=rows)
        for row in made.c.batch:
            row[1].weight = 0.5
        return made

    plain, paired = _sampled(processing()), processing()
    pairs, notes = _paired(paired)  # the twins' prompts have a single part
    torch.testing.assert_close(_sampled(paired), plain, atol=1e-4, rtol=1e-4)
    assert len(pairs.twins) == 2 and not notes


def test_a_longer_negative_prompt_is_followed() -> None:
    from modules import prompt_parser

    negative = [prompt_parser.encoded("a b c d e f g", 3)] * 2
    plain, processing = _sampled(_processing(uc=negative)), _processing(uc=negative)
    pairs, notes = _paired(processing)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert len(pairs.twins) == 2 and not notes


def test_pictures_without_guidance_have_no_unconditional_rows() -> None:
    more = {"cfg_scale": 1.0, "uc": None}
    plain, processing = _sampled(_processing(**more)), _processing(**more)
    pairs, notes = _paired(processing)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert len(pairs.twins) == 2 and not notes


@pytest.mark.parametrize("kind", KINDS)
def test_short_memory_takes_two_passes_and_the_host_cleans_up(kind: str) -> None:
    together = _paired(processing := _processing(kind))[0]
    plain = _sampled(processing)
    processing = _processing(kind)
    pairs, notes = _paired(processing)

    def full(module: Any, arguments: Any) -> None:
        if len(arguments[0]) > 4:
            raise torch.cuda.OutOfMemoryError("out of memory")

    _unet(processing).register_forward_pre_hook(full)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert notes == [TWO_PASSES] and processing.sd_model.forge_objects.unet.cleanups == 1
    for one, other in zip(pairs.twins, together.twins, strict=True):
        assert np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= 1


def test_nothing_is_left_after_an_exception() -> None:
    processing = _processing()
    before = _state(processing)
    _paired(processing)

    def fail(module: Any, arguments: Any) -> None:
        handle.remove()
        raise ZeroDivisionError

    handle = _unet(processing).middle_block.register_forward_pre_hook(fail)
    with pytest.raises(ZeroDivisionError):
        _sampled(processing)
    assert _state(processing) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_painting_gets_a_twin(kind: str) -> None:
    levels = np.random.default_rng(0).integers(0, 255, (96, 192, 3), np.uint8)
    processing = _processing(kind)
    pairs, notes = _paired(processing)
    _sampled(processing)
    before = _state(processing)
    with torch.inference_mode():
        made, attention = pairs.of_painting(Image.fromarray(levels), 1)
    assert made.size == (128, 64) and attention is not None and _state(processing) == before and not notes


def test_an_extensions_own_call_is_passed_over() -> None:
    """Perturbed attention guidance gives the UNet the conditional rows once more."""
    processing = _processing()
    model = processing.sd_model.forge_objects.unet.model
    once = model.apply_model

    def twice(x: Any, sigma: Any, context: Any, transformer_options: Any) -> Any:
        half = len(x) // 2
        found = once(x, sigma, context, transformer_options)
        once(x[half:], sigma[half:], context[half:], {"cond_or_uncond": [0]})
        return found

    plain = _sampled(_processing())
    model.apply_model = twice
    pairs, notes = _paired(processing)
    torch.testing.assert_close(_sampled(processing), plain, atol=1e-4, rtol=1e-4)
    assert len(pairs.twins) == 2 and not notes


def test_a_model_that_is_changed_by_a_script_is_refused() -> None:
    processing, other = _processing(), _processing()
    plain = _sampled(_processing())
    pairs, notes = _paired(processing)
    rng = type(processing).batch.__globals__["rng"]

    class Swapping(rng.ImageRNG):  # type: ignore[misc, name-defined]
        def next(self) -> Any:
            processing.sd_model.forge_objects.unet = other.sd_model.forge_objects.unet
            return super().next()

    pairs.host.noise = lambda shape, seeds, subseeds: Swapping(shape, seeds)  # type: ignore[method-assign]
    torch.testing.assert_close(_sampled(processing), plain)
    assert len(notes) == 1 and "changed the model" in notes[0] and not pairs.twins


@pytest.mark.parametrize("kind", KINDS)
def test_a_twins_prompt_leaves_no_generation_parameters(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.text_processing import classic_engine
    from modules import prompt_parser, sd_hijack

    plain = prompt_parser.get_multicond_learned_conditioning

    def noting(*arguments: Any) -> Any:
        place = classic_engine.last_extra_generation_params
        if kind == "reforge":
            place = sd_hijack.model_hijack.extra_generation_params
        place["Emphasis"] = "Original"
        return plain(*arguments)

    processing = _processing(kind)
    monkeypatch.setattr(prompt_parser, "get_multicond_learned_conditioning", noting)
    pairs, _ = _paired(processing)
    _sampled(processing)
    assert len(pairs.twins) == 2
    assert not classic_engine.last_extra_generation_params
    assert not sd_hijack.model_hijack.extra_generation_params


class _Engine:
    """Each word is a token: its length; 49 begins and ends a text."""

    def tokenize(self, words: Sequence[str]) -> list[list[int]]:
        return [[len(part) for part in word.split()] for word in words]

    def tokenize_line(self, line: str) -> tuple[list[Any], int]:
        (tokens,) = self.tokenize([line.replace(",", " ")])
        return [SimpleNamespace(tokens=[49, *tokens, 49])], len(tokens)


@pytest.mark.parametrize("name", ["text_processing_engine", "text_processing_engine_l"])
def test_words_are_found_among_the_tokens(name: str) -> None:
    processing = _processing()
    setattr(processing.sd_model, name, _Engine())
    found = host_of(processing).token_positions("a river, ink AND a waterfall", ("river", "a river", "waterfall"))
    assert found == {"river": (2,), "a river": (1, 2)}  # of parts joined by AND the first is looked at


def test_the_text_encoder_of_stable_diffusion_1_is_taken() -> None:
    processing = _processing()
    assert host_of(processing).text_encoder() is None
    model = SimpleNamespace(config=SimpleNamespace(hidden_size=WIDTH))
    model.eval = lambda: model
    engine = SimpleNamespace(tokenizer=object(), text_encoder=SimpleNamespace(transformer=model))
    processing.sd_model.text_processing_engine = engine
    found = host_of(processing).text_encoder()
    assert isinstance(found, ClipTextEncoder) and found.model is model and found.tokenizer is engine.tokenizer
    model.config.hidden_size = 1024
    assert host_of(processing).text_encoder() is None


def test_work_runs_on_the_hosts_thread_and_its_errors_are_raised() -> None:
    from modules_forge import main_thread

    assert on_gpu_thread(lambda: threading.current_thread().name) == main_thread.NAME

    def fail() -> None:
        raise UserError("no room")

    with pytest.raises(UserError, match="no room"):
        on_gpu_thread(fail)


def test_without_such_a_thread_work_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modules_forge", None)
    assert on_gpu_thread(threading.current_thread) is threading.current_thread()


def _marked(parts: int = 1, role: Role | None = None) -> tuple[MarkedCalls, Any, list[Any]]:
    """The calls of a step for one picture and its twin: the batch's latents, and each part's texts."""
    generator = torch.Generator().manual_seed(0)
    cast = Cast([parts, parts], role=role)
    latents = torch.randn(len(cast.sampled), 4, 8, 8, generator=generator)
    found = [torch.randn(len(latents), 7, 3, generator=generator) for _ in range(parts)]
    return MarkedCalls(cast, latents, found), latents, found


def _given(latents: Any, marks: list[int], *contexts: Any) -> dict[str, Any]:
    context = torch.cat(contexts) if contexts else torch.zeros(len(latents) * len(marks), 7, 3)
    shown = 0.07 * latents.repeat(len(marks), 1, 1, 1)
    return {"x": shown, "context": context, "transformer_options": {"cond_or_uncond": marks}}


@pytest.mark.parametrize("marks", [[1, 0], [0, 1]])
def test_marks_say_which_rows_are_conditional(marks: list[int]) -> None:
    calls, latents, _ = _marked()
    found = calls.next(_given(latents, marks))
    assert found is not None
    halves = {0: (art(0, True), twin(0, True)), 1: (art(0, False), twin(0, False))}
    assert found.rows == halves[marks[0]] + halves[marks[1]]
    calls.check()


def test_calls_may_come_one_by_one_and_without_unconditional_rows() -> None:
    calls, latents, _ = _marked()
    first = calls.next(_given(latents, [1]))
    assert first is not None and not first.rows[0].source.conditional
    with pytest.raises(UserError, match="2 of 4 rows"):
        calls.check()
    assert calls.next(_given(latents, [0])) is not None
    calls.check()
    calls, latents, _ = _marked()
    calls.next(_given(latents, [0]))
    calls.check()


def test_parts_are_told_apart_by_their_texts() -> None:
    calls, latents, (first, second) = _marked(parts=2)
    negative = torch.zeros(2, 14, 3)
    found = calls.next(_given(latents, [1, 0], negative, second.repeat(1, 2, 1)))  # made longer by repeating
    assert found is not None
    assert found.rows == (art(0, False), twin(0, False), art(0, True, 1), twin(0, True, 1))
    found = calls.next(_given(latents, [0], first))
    assert found is not None and found.rows == (art(0, True, 0), twin(0, True, 0))
    calls.check()


def test_only_the_rows_of_a_pass_are_in_its_calls() -> None:
    calls, latents, _ = _marked(role=Role.TWIN)
    found = calls.next(_given(latents, [1, 0]))
    assert found is not None and found.rows == (twin(0, False), twin(0, True))


def test_calls_of_others_are_passed_over() -> None:
    calls, latents, (text, _) = _marked(parts=2)
    assert calls.next(_given(torch.randn(2, 4, 8, 8), [0], text)) is None  # other latents
    assert calls.next({**_given(latents, [0], text), "transformer_options": {}}) is None  # no marks
    assert calls.next(_given(latents, [0], torch.randn(2, 7, 3))) is None  # a text of no part
    assert calls.next(_given(latents[:1], [0], text[:1])) is None  # a part of the batch
    assert calls.next(_given(latents, [0], text)) is not None
    assert calls.next(_given(latents, [0], text)) is None  # once more
    with pytest.raises(UserError, match="2 of 6 rows"):
        calls.check()


def test_conditions_of_sdxl_are_looked_at_by_their_texts() -> None:
    tokens = torch.randn(2, 7, 3)
    params = SimpleNamespace(x=torch.randn(2, 4, 8, 8), text_cond={"crossattn": tokens, "vector": torch.zeros(2, 5)})
    calls = host_of(_processing()).calls(Cast([1, 1]), params)
    assert isinstance(calls, MarkedCalls) and len(calls.texts) == 1 and torch.equal(calls.texts[0], tokens)


def test_texts_are_sorted_by_parts() -> None:
    tokens = torch.arange(5.0).view(5, 1, 1)  # two parts, then three
    first, second = texts(tokens, [2, 3])
    assert first.flatten().tolist() == [0, 2] and second.flatten().tolist() == [1, 3]
