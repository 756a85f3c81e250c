"""Small masks, drives, networks and text encoders for the tests of motion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fill_rule import filled_state, state_shapes

from t2c_ext.motion.binding import Drive
from t2c_ext.types import FloatArray, MotionKind, Region


def square(height: int, width: int, rows: slice = slice(None), columns: slice = slice(None)) -> FloatArray:
    """1 in the given rows and columns, 0 elsewhere."""
    mask = np.zeros((height, width), np.float32)
    mask[rows, columns] = 1
    return mask


def drive(mask: FloatArray, **changes: Any) -> Drive:
    """A region that goes to the right."""
    values: dict[str, Any] = {
        "region": Region("water", mask),
        "angle": 0.0,
        "kind": MotionKind.TRANSLATE,
        "speed": 1.0,
        "ground": False,
        "walled": True,
        "falls": False,
        "family": "water",
    }
    return Drive(**values | changes)


def save_network(path: Path, module: torch.nn.Module, salt: str = "") -> Path:
    """A checkpoint of `module`'s shapes, filled by rule."""
    torch.save(filled_state(state_shapes(module), salt), path)
    return path


def save_text_encoder(folder: Path, width: int = 768) -> Path:
    """A text encoder of two layers and a tokenizer of a few words, laid out as in Stable Diffusion's folders."""
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    model = CLIPTextModel(text_config(width)).eval()
    (folder / "text_encoder").mkdir(parents=True)
    model.config.save_pretrained(folder / "text_encoder")
    torch.save(_with_old_keys(model), folder / "text_encoder" / "pytorch_model.bin")
    save_tokenizer(folder / "tokenizer")
    assert CLIPTextConfig.from_pretrained(str(folder / "text_encoder")).hidden_size == width
    return folder


def text_config(width: int = 768) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=_END + 1,
        hidden_size=width,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=12,
        bos_token_id=_START,
        eos_token_id=_END,
        pad_token_id=_END,
    )


_START, _END = 98, 99


def save_tokenizer(folder: Path) -> Path:
    """Letters, their endings of words, and the word "river"."""
    letters = "abcdefghijklmnopqrstuvwxyz,."
    merges = [("r", "i"), ("ri", "v"), ("riv", "e"), ("rive", "r</w>")]
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocabulary = {word: number for number, word in enumerate(words)}
    vocabulary |= {"<|startoftext|>": _START, "<|endoftext|>": _END}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    rows = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def _with_old_keys(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Its state dict as Stable Diffusion's files have it, whatever transformers names its parts now."""
    state = {"text_model." + key.removeprefix("text_model."): value for key, value in model.state_dict().items()}
    return state | {"text_model.embeddings.position_ids": torch.arange(77)[None]}
