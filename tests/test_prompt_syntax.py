"""The WebUI's syntax: what is text, what stays when words are cut, and texts that nobody foresaw."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.prompt import parse
from t2c_ext.prompt.syntax import cut, plain
from t2c_ext.settings import PromptSettings


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("(river:1.3) flowing", "river flowing"),
        ("((river)), [fog]", "river , fog"),
        ("a <lora:ink:0.8> river", "a river"),
        ("[cow|horse] left", "cow|horse left"),
        ("[lake:river:0.5] left", "lake,river left"),
        ("[river:0.5] left", "river left"),
        (r"mira \(series\)", "mira (series )"),
        ("__season__ river", "river"),
        ("a river BREAK fog", "a river \f fog"),
        ("a river AND fog :1.2", "a river \f fog"),
        ("A RIVER AND FOG", "A RIVER AND FOG"),
        ("(open river", "open river"),
        ("12:30, river", "12:30, river"),
    ],
)
def test_plain_words(prompt: str, words: str) -> None:
    text = plain(prompt).text
    assert len(text) == len(prompt)
    assert re.sub(" +", " ", text).strip(" ").replace(" |", "|") == words


@pytest.mark.parametrize(
    ("prompt", "art"),
    [
        ("a river flowing left, 4k", "a river flowing, 4k"),
        ("(river:1.3) flowing left, <lora:ink:0.8>", "(river:1.3) flowing, <lora:ink:0.8>"),
        ("(clouds:1.2) drifting to the (left:1.1), <lora:p:1>", "(clouds:1.2) drifting, <lora:p:1>"),
        ("a (river flowing left:1.1), best", "a (river flowing:1.1), best"),
        ("river, left to right, 4k", "river, 4k"),
        ("moving clouds, left to right", "moving clouds"),
        ("leftward-flowing river", "flowing river"),
        ("river flowing in right to left, upwards direction in fog", "river flowing in fog"),
        ("river flowing in right to left, upwards direction", "river flowing"),
        ("a waterfall cascading down a cliff", "a waterfall cascading down a cliff"),
        ("a house on the left, rain falling", "a house on the left, rain falling"),
        ("a boat sailing left on a lake", "a boat sailing left on a lake"),
        ("river flowing [left|right]", "river flowing [left|right]"),
        ("river flowing left BREAK castle", "river flowing BREAK castle"),
    ],
)
def test_art_prompt_loses_only_the_direction(prompt: str, art: str) -> None:
    assert parse(PromptSettings(prompt=prompt)).art_prompt == art


def test_cut_never_empties_an_option() -> None:
    assert cut("[left|right]", [(1, 5)], [(1, 5), (6, 11)]) == "[left|right]"
    assert cut("[go left|right]", [(4, 8)], [(1, 8), (9, 14)]) == "[go|right]"


WORDS = (
    *("river", "clouds", "waves", "a", "the", "left", "right", "up", "down", "to", "from", "flowing", "drifting"),
    *("falling", "in", "direction", "and", ",", ".", "(", ")", "[", "]", "|", ":", "(fog:1.3)", "<lora:ink:0.8>"),
    *("[lake:sea:0.4]", "BREAK", "AND", "upwards", "of", "on", "clockwise", "at", "30", "degrees", "\\(", "\\)"),
    *("{", "}", "0.5", "north", "falls", "that", "it", "→", "-", "waterfall", "boat", "not", "with", "swirling"),
    *("side", "[foam|mist]", "flow"),
)
PROMPTS = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)
NETWORKS = re.compile(r"<\w+:[^<>]*>")


@settings(max_examples=300)
@given(st.text(max_size=300) | PROMPTS)
def test_any_text_is_read_and_always_alike(prompt: str) -> None:
    chosen = PromptSettings(prompt=prompt)
    plan = parse(chosen)
    assert plan == parse(chosen)
    assert all(motion.region in prompt for motion in plan.motions)
    assert {motion.region for motion in plan.motions} <= set(plan.regions)
    assert len(plan.art_prompt) <= len(prompt)


@settings(max_examples=300)
@given(PROMPTS)
def test_extra_networks_and_weighted_words_stay(prompt: str) -> None:
    art = parse(PromptSettings(prompt=prompt)).art_prompt
    assert NETWORKS.findall(art) == NETWORKS.findall(prompt)
    assert art.count("(fog:1.3)") == prompt.count("(fog:1.3)")
    assert art.count("[lake:sea:0.4]") == prompt.count("[lake:sea:0.4]")
    assert art.count("BREAK") == prompt.count("BREAK")


def test_a_noun_that_turns_out_an_adjective_keeps_its_verb() -> None:
    plan = parse(PromptSettings(prompt="drifting side drifting (fog:1.3)"))
    assert plan.art_prompt == "drifting side drifting (fog:1.3)" and plan.regions == ("fog",)


@settings(max_examples=100)
@given(st.text(max_size=200), st.text(max_size=100))
def test_the_options_never_raise(prompt: str, motion: str) -> None:
    for phrases in ("any", "paper"):
        parse(PromptSettings(prompt=prompt, motion=motion, phrases=phrases, angle="random", seed=1))


@pytest.mark.parametrize(
    "piece",
    [
        "a river flowing left, ",
        "and clouds ",
        "((((",
        "[[a|b",
        "flowing ",
        "left to right, ",
        "from the ",
        "in upwards direction ",
        "in ",
        " ",
        ":",
        ":1.",
        "<lora:",
        "9",
        "river ",
        "slightly ",
        "\\(",
        "[a:b:",
    ],
)
@pytest.mark.parametrize("phrases", ["any", "paper"])
def test_ten_thousand_characters_take_well_under_a_second(piece: str, phrases: str) -> None:
    prompt = (piece * (10_000 // len(piece) + 1))[:10_000]
    parse(PromptSettings(prompt="a river"))

    def seconds() -> float:
        start = time.process_time()
        parse(PromptSettings(prompt=prompt, phrases=phrases))
        return time.process_time() - start

    assert any(seconds() < 0.8 for _ in range(5)), "what else the machine does may disturb one or another"
