"""Which layer a key of a low-rank file belongs to: the names of kohya's scripts, LyCORIS, diffusers and PEFT."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_KOHYA = re.compile(r"(lora_unet|lora_te1|lora_te2|lora_te)_([^.]+)\.(.+)")
_DOTTED = re.compile(
    r"(?:base_model\.model\.)?(?:(unet|text_encoder_2|text_encoder)\.)?(.+?)"
    r"[._](lora_A|lora_B|lora\.down|lora\.up|lora_linear_layer\.down|lora_linear_layer\.up|lora_magnitude_vector"
    r"|(?:hada|lokr)_\w+|alpha|dora_scale)(?:\.default)?(?:\.weight)?"
)
_NETWORKS = {
    "lora_unet": "unet",
    "lora_te": "text_encoder",
    "lora_te1": "text_encoder",
    "lora_te2": "text_encoder_2",
    None: "unet",
}
_PARTS = {
    "lora_A": "lora_down",
    "lora.down": "lora_down",
    "lora_linear_layer.down": "lora_down",
    "lora_B": "lora_up",
    "lora.up": "lora_up",
    "lora_linear_layer.up": "lora_up",
    "lora_magnitude_vector": "magnitude",
}

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")


@dataclass(frozen=True)
class Place:
    """Where a tensor of a file belongs.

    Attributes:
        network: "unet", "text_encoder" or "text_encoder_2".
        layer: the layer's name with underscores in place of dots.
        part: what of the layer's low-rank form it is, as `lora_deltas` names it.
    """

    network: str
    layer: str
    part: str


def place_of(key: str) -> Place | None:
    """Where a key belongs, or None for one of no known form."""
    kohya = _KOHYA.fullmatch(key)
    if kohya:
        part = kohya[3].removesuffix(".weight") if kohya[3].startswith("lora_") else kohya[3]
        return Place(_NETWORKS[kohya[1]], kohya[2], part)
    dotted = _DOTTED.fullmatch(key)
    if not dotted:
        return None
    layer = dotted[2].replace(".processor.", ".")
    layer += ".0" if layer.endswith(".to_out") else ""
    return Place(dotted[1] or "unet", layer.replace(".", "_"), _PARTS.get(dotted[3], dotted[3]))


def grouped(state: Mapping[str, Tensor]) -> tuple[dict[tuple[str, str], dict[str, Tensor]], list[str]]:
    """A file's tensors by network and layer, then by part; and the keys of no known form."""
    layers: dict[tuple[str, str], dict[str, Tensor]] = {}
    unknown = []
    for key, value in state.items():
        place = place_of(key)
        if place is None:
            unknown.append(key)
        else:
            layers.setdefault((place.network, place.layer), {})[place.part] = value
    return layers, unknown


def with_alphas(
    layers: Mapping[tuple[str, str], Mapping[str, Tensor]], notes: str
) -> dict[tuple[str, str], dict[str, Tensor]]:
    """The layers with the alpha that diffusers keeps in the file's notes in place of the tensors.

    Args:
        layers: as `grouped` gives them; an alpha among the tensors stays.
        notes: the note `lora_adapter_metadata`, JSON with keys such as "unet.lora_alpha"; "" without one.

    Raises:
        ValueError: the notes give each layer its own alpha.
    """
    import torch

    try:
        said = json.loads(notes or "{}")
        found = {}
        for (network, layer), parts in layers.items():
            if said.get(f"{network}.alpha_pattern"):
                raise ValueError("its notes give each layer another alpha, which is not supported")
            alpha = said.get(f"{network}.lora_alpha")
            own = dict(parts)
            if alpha is not None and "lora_down" in parts and "alpha" not in parts:
                rank = parts["lora_down"].shape[0]
                own["alpha"] = torch.tensor(float(alpha) * (rank**0.5 if said.get(f"{network}.use_rslora") else 1.0))
            found[network, layer] = own
    except (json.JSONDecodeError, AttributeError, TypeError, RecursionError):
        raise ValueError("its notes are damaged") from None
    return found


def layers_of(network: Any, is_unet: bool) -> dict[str, Any]:
    """A network's modules that have a weight, by every name that files give them, with underscores."""
    found = {}
    per_block = int(network.config.layers_per_block) if is_unet else 0
    attending = {name.split(".attentions.")[0] for name, _ in network.named_modules() if ".attentions." in name}
    for name, module in network.named_modules():
        if getattr(module, "weight", None) is None:
            continue
        names = [name, _original(name, per_block, attending)] if is_unet else [name, "text_model." + name]
        for one in names:
            found[one.replace(".", "_")] = module
    return found


def _original(name: str, per_block: int, attending: set[str]) -> str:
    """A layer of diffusers' UNet by the name that it has in the original layout."""
    if name in _ENDS:
        return _ENDS[name]
    middle = _MIDDLE.fullmatch(name)
    if middle:
        number = 1 if middle[1] == "attentions" else 2 * int(middle[2])
        return f"middle_block.{number}.{_inner(middle[1], middle[3])}"
    block = _BLOCK.fullmatch(name)
    if not block:
        return name
    way, level, kind, number, rest = block[1], int(block[2]), block[3], int(block[4]), block[5]
    start = level * (per_block + 1)
    if kind == "downsamplers":
        return f"input_blocks.{start + per_block + 1}.0.op"
    if kind == "upsamplers":
        return f"output_blocks.{start + per_block}.{2 if f'up_blocks.{level}' in attending else 1}.{rest}"
    place = f"input_blocks.{start + number + 1}" if way == "down" else f"output_blocks.{start + number}"
    return f"{place}.{0 if kind == 'resnets' else 1}.{_inner(kind, rest)}"


def _inner(kind: str, rest: str) -> str:
    return _RESNET.get(rest, rest) if kind == "resnets" else rest
