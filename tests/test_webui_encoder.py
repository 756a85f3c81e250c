"""The checkpoint's own text encoder, where the paper's network can read it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

from t2c_ext.motion.text_context import WIDTH, ClipTextEncoder
from t2c_ext.webui.a1111 import Automatic1111


def _processing(engine: Any) -> Any:
    return SimpleNamespace(sd_model=SimpleNamespace(cond_stage_model=engine))


def _engine(width: int) -> Any:
    model = SimpleNamespace(config=SimpleNamespace(hidden_size=width))
    model.eval = lambda: model
    return SimpleNamespace(wrapped=SimpleNamespace(transformer=model, tokenizer=object()))


def test_an_encoder_of_the_right_width_is_taken() -> None:
    engine = _engine(WIDTH)
    found = Automatic1111(_processing(engine)).text_encoder()
    assert isinstance(found, ClipTextEncoder)
    assert found.model is engine.wrapped.transformer and found.tokenizer is engine.wrapped.tokenizer


@pytest.mark.parametrize(
    "engine", [None, _engine(1024), SimpleNamespace(), SimpleNamespace(embedders=[_engine(WIDTH)])]
)
def test_any_other_is_left_alone(engine: Any) -> None:
    assert Automatic1111(_processing(engine)).text_encoder() is None
