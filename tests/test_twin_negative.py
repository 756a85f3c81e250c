"""The twin's own negative prompt."""

from __future__ import annotations

import pytest

from t2c_ext.lexicon import load_lexicon
from t2c_ext.prompt.directions import read_text
from t2c_ext.prompt.natural import style_terms
from t2c_ext.twin.negative import natural_negative


@pytest.mark.parametrize(
    ("negative", "wanted"),
    [
        ("", ""),
        ("blurry, ugly", "blurry, ugly"),
        ("photo, blurry", "blurry"),
        ("blurry, photorealistic, ugly, 3d render", "blurry, ugly"),
        ("(photo:1.4), text", "text"),
        ("(photo, realistic:1.3), text", "text"),
        ("(realistic, blurry:1.3), text", "(blurry:1.3), text"),
        ("(blurry, photo:1.3)", "(blurry:1.3)"),
        ("photograph of a dog", "photograph of a dog"),
        ("unrealistic, realistic hands", "unrealistic, realistic hands"),
        ("[photo|painting]", "[|painting]"),
        ("Photo-Realistic, CGI", ""),
    ],
)
def test_realism_is_no_fault_of_a_twin(negative: str, wanted: str) -> None:
    assert natural_negative(negative) == wanted


def test_the_pictures_style_is() -> None:
    assert natural_negative("photo, blurry", ["oil painting", "van gogh"]) == "blurry, oil painting, van gogh"
    assert natural_negative("oil painting", ["Oil painting"]) == "oil painting"


@pytest.mark.parametrize(
    ("prompt", "styles"),
    [
        ("a river under mountains", ()),
        ("a river, oil painting", ("oil painting",)),
        ("a river by Van Gogh, at night", ("van gogh",)),
        ("a waterfall in the style of ukiyo-e, mist", ("ukiyo-e",)),
        ("anime style waterfall flowing down", ("anime",)),
        ("a lake, style of Monet", ("monet",)),
        ("a lake by night, oil painting", ("oil painting",)),
        ("a pond, sumi-e", ("sumi-e",)),
        ("a pond, neon, comic book", ("neon", "comic book")),
        ("a pond, vorticism", ("vorticism",)),
        ("masterpiece, best quality, highly detailed, a waterfall, anime", ("anime",)),
        ("a photo of a waterfall, 35mm, bokeh, cinematic, 8k", ()),
        ("a waterfall, film noir, detailed illustration", ("film noir", "detailed illustration")),
    ],
)
def test_terms_of_style_are_those_that_the_natural_prompt_leaves_out(prompt: str, styles: tuple[str, ...]) -> None:
    assert style_terms(read_text(prompt), load_lexicon()) == styles
