"""The words as the text network reads them: the last hidden state of CLIP ViT-L/14's text encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from t2c_ext.errors import DOWNLOAD, UserError, Way
from t2c_ext.weights.folders import TRANSFORMER, find_weights, load_folder
from t2c_ext.weights.states import fill_module

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = 77
"""Tokens of a text: padded with the end token, or cut."""

WIDTH = 768
"""Width of the encoder's hidden state."""

_PREFIX = "text_model."
_POSITIONS = "position_ids"


class TextEncoder(Protocol):
    """Whatever turns a text into the encoder's last hidden state, after its final layer norm."""

    def __call__(self, text: str) -> Tensor:
        """float32 [1, 77, 768]."""
        ...


class ClipTextEncoder:
    """The encoder and tokenizer of transformers.

    Args:
        tokenizer: a CLIPTokenizer.
        model: a CLIPTextModel.

    Raises:
        UserError: the model's hidden state is not 768 wide.
    """

    def __init__(self, tokenizer: Any, model: Any) -> None:
        width = model.config.hidden_size
        if width != WIDTH:
            raise UserError(
                f"the text encoder is {width} wide, but motion-pretrained reads {WIDTH}; "
                "use that of Stable Diffusion 1 (CLIP ViT-L/14)"
            )
        self.tokenizer = tokenizer
        self.model = model.eval()

    def __call__(self, text: str) -> Tensor:
        """As `TextEncoder`. All tokens take part, padding included: the network was trained so."""
        import torch

        tokens = self.tokenizer(
            text, max_length=TOKENS, padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids
        with torch.inference_mode():
            state: Tensor = self.model(input_ids=tokens.to(self.model.device)).last_hidden_state
        return state.float().cpu()


def load_text_encoder(folder: Path) -> ClipTextEncoder:
    """The text encoder in a folder; nothing is downloaded.

    Args:
        folder: holds `text_encoder/` and `tokenizer/` as Stable Diffusion's folders do, or is itself the folder of a
            CLIP model of transformers.

    Raises:
        UserError: transformers is not installed, a file is missing or damaged, or it is another encoder.
    """
    try:
        from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    except ImportError:
        raise UserError("the text network needs the package transformers: pip install transformers") from None
    inner = folder / "text_encoder"
    encoder, words = (inner, folder / "tokenizer") if inner.is_dir() else (folder, folder)
    weights = find_weights(encoder, TRANSFORMER)
    needed = {encoder / "config.json", words / "vocab.json", words / "merges.txt"}
    missing = sorted(str(path) for path in needed if not path.is_file())
    missing += [] if weights is not None else [str(encoder / "model.safetensors")]
    if weights is None or missing:
        raise UserError(f"the text encoder lacks {missing[0]}", ways=[Way("get clip-text", DOWNLOAD, "clip-text")])
    model = CLIPTextModel(CLIPTextConfig(**_text_config(encoder / "config.json")))
    _fill(model, encoder)
    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(words), local_files_only=True)
    except Exception:  # each version of transformers has its own for a damaged vocabulary
        raise UserError(f"the tokenizer in {words} is damaged; download it again") from None
    return ClipTextEncoder(tokenizer, model)


def _fill(model: Any, folder: Path) -> None:
    """Fill the model, whether transformers puts `text_model.` before its keys (up to version 4) or not."""
    own = model.state_dict()
    prefix = _PREFIX if all(key.startswith(_PREFIX) for key in own) else ""
    state = load_folder(folder, TRANSFORMER)
    # a whole CLIP's file holds the vision part too
    text = {key for key in state if key.startswith(_PREFIX)} or set(state)
    renamed = {prefix + key.removeprefix(_PREFIX): value for key, value in state.items() if key in text}
    positions = {key: value for key, value in own.items() if key.endswith(_POSITIONS)}
    learnt = {key: value for key, value in renamed.items() if not key.endswith(_POSITIONS)}
    fill_module(model, learnt | positions, folder)


def _text_config(path: Path) -> dict[str, Any]:
    """The settings of the text part, from the config of a text model or of a whole CLIP."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        inner: dict[str, Any] = values.get("text_config") or values
    except (ValueError, AttributeError):
        raise UserError(f"{path} is not the config of a CLIP model; download it again") from None
    return {key: value for key, value in inner.items() if key not in ("model_type", "architectures", "torch_dtype")}
