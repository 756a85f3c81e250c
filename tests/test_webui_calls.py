"""Who is who in the UNet calls of the WebUI's denoiser, and batches with a twin for each picture."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from t2c_ext.errors import UserError
from t2c_ext.twin.rows import art, twin
from t2c_ext.webui.batch import attributes, paired, paired_values, replace_method
from t2c_ext.webui.calls import CallsInOrder, layout


def _calls(parts: list[int]) -> tuple[CallsInOrder, torch.Tensor]:
    """The calls of a step in which the twin's latent is not the picture's."""
    images = torch.randn(len(parts), 4, 8, 8, generator=torch.Generator().manual_seed(0))
    repeated = [images[place] for place, number in enumerate(parts) for _ in range(number)]
    latents = torch.stack([*repeated, *images])
    return CallsInOrder(layout(parts), latents), latents


def test_one_call_of_all_rows() -> None:
    calls, latents = _calls([1, 1])
    found = calls.next({"x": latents * 0.07})
    assert found is not None
    assert found.rows == (art(0, True), twin(0, True), art(0, False), twin(0, False))
    calls.check()


def test_split_calls_are_told_apart() -> None:
    calls, latents = _calls([1, 1, 1, 1])
    first, second = calls.next({"x": latents[:4] * 0.5}), calls.next({"x": latents[4:] * 0.5})
    assert first is not None and second is not None
    assert first.rows == (art(0), art(1), twin(0), twin(1))
    assert second.rows == (art(0, False), art(1, False), twin(0, False), twin(1, False))
    calls.check()


def test_a_prompt_with_and_has_a_row_for_each_part() -> None:
    assert layout([2, 1])[:3] == (art(0, True, 0), art(0, True, 1), twin(0, True, 0))
    members = layout([1, 2])
    assert members[1:3] == (twin(0, True, 0, keep=True), twin(0, True, 0))


def test_a_foreign_call_is_passed_over() -> None:
    calls, latents = _calls([1, 1])
    assert calls.next({"x": torch.randn(2, 4, 8, 8)}) is None
    assert calls.next({"x": torch.randn(9, 4, 8, 8)}) is None
    assert calls.next({"x": latents}) is not None
    calls.check()


def test_half_precision_does_not_hide_a_call() -> None:
    calls, latents = _calls([1, 1])
    assert calls.next({"x": (latents * 0.0667).half()}) is not None


def test_a_step_without_unconditional_rows_is_whole() -> None:
    calls, latents = _calls([1, 1])
    assert calls.next({"x": latents[:2]}) is not None
    calls.check()


def test_rows_that_were_not_shown_are_an_error() -> None:
    calls, latents = _calls([1, 1])
    calls.next({"x": latents[:1]})
    with pytest.raises(UserError, match="1 of 4 rows"):
        calls.check()


def test_extra_channels_of_the_input_are_passed_over() -> None:
    calls, latents = _calls([1, 1])
    assert calls.next({"x": torch.cat([latents, torch.zeros(4, 5, 8, 8)], dim=1)}) is not None


def test_each_batch_is_followed_by_its_twins() -> None:
    assert paired([1, 2, 3], 2) == [1, 2, 1, 2, 3, 3]


def test_a_paired_batch_has_each_seed_twice() -> None:
    processing = SimpleNamespace(
        batch_size=1,
        prompts=["oil river"],
        negative_prompts=["blur"],
        seeds=[6],
        subseeds=[2],
        all_seeds=[5, 6],
        all_subseeds=[1, 2],
    )
    values = paired_values(processing, ["a river, photography"], ["blur, oil"])
    assert values["prompts"] == ["oil river", "a river, photography"] and values["batch_size"] == 2
    assert values["seeds"] == [6, 6] and values["subseeds"] == [2, 2]
    assert values["negative_prompts"] == ["blur", "blur, oil"]
    assert values["all_seeds"][2:4] == [6, 6]


def test_attributes_come_back_whatever_happens() -> None:
    processing = SimpleNamespace(seeds=[1])
    with pytest.raises(ZeroDivisionError), attributes(processing, {"seeds": [1, 1], "mask": None}):
        assert processing.seeds == [1, 1] and processing.mask is None
        raise ZeroDivisionError
    assert vars(processing) == {"seeds": [1]}


class _Processing:
    def sample(self) -> str:
        return "own"


def test_a_method_is_replaced_and_given_back() -> None:
    processing = _Processing()
    undo = replace_method(processing, "sample", lambda original: lambda: f"ours, then {original()}")
    assert processing.sample() == "ours, then own"
    undo()
    undo()
    assert processing.sample() == "own" and not vars(processing)


def test_another_replacement_is_kept() -> None:
    processing = _Processing()
    processing.sample = lambda: "another's"  # type: ignore[method-assign]
    undo = replace_method(processing, "sample", lambda original: lambda: f"ours, then {original()}")
    undo()
    assert processing.sample() == "another's"
    undo = replace_method(processing, "sample", lambda original: original)
    processing.sample = lambda: "later"  # type: ignore[method-assign]
    undo()
    assert processing.sample() == "later"
