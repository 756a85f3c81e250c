"""The built-in miniature as a checkpoint file for AUTOMATIC1111's WebUI, with what that has to be told of it.

The WebUI reads a configuration of a checkpoint's own name beside it, and makes a model's parts by the functions that
are named there: `t2c_ext.webui.miniature`, so this extension has to be installed in it. Programs that know Stable
Diffusion 1 by its widths alone (Forge, ComfyUI) cannot read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.atomic import replacing, write_text
from t2c_ext.errors import UserError
from t2c_ext.twin.diffusion.architecture import UNET, VAE
from t2c_ext.twin.miniature import model_file
from t2c_ext.weights.states import load_state, notes_of

if TYPE_CHECKING:
    from torch import Tensor

STEM = "t2c-miniature"
PARTS = "t2c_ext.webui.miniature"
"""The module whose functions make the parts."""

LEVELS, BLOCKS = 4, 2
"""Of Stable Diffusion 1's UNet: levels, and residual blocks of each on the way down."""


def export_checkpoint(folder: Path) -> Path:
    """Write `t2c-miniature.safetensors`, in half precision, and its `.yaml`; one of ours that is there is replaced.

    Args:
        folder: the WebUI's `models/Stable-diffusion`, or another place that it looks into.

    Returns:
        The checkpoint.

    Raises:
        UserError: there is no such folder, it cannot be written to, another file has the name, safetensors is not
            installed, or this copy of the program has no built-in model.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name the WebUI's models/Stable-diffusion")
    checkpoint, config = folder / f"{STEM}.safetensors", folder / f"{STEM}.yaml"
    for path in (checkpoint, config):
        _refuse_foreign(path)
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise UserError("this needs the package safetensors: pip install safetensors") from None
    source = model_file()
    state, told = load_state(source), json.loads(notes_of(source)["architecture"])
    with replacing(checkpoint) as temporary:
        halved = {key: value.half().contiguous() for key, value in state.items()}
        save_file(halved, str(temporary), {"format": "pt", "architecture": json.dumps(told), "made_by": STEM})
        _order_notes(temporary)
    write_text(config, json.dumps(configuration(state, told), indent=2) + "\n")  # JSON is YAML, too
    return checkpoint


def _order_notes(path: Path) -> None:
    """Sort a file's metadata by name: safetensors draws an order, and a WebUI knows a model by its bytes."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        ordered = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        assert len(ordered) <= length
        file.seek(8)
        file.write(ordered.ljust(length))


def configuration(state: Mapping[str, Tensor], told: Mapping[str, Any]) -> dict[str, Any]:
    """What the WebUI makes the model by: Stable Diffusion 1's own configuration with other numbers.

    Args:
        state: the checkpoint's tensors, from whose shapes widths are read.
        told: what the shapes do not say: groups and heads, by part.
    """
    width = len(state[f"{UNET}input_blocks.0.0.bias"])
    firsts = [1 + level * (BLOCKS + 1) for level in range(LEVELS)]
    widths = [len(state[f"{UNET}input_blocks.{number}.0.out_layers.3.bias"]) for number in firsts]
    narrow = len(state[f"{VAE}encoder.conv_in.bias"])
    narrows = [len(state[f"{VAE}encoder.down.{level}.block.0.conv2.bias"]) for level in range(LEVELS)]
    unet = {
        "groups": told["unet"]["norm_num_groups"],
        "image_size": told["unet"]["sample_size"],
        "in_channels": 4,
        "out_channels": 4,
        "model_channels": width,
        "attention_resolutions": [4, 2, 1],
        "num_res_blocks": BLOCKS,
        "channel_mult": [one // width for one in widths],
        "num_heads": told["unet"]["attention_head_dim"],
        "use_spatial_transformer": True,
        "transformer_depth": 1,
        "context_dim": state[f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"].shape[1],
        "use_checkpoint": False,
        "legacy": False,
    }
    details = {
        "double_z": True,
        "z_channels": 4,
        "resolution": told["vae"]["sample_size"],
        "in_channels": 3,
        "out_ch": 3,
        "ch": narrow,
        "ch_mult": [one // narrow for one in narrows],
        "num_res_blocks": 1,
        "attn_resolutions": [],
        "dropout": 0.0,
    }
    vae = {
        "groups": told["vae"]["norm_num_groups"],
        "embed_dim": 4,
        "ddconfig": details,
        "lossconfig": {"target": "torch.nn.Identity"},
    }
    model = {
        "parameterization": "v",
        "linear_start": 0.00085,
        "linear_end": 0.012,
        "num_timesteps_cond": 1,
        "timesteps": 1000,
        "first_stage_key": "jpg",
        "cond_stage_key": "txt",
        "image_size": told["unet"]["sample_size"],
        "channels": 4,
        "cond_stage_trainable": False,
        "conditioning_key": "crossattn",
        "scale_factor": 0.18215,
        "use_ema": False,
        "unet_config": {"target": f"{PARTS}.unet", "params": unet},
        "first_stage_config": {"target": f"{PARTS}.autoencoder", "params": vae},
        "cond_stage_config": {"target": f"{PARTS}.text_encoder"},
    }
    return {"model": {"target": "ldm.models.diffusion.ddpm.LatentDiffusion", "params": model}}


def _refuse_foreign(path: Path) -> None:
    """Raise UserError where a file of that name is there that no export has written."""
    if not path.exists():
        return
    ours = path.is_file() and (
        f"{PARTS}.unet" in path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".yaml"
        else notes_of(path).get("made_by") == STEM
    )
    if not ours:
        raise UserError(f"{path} is there already, and is none of ours; move it away, or name another folder")
