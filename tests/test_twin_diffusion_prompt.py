"""The WebUI's prompt syntax as the text encoder sees it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.markup import joins_prompts
from t2c_ext.prompt.syntax import plain
from t2c_ext.twin.diffusion.prompt import LoraRequest, take_loras, weighted

MANY = ["a river", "((", "[", "]", ")", ":", "1.2", "|", "0.5", "\\(", "BREAK", "AND", " ", "<lora:x:1>", "night"]


def read(prompt: str, step: int = 0, steps: int = 10) -> list[list[tuple[str, float]]]:
    parts = weighted(prompt, step, steps)
    return [[(piece.text, round(piece.weight, 4)) for piece in part] for part in parts]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a river", [[("a river", 1.0)]]),
        ("", [[]]),
        ("a (river) here", [[("a ", 1.0), ("river", 1.1), (" here", 1.0)]]),
        ("a ((river))", [[("a ", 1.0), ("river", 1.21)]]),
        ("a [river]", [[("a ", 1.0), ("river", 0.9091)]]),
        ("a (river:1.3)", [[("a ", 1.0), ("river", 1.3)]]),
        ("a (big (river:1.2):0.5)", [[("a ", 1.0), ("big ", 0.5), ("river", 0.6)]]),
        ("a (river: .5 )", [[("a ", 1.0), ("river", 0.5)]]),
        ("a \\(river\\)", [[("a (river)", 1.0)]]),
        ("a \\\\ b", [[("a \\ b", 1.0)]]),
        ("a (river", [[("a ", 1.0), ("river", 1.1)]]),
        ("a river)", [[("a river)", 1.0)]]),
        ("ratio 16:9", [[("ratio 16:9", 1.0)]]),
        ("a [river:sea]", [[("a ", 1.0), ("river:sea", 0.9091)]]),
        ("a BREAK b", [[("a ", 1.0)], [(" b", 1.0)]]),
        ("(a BREAK b:1.2)", [[("a ", 1.2)], [(" b", 1.2)]]),
        ("a river:0.5 AND b", [[("a river ", 1.0)], [(" b", 1.0)]]),
        ("a AND b :0.7", [[("a ", 1.0)], [(" b ", 1.0)]]),
        ("SAND AND SEA", [[("SAND AND SEA", 1.0)]]),
    ],
)
def test_weights(prompt: str, wanted: list[list[tuple[str, float]]]) -> None:
    assert read(prompt) == wanted


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("[river:sea:0.5]", ["river"] * 5 + ["sea"] * 5),
        ("[river:sea:3]", ["river"] * 3 + ["sea"] * 7),
        ("[sea:0.8]", [""] * 8 + ["sea"] * 2),
        ("[river::0.2]", ["river"] * 2 + [""] * 8),
        ("[river|sea|lake]", ["river", "sea", "lake"] * 3 + ["river"]),
        ("a [(river:1.2):sea:0.1]", ["a river"] + ["a sea"] * 9),
        ("[a [b|c]:d:0.2]", ["a b", "a c"] + ["d"] * 8),
    ],
)
def test_prompts_that_change(prompt: str, texts: list[str]) -> None:
    found = ["".join(text for part in read(prompt, step) for text, _ in part) for step in range(10)]
    assert found == texts


@pytest.mark.parametrize(
    ("prompt", "left", "loras"),
    [
        ("a <lora:style:0.8> b", "a  b", [LoraRequest("style", 0.8, 0.8)]),
        ("<lora:style>", "", [LoraRequest("style", 1.0, 1.0)]),
        ("<lora:style:0.5:0.7>", "", [LoraRequest("style", 0.5, 0.7)]),
        ("<lora:s:x><lora:s:-1>", "", [LoraRequest("s", -1.0, -1.0)]),
        ("<hypernet:x:1> a < b", " a < b", []),
        ("a <lora: my style :te=0.3>", "a ", [LoraRequest("my style", 0.3, 0.3)]),
    ],
)
def test_loras(prompt: str, left: str, loras: list[LoraRequest]) -> None:
    assert take_loras(prompt) == (left, tuple(loras))


def test_joined_prompts() -> None:
    assert joins_prompts("a AND b")
    assert not joins_prompts("a and b") and not joins_prompts("A AND B") and not joins_prompts("aANDb")


WORDS = st.sampled_from(
    ["a river", "fog", ", ", " ", "\\(sea\\)", " BREAK ", " AND ", ":0.5 AND ", " <lora:x:1> ", "1.2", "AND"]
)
EMPHASISED = st.recursive(
    WORDS,
    lambda inner: st.builds(
        lambda parts, marks: marks[0] + "".join(parts) + marks[1],
        st.lists(inner, max_size=4),
        st.sampled_from([("", ""), ("(", ")"), ("(", ":1.2)"), ("(", ": .5 )"), ("[", "]")]),
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(EMPHASISED)
def test_the_prompt_stage_finds_the_same_words(prompt: str) -> None:
    read_as_text = re.findall(r"[a-zA-Z]+", plain(prompt).text)
    parts = weighted(take_loras(prompt)[0], 0, 10)
    assert read_as_text == re.findall(r"[a-zA-Z]+", " ".join(piece.text for part in parts for piece in part))


@settings(max_examples=150)
@given(st.lists(st.sampled_from(MANY), max_size=30).map("".join), st.integers(0, 9))
def test_any_text_can_be_read(prompt: str, step: int) -> None:
    parts = weighted(take_loras(prompt)[0], step, 10)
    assert parts
    assert all(piece.text.strip() for part in parts for piece in part)


@pytest.mark.parametrize("prompt", ["(" * 5000, "[" * 5000 + "a" + "]" * 5000, "(a:1.1)" * 2000])
def test_deep_and_long_ones(prompt: str) -> None:
    assert weighted(prompt, 0, 10)


class TestEmbeddings:
    """With a tiny text encoder."""

    @pytest.fixture(scope="class")
    def encoder(self) -> Any:
        pytest.importorskip("torch").set_num_threads(1)
        pytest.importorskip("diffusers")
        from tiny_pipelines import tiny_components

        from t2c_ext.twin.diffusion.embeddings import PromptEncoder

        return PromptEncoder(tiny_components("SD1"))

    def test_a_plain_prompt_is_the_encoders_own_output(self, encoder: Any) -> None:
        import torch

        part = encoder.components.encoders[0]
        found = encoder.schedule("a river in the night", 1)[0]
        ids = part.tokenizer(
            "a river in the night", padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        ).input_ids
        assert found.ids == tuple(ids[0].tolist())
        assert torch.equal(found.context, part.model(input_ids=ids).last_hidden_state[0])

    def test_weights_scale_tokens_and_keep_the_mean(self, encoder: Any) -> None:
        import torch

        plain, strong = (encoder.schedule(text, 1)[0] for text in ("a river", "a (river:1.5)"))
        ratio = strong.context / plain.context
        factor = ratio[0].median()
        assert torch.allclose(strong.context.mean(), plain.context.mean(), rtol=1e-3)
        place = plain.places(encoder.word("river"), 77)[0]
        assert torch.allclose(ratio[place], (1.5 * factor).expand_as(ratio[place]), rtol=1e-3)
        assert torch.equal(encoder.schedule("a (river:1)", 1)[0].context, plain.context)

    def test_long_prompts_come_in_chunks_that_break_at_commas(self, encoder: Any) -> None:
        river, sky = encoder.word("river"), encoder.word("sky")
        comma = encoder.word(",")
        assert len(river) == len(sky) == len(comma) == 1
        found = encoder.schedule("river " * 60 + "," + "sky " * 40, 1)[0]
        assert found.context.shape[0] == 154
        assert found.ids[61] == comma[0] and found.ids[62] == found.ids[76]
        assert found.ids[78 : 78 + 40] == sky * 40
        assert len(encoder.schedule("river " * 76, 1)[0].ids) == 154
        assert len(encoder.schedule("river " * 75, 1)[0].ids) == 77
        assert len(encoder.schedule("river BREAK sky", 1)[0].ids) == 154

    def test_repeating_a_prompt_does_not_change_attention(self, encoder: Any) -> None:
        import torch

        found = encoder.schedule("a river", 1)[0]
        context, query = torch.stack([found.context, found.context]), torch.randn(2, 4, 8, 8)
        noise = encoder.components.unet(query, 5, context).sample
        longer = torch.stack([found.repeated(231)] * 2)
        assert torch.allclose(encoder.components.unet(query, 5, longer).sample, noise, atol=1e-4)
        once = found.places(encoder.word("river"), 77)
        assert found.places(encoder.word("river"), 231) == (*once, once[0] + 77, once[0] + 154)

    def test_words_that_are_not_in_the_prompt_have_no_place(self, encoder: Any) -> None:
        found = encoder.schedule("a river", 1)[0]
        assert found.places(encoder.word("mountain"), 77) == ()
        assert found.places((), 77) == ()
        assert encoder.schedule("a (Big:1.2) River", 1)[0].places(encoder.word("big river"), 77)

    def test_clip_skip(self, encoder: Any) -> None:
        import torch

        from t2c_ext.errors import UserError
        from t2c_ext.twin.diffusion.embeddings import PromptEncoder

        part = encoder.components.encoders[0]
        found = PromptEncoder(encoder.components, 2).schedule("a river", 1)[0]
        states = part.model(input_ids=torch.tensor([found.ids]), output_hidden_states=True).hidden_states
        assert torch.equal(found.context, part.inner.final_layer_norm(states[-2])[0])
        with pytest.raises(UserError, match="clip_skip"):
            PromptEncoder(encoder.components, 9).schedule("a river", 1)

    def test_prompts_that_change_are_encoded_once_each(self, encoder: Any) -> None:
        found = encoder.schedule("a [river|sky]", 6)
        assert found[0] is found[2] and found[1] is found[3] and found[0] is not found[1]
