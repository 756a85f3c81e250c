"""The twin session on tiny UNets: who gets what from whom, and what is left of it afterwards."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from tiny_unets import (  # noqa: E402
    CONFIGS,
    FAMILIES,
    LdmUNet,
    conditions,
    converted,
    diffusers_unet,
    fill,
    pick,
    sample,
    timesteps,
)

from t2c_ext.errors import Cancelled, UserError  # noqa: E402
from t2c_ext.twin.capture import CaptureOptions  # noqa: E402
from t2c_ext.twin.inject import NO_INJECTION, FixedPoint, InjectionOptions, Moment, Recording, is_taken  # noqa: E402
from t2c_ext.twin.rows import OTHER, Row, art, guided_rows, rows, twin  # noqa: E402
from t2c_ext.twin.session import TwinSession  # noqa: E402

LATENT = (8, 16)
SMALL = CaptureOptions(tokens=32)
MOMENT = Moment(0, 1, 481.0)
ALWAYS = InjectionOptions(features=1.0, attention=1.0)


@pytest.fixture(scope="module")
def unets() -> dict[str, Any]:
    torch.set_num_threads(1)
    return {family: diffusers_unet(family) for family in FAMILIES}


def _noise(images: int = 1, seed: int = 0) -> Any:
    return torch.randn(images, 4, *LATENT, generator=torch.Generator().manual_seed(seed))


def _call(unet: Any, session: TwinSession, members: list[Row], x: Any, found: dict[str, Any], time: float = 481) -> Any:  # noqa: PLR0917
    with torch.inference_mode(), session.call(rows(members)):
        return unet(x, time, **found).sample


def _one_call(unet: Any, members: list[Row], x: Any, found: dict[str, Any], **options: Any) -> Any:
    with TwinSession(unet, LATENT, **{"injection": ALWAYS, **options}) as session:
        session.step(0, 1, 481)
        return _call(unet, session, members, x, found)


def _plain(unet: Any, x: Any, found: dict[str, Any], time: float = 481) -> Any:
    with torch.inference_mode():
        return unet(x, time, **found).sample


def _doubled(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _doubled(part) for name, part in found.items()}
    return found.double() if isinstance(found, torch.Tensor) and found.is_floating_point() else found


@pytest.mark.parametrize("family", FAMILIES)
def test_without_injection_each_row_is_sampled_alone(unets: dict[str, Any], family: str) -> None:
    unet, x = copy.deepcopy(unets[family]).double(), _noise().repeat(4, 1, 1, 1).double()
    found = _doubled(conditions(family, 4))  # a batch adds up in another order, which single precision shows
    with TwinSession(unet, LATENT, injection=NO_INJECTION, capture=SMALL) as session:
        together = sample(unet, session, guided_rows(), x, found)
    for place in range(4):
        with TwinSession(unet, LATENT, injection=NO_INJECTION) as session:
            alone = sample(unet, session, rows([OTHER]), x[:1], pick(found, [place]))
        assert (together[place] - alone[0]).abs().max() <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_the_artist_is_left_alone_and_the_twin_follows(unets: dict[str, Any], family: str) -> None:
    unet, found, x = unets[family], conditions(family, 4), _noise().repeat(4, 1, 1, 1)
    with TwinSession(unet, LATENT, injection=NO_INJECTION) as session:
        free = sample(unet, session, guided_rows(), x, found)
    with TwinSession(unet, LATENT, capture=SMALL) as session:
        led = sample(unet, session, guided_rows(), x, found)
    assert torch.equal(led[[0, 2]], free[[0, 2]])
    assert (led[[1, 3]] - free[[1, 3]]).abs().amax(dim=(1, 2, 3)).min() > 1e-2


@contextmanager
def _listening(unet: Any, paths: list[str]) -> Iterator[dict[str, Any]]:
    """Inputs ("<path") and outputs of modules."""
    seen: dict[str, Any] = {}

    def listen(path: str) -> Any:
        def hook(module: Any, arguments: tuple[Any, ...], output: Any) -> None:
            seen["<" + path], seen[path] = arguments[0].clone(), output.clone()

        return hook

    handles = [unet.get_submodule(path).register_forward_hook(listen(path)) for path in paths]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_twins_attention_is_the_artists(unets: dict[str, Any], family: str) -> None:
    unet, found, x = unets[family], conditions(family, 4), _noise(4)
    members = [art(0, True), twin(0, True), art(0, False), twin(0, False)]
    with TwinSession(unet, LATENT, injection=ALWAYS) as session:
        attentions = sorted({site.attention for site in session.injection_sites if site.attention})
        heads = {site.attention: site.heads for site in session.injection_sites}
        leaves = [f"{path}.{leaf}" for path in attentions for leaf in ("to_q", "to_k", "to_v", "to_out.0")]
        with _listening(unet, leaves) as seen:
            session.step(0, 1, 481)
            _call(unet, session, members, x, found)
    assert len(attentions) == {"sd1": 8, "sd2": 8, "sdxl": 6}[family]
    for path in attentions:
        for artist, follower in ((0, 1), (2, 3)):
            # the artist's own projections, made from its inputs and not from what any hook put out
            inner = seen[f"<{path}.to_q"][artist]
            weights = {leaf: unet.get_submodule(f"{path}.{leaf}").weight for leaf in ("to_q", "to_k", "to_v")}
            query, key = inner @ weights["to_q"].T, inner @ weights["to_k"].T
            value = seen[f"<{path}.to_v"][follower] @ weights["to_v"].T
            split = [part.unflatten(1, (heads[path], -1)).transpose(0, 1).double() for part in (query, key, value)]
            maps = torch.softmax(split[0] @ split[1].mT * split[0].shape[-1] ** -0.5, dim=-1)
            wanted = (maps @ split[2]).transpose(0, 1).flatten(1)
            assert (seen[f"<{path}.to_out.0"][follower] - wanted).abs().max() <= 1e-5


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_the_twins_residual_features_are_the_artists(unets: dict[str, Any], family: str) -> None:
    unet, found, x = unets[family], conditions(family, 2), _noise(2)
    block = {"sd1": "up_blocks.1.resnets.1", "sdxl": "up_blocks.0.resnets.0"}[family]
    with _listening(unet, [block, f"{block}.conv2", f"{block}.conv_shortcut"]) as free:
        _plain(unet, x, found)
    with _listening(unet, [block, f"{block}.conv2", f"{block}.conv_shortcut"]) as led:
        _one_call(unet, [art(), twin()], x, found, injection=InjectionOptions(features=1.0, attention=0.0))
    assert torch.equal(led[block][0], free[block][0])
    if family == "sdxl":
        assert torch.equal(led[block][1], led[block][0])
    else:
        wanted = led[f"{block}.conv_shortcut"][1] + free[f"{block}.conv2"][0]
        assert torch.equal(led[block][1], wanted)
        assert not torch.equal(led[block][1], led[block][0])


@pytest.mark.parametrize("family", FAMILIES)
def test_any_order_and_any_split_give_the_same(unets: dict[str, Any], family: str) -> None:
    unet, found = unets[family], conditions(family, 4)
    x = _noise().repeat(4, 1, 1, 1)
    members = [art(0, True), twin(0, True), art(0, False), twin(0, False)]
    wanted = _one_call(unet, members, x, found)
    assert (wanted - _plain(unet, x, found)).abs().max() > 1e-2
    for order in ([2, 3, 0, 1], [1, 0, 3, 2], [0, 2, 1, 3], [3, 1, 0, 2]):
        given = _one_call(unet, [members[place] for place in order], x, pick(found, order))
        assert (given - wanted[order]).abs().max() <= 1e-5
    for split in ([[0, 1], [2, 3]], [[2, 3], [1, 0]], [[0, 2], [3, 1]], [[0], [2], [1], [3]], [[2], [0, 3], [1]]):
        with TwinSession(unet, LATENT, injection=ALWAYS) as session:
            session.step(0, 1, 481)
            for part in split:
                given = _call(unet, session, [members[place] for place in part], x[part], pick(found, part))
                assert (given - wanted[part]).abs().max() <= 1e-5
            assert not session._injector._kept


def test_conditional_steps_alone_and_several_parts(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 6), _noise().repeat(6, 1, 1, 1)
    members = [art(), art(part=1), twin(), twin(part=1), art(0, False), twin(0, False)]
    wanted = _one_call(unet, members, x, found)
    with TwinSession(unet, LATENT, injection=ALWAYS, capture=SMALL) as session:
        session.step(0, 2, 981)
        both = _call(unet, session, members, x, found)
        session.step(1, 2, 481)
        alone = _call(unet, session, members[:4], x[:4], pick(found, range(4)))
    assert both.shape == wanted.shape
    assert (alone - wanted[:4]).abs().max() <= 1e-5


def test_a_negative_row_takes_the_unconditional_features(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 5), _noise().repeat(5, 1, 1, 1)
    members = [art(0, False), art(0, True), twin(0, False), twin(0, False), twin(0, True)]
    wanted = _one_call(unet, members, x, found)
    with TwinSession(unet, LATENT, injection=ALWAYS) as session:
        session.step(0, 1, 481)
        _call(unet, session, members[:2], x[:2], pick(found, [0, 1]))
        negative = _call(unet, session, [twin(0, False, keep=True)], x[:1], pick(found, [2]))
        rest = _call(unet, session, members[3:], x[:2], pick(found, [3, 4]))
        assert not session._injector._kept
    assert (torch.cat([negative, rest]) - wanted[2:]).abs().max() <= 1e-5


def test_texts_of_different_lengths_in_two_calls(unets: dict[str, Any]) -> None:
    unet, x = unets["sd1"], _noise().repeat(2, 1, 1, 1)
    short, long = conditions("sd1", 2, tokens=9), conditions("sd1", 2, seed=1, tokens=18)
    with TwinSession(unet, LATENT, injection=ALWAYS, capture=SMALL) as session:
        session.step(0, 1, 481)
        given = [
            _call(unet, session, [art(words={"river": (12,)}), twin()], x, long),
            _call(unet, session, [art(0, False), twin(0, False)], x, short),
        ]
    assert torch.equal(given[0][0], _plain(unet, x, long)[0])
    assert torch.equal(given[1][0], _plain(unet, x, short)[0])
    assert session.attention().words["river"].shape == session.size


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_several_pictures(unets: dict[str, Any], family: str) -> None:
    unet, found = unets[family], conditions(family, 8)
    noise = torch.cat([_noise(seed=1), _noise(seed=2)])
    x = noise.repeat_interleave(2, dim=0).repeat(2, 1, 1, 1)
    words = [{"river": (1, 2)}, {"clouds": (3,)}]
    with TwinSession(unet, LATENT, capture=SMALL) as session:
        together = sample(unet, session, guided_rows(2, words=words), x, found)
    for image in (0, 1):
        places = [2 * image, 2 * image + 1, 4 + 2 * image, 5 + 2 * image]
        with TwinSession(unet, LATENT, capture=SMALL) as alone:
            members = guided_rows(words=[words[image]])
            given = sample(unet, alone, members, x[places], pick(found, places))
        assert (given - together[places]).abs().max() <= 1e-4
        assert np.abs(session.attention(image).self_attention - alone.attention().self_attention).max() <= 1e-5
        (word,) = session.attention(image).words
        assert np.abs(session.attention(image).words[word] - alone.attention().words[word]).max() <= 1e-3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("exact", [False, True])
def test_two_passes_are_lockstep(unets: dict[str, Any], family: str, exact: bool) -> None:
    unet, found, x = unets[family], conditions(family, 4), _noise().repeat(4, 1, 1, 1)
    with TwinSession(unet, LATENT, capture=SMALL) as session:
        wanted = sample(unet, session, guided_rows(), x, found)
    kept = Recording(None if exact else torch.int16)
    with TwinSession(unet, LATENT, capture=SMALL, record=kept) as first:
        artists = sample(unet, first, rows([art(0, True), art(0, False)]), x[:2], pick(found, [0, 2]))
    with TwinSession(unet, LATENT, replay=kept) as second:
        twins = sample(unet, second, rows([twin(0, True), twin(0, False)]), x[:2], pick(found, [1, 3]))
    assert (artists - wanted[[0, 2]]).abs().max() <= 1e-5
    assert (twins - wanted[[1, 3]]).abs().max() <= (1e-5 if exact else 1e-4)
    assert np.abs(first.attention().self_attention - session.attention().self_attention).max() <= 1e-5
    numbers = sum(kept.get(*key).numel() for key in kept.kept)
    assert kept.bytes == 4 * numbers if exact else 2 * numbers < kept.bytes < 2.5 * numbers


def test_a_recording_keeps_only_what_is_taken(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 1), _noise()
    kept = Recording()
    with TwinSession(unet, LATENT, record=kept) as session:
        sample(unet, session, rows([art()]), x, found, steps=10)
    features = {moment.index for moment, _, path in kept.kept if path.endswith("conv2")}
    attention = {moment.index for moment, _, path in kept.kept if path.endswith("to_q")}
    assert (features, attention) == (set(range(8)), set(range(5)))
    assert len(kept.kept) == 8 + 5 * 16


def test_passes_that_differ_are_refused(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 1), _noise()
    kept = Recording()
    with TwinSession(unet, LATENT, record=kept) as session:
        sample(unet, session, rows([art()]), x, found, steps=3)
    with TwinSession(unet, LATENT, replay=kept) as session, pytest.raises(RuntimeError, match="same steps"):
        sample(unet, session, rows([twin()]), x, found, steps=4)


DDIM_50 = [981 - 20 * index for index in range(50)]
KARRAS_20 = [999, 939, 880, 820, 757, 693, 625, 555, 482, 408, 334, 263, 197, 140, 93, 58, 32, 15, 5, 1]


@pytest.mark.parametrize(
    ("share", "times", "paper", "wanted"),
    [
        (0.8, DDIM_50, False, 40),
        (0.5, DDIM_50, False, 25),
        (0.8, DDIM_50, True, 41),
        (0.5, DDIM_50, True, 26),
        (0.0, DDIM_50, True, 0),
        (0.0, DDIM_50, False, 0),
        (1.0, DDIM_50, False, 50),
        (1.0, DDIM_50, True, 50),
        (0.8, KARRAS_20, False, 12),
        (0.5, KARRAS_20, False, 8),
        (0.8, KARRAS_20, True, 17),
        (0.8, [751, 501, 251, 1], False, 3),
        (0.5, [400.0], False, 1),
        (0.5, [400.0], True, 1),
    ],
)
def test_how_long_features_are_taken(share: float, times: list[float], paper: bool, wanted: int) -> None:
    moments = [Moment(index, len(times), time) for index, time in enumerate(times)]
    taken = [is_taken(share, moment, paper) for moment in moments]
    assert taken == [index < wanted for index in range(len(times))]


@pytest.mark.parametrize("paper", [False, True])
def test_injection_ends_after_its_steps(unets: dict[str, Any], paper: bool) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 2), _noise(2)
    options = InjectionOptions(paper=paper)
    free = _plain(unet, x, found)
    differs = []
    with TwinSession(unet, LATENT, injection=options) as session:
        for index in (24, 25, 26, 39, 40, 41):
            session.step(index, 50, 981 - 20 * index)
            given = _call(unet, session, [art(), twin()], x, found)
            differs.append(round(float((given[1] - free[1]).abs().max()), 4))
    everything, features = differs[0], differs[3]
    assert everything > 0 and features > 0 and everything != features
    later = [everything, everything, features, features, features, 0] if paper else None
    assert differs == (later or [everything, features, features, features, 0, 0])


def test_injection_counts_from_the_step_that_is_told(unets: dict[str, Any]) -> None:
    """Samplers of higher order call the model several times in a step."""
    unet, found, x = unets["sd1"], conditions("sd1", 2), _noise(2)
    wanted = _one_call(unet, [art(), twin()], x, found)
    with TwinSession(unet, LATENT, injection=InjectionOptions(features=0.5, attention=0.5)) as session:
        session.step(0, 2, 981)
        for time in (981, 731, 481):
            session.step(0, 2, time)
            given = _call(unet, session, [art(), twin()], x, found, time=481)
            assert (given - wanted).abs().max() <= 1e-5


def test_a_twin_before_its_artist_is_refused(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 1), _noise()
    with TwinSession(unet, LATENT, injection=ALWAYS) as session:
        session.step(0, 2, 981)
        with pytest.raises(RuntimeError, match="before its artist"):
            _call(unet, session, [twin()], x, found)
        _call(unet, session, [art()], x, found)
        session.step(1, 2, 481)
        with pytest.raises(RuntimeError, match=r"before its artist.*conditional row of picture 0"):
            _call(unet, session, [twin()], x, found)


def test_rows_must_be_those_of_the_batch(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 2), _noise(2)
    with pytest.raises(UserError, match="saw 2 rows and 3 were announced"):
        _one_call(unet, [art(), twin(), OTHER], x, found)
    with pytest.raises(RuntimeError, match="same artistic row"):
        rows([art(), art()])
    with TwinSession(unet, LATENT) as session, pytest.raises(RuntimeError, match="step"):
        _call(unet, session, [art(), twin()], x, found)
    with TwinSession(unet, LATENT, injection=ALWAYS) as session:
        session.step(0, 1, 481)
        session.begin(rows([art(), twin()]))
        _plain(unet, x, found)
        with pytest.raises(UserError, match="ran twice"):
            _plain(unet, x, found)


def test_calls_that_nobody_announced_are_left_alone(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 3), _noise(3)
    with TwinSession(unet, LATENT, injection=ALWAYS, capture=SMALL) as session:
        session.step(0, 1, 481)
        assert torch.equal(_plain(unet, x, found), _call(unet, session, [OTHER] * 3, x, found))
        with pytest.raises(RuntimeError, match="no attention map"):
            session.attention()


def _state(unet: Any) -> dict[str, Any]:
    return {key: value.clone() for key, value in unet.state_dict().items()}


def _assert_untouched(unet: Any, before: dict[str, Any], attributes: dict[str, set[str]]) -> None:
    assert all(torch.equal(value, before[key]) for key, value in unet.state_dict().items())
    for path, module in unet.named_modules():
        assert not module._forward_hooks and not module._forward_pre_hooks, path
        assert not module._forward_hooks_with_kwargs and not module._forward_hooks_always_called, path
        assert set(vars(module)) == attributes[path]


@pytest.mark.parametrize("ending", ["success", "exception", "cancel", "interrupt", "in the model"])
@pytest.mark.parametrize("naming", ["diffusers", "ldm"])
def test_the_model_is_untouched_afterwards(unets: dict[str, Any], ending: str, naming: str) -> None:
    unet = unets["sd1"] if naming == "diffusers" else fill(LdmUNet(CONFIGS["sd1"]))
    found, x = conditions("sd1", 2), _noise(2)
    before, wanted = _state(unet), _plain(unet, x, found)
    attributes = {path: set(vars(module)) for path, module in unet.named_modules()}
    errors = {"exception": ValueError, "cancel": Cancelled, "interrupt": KeyboardInterrupt}

    def run() -> None:
        with TwinSession(unet, LATENT, injection=ALWAYS, capture=SMALL) as session:
            session.step(0, 2, 481)
            _call(unet, session, [art(words={"river": (1,)}), twin()], x, found)
            if ending in errors:
                raise errors[ending]
            if ending == "in the model":
                _call(unet, session, [art(), twin()], x, conditions("sd1", 3))

    if ending == "success":
        run()
    else:
        with pytest.raises(errors.get(ending, Exception)):
            run()
    _assert_untouched(unet, before, attributes)
    assert torch.equal(_plain(unet, x, found), wanted)


def test_a_session_can_be_attached_by_hand(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 2), _noise(2)
    wanted = _one_call(unet, [art(), twin()], x, found)
    session = TwinSession(unet, LATENT, injection=ALWAYS)
    session.attach()
    with pytest.raises(RuntimeError, match="already"):
        session.attach()
    session.step(0, 1, torch.tensor(481))
    session.begin(rows([art(), twin()]))
    given = _plain(unet, x, found)
    session.end()
    session.detach()
    session.detach()
    assert torch.equal(given, wanted)
    assert not any(module._forward_hooks for module in unet.modules())
    with pytest.raises(RuntimeError, match="attach"):
        session.begin(rows([art(), twin()]))


@pytest.mark.parametrize("family", FAMILIES)
def test_ldm_and_diffusers_agree(family: str) -> None:
    config = CONFIGS[family]
    original = fill(LdmUNet(config), "ldm/")
    found, x = conditions(family, 4), _noise().repeat(4, 1, 1, 1)
    given = []
    for unet in (original, converted(original, config)):
        with TwinSession(unet, LATENT, capture=SMALL) as session:
            pictures = sample(unet, session, guided_rows(words=[{"river": (2, 4)}]), x, found)
        given.append((pictures, session.attention(), session))
    (first, maps, one), (second, others, two) = given
    assert (first - second).abs().max() <= 1e-4
    assert np.abs(maps.self_attention - others.self_attention).max() <= 1e-5
    assert np.abs(maps.words["river"] - others.words["river"]).max() <= 1e-3
    assert len(one.injection_sites) == len(two.injection_sites) == {"sd1": 17, "sd2": 17, "sdxl": 14}[family]
    assert [site.kind for site in one.capture_sites] == [site.kind for site in two.capture_sites]


def test_attention_is_that_of_the_artists_blocks(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sd1"], conditions("sd1", 2), _noise().repeat(2, 1, 1, 1)
    with TwinSession(unet, LATENT, capture=SMALL) as session:
        paths = sorted({site.attention for site in session.capture_sites if site.kind.value.startswith("self")})
        leaves = [f"{path}.{leaf}" for path in paths for leaf in ("to_q", "to_k")]
        total, count = torch.zeros(32, 32, dtype=torch.float64), 0
        for index, time in enumerate(timesteps(4)):
            session.step(index, 4, time)
            with _listening(unet, leaves) as seen:
                _call(unet, session, [twin(), art()][::-1], x, found, time)
            if time <= 541:
                for path in paths:
                    split = [
                        seen[f"{path}.{leaf}"][0].unflatten(1, (4, -1)).transpose(0, 1) for leaf in ("to_q", "to_k")
                    ]
                    total += torch.softmax((split[0] @ split[1].mT).double() * split[0].shape[-1] ** -0.5, -1).mean(0)
                    count += 1
    assert (session.size, count) == ((4, 8), 15)
    assert np.abs(session.attention().self_attention - (total / count).numpy()).max() <= 1e-6


def test_one_step_is_enough_for_attention(unets: dict[str, Any]) -> None:
    unet, found, x = unets["sdxl"], conditions("sdxl", 4), _noise().repeat(4, 1, 1, 1)
    with TwinSession(unet, LATENT, capture=SMALL) as session:
        session.step(0, 1, 999)
        _call(unet, session, list(guided_rows().rows), x, found, 999)
    assert np.allclose(session.attention().self_attention.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(unets: dict[str, Any], dtype: Any) -> None:
    unet = copy.deepcopy(unets["sd1"]).to(dtype)
    found = {key: value.to(dtype) for key, value in conditions("sd1", 4).items()}
    x = _noise().repeat(4, 1, 1, 1).to(dtype)
    kept = Recording()
    with TwinSession(unet, LATENT, capture=SMALL, record=kept) as session:
        session.step(0, 1, 481)
        given = _call(unet, session, list(guided_rows().rows), x, found)
    assert given.dtype == dtype
    assert given.isfinite().all()
    assert {kept.get(*key).dtype for key in kept.kept} == {dtype}
    assert kept.bytes == 2 * sum(kept.get(*key).numel() for key in kept.kept)
    assert session.attention().self_attention.dtype == np.float32
    assert np.allclose(session.attention().self_attention.sum(axis=1), 1, atol=1e-5)


@given(st.integers(0, 9), st.sampled_from([(5, 7), (3, 4, 2)]), st.floats(1e-30, 1e30))
def test_fixed_point_numbers(seed: int, shape: tuple[int, ...], scale: float) -> None:
    value = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale
    value[0] = 0
    largest = value.abs().flatten(1).amax(dim=1).reshape(-1, *[1] * (value.ndim - 1))
    error = (FixedPoint.of(value).tensor() - value).abs()
    assert (error <= largest / 32767 * 0.51).all()


def test_numbers_that_are_not_finite_are_kept() -> None:
    kept, value = Recording(), torch.tensor([[1.0, float("inf")], [float("nan"), 1.0]])
    kept.put(MOMENT, art().source, "conv", value)
    assert torch.allclose(kept.get(MOMENT, art().source, "conv"), value, rtol=0, atol=0, equal_nan=True)


def test_channels_last_and_gradients(unets: dict[str, Any]) -> None:
    found, x = conditions("sd1", 2), _noise(2)
    wanted = _one_call(unets["sd1"], [art(), twin()], x, found)
    unet = copy.deepcopy(unets["sd1"]).to(memory_format=torch.channels_last)
    given = _one_call(unet, [art(), twin()], x.to(memory_format=torch.channels_last), found)
    assert (given - wanted).abs().max() <= 1e-5
    unet.requires_grad_(True)
    with TwinSession(unet, LATENT, injection=ALWAYS, capture=SMALL) as session:
        session.step(0, 1, 481)
        with session.call(rows([art(), twin()])):
            given = unet(x, 481, **found).sample
    assert (given - wanted).abs().max() <= 1e-5
