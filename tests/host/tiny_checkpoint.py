"""Make tiny random Stable Diffusion checkpoints that an A1111 WebUI loads.

Run it with the WebUI's own Python, in the WebUI's folder:

    python .../tests/host/tiny_checkpoint.py [--kind sd1 sd1-inpainting sd2-v sdxl] [--folder models/Stable-diffusion]

For each kind it writes `tiny-KIND.safetensors` (Stable Diffusion 1: `tiny.safetensors`) with its `.yaml`, and the text
encoder's folder beside them. The UNets have the block layout of their family at a tenth of its width.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

WIDTH, HEADS, CONTEXT = 32, 8, 64
LAYERS = {"hidden_size": CONTEXT, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}


def write_text_encoder(folder: Path) -> None:
    """The configuration of a small CLIP text model and the tokenizer's files."""
    import open_clip
    from open_clip.tokenizer import bytes_to_unicode

    folder.mkdir(parents=True, exist_ok=True)
    packed = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(packed.read_bytes()).decode("utf-8").split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    characters = list(bytes_to_unicode().values())
    words = [*characters, *(character + "</w>" for character in characters), *("".join(m.split()) for m in merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    config = {"model_type": "clip_text_model", "vocab_size": len(words), "max_position_embeddings": 77, **LAYERS}
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["CLIPTextModel"]}))
    end = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    kind = {"tokenizer_class": "CLIPTokenizer", "unk_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**end, **kind}))


@dataclass(frozen=True)
class Kind:
    """A family of checkpoints.

    Attributes:
        name: of the checkpoint's file.
        config: the WebUI's configuration of that family.
    """

    name: str
    config: str


STABILITY = "repositories/stable-diffusion-stability-ai/configs/stable-diffusion"
KINDS = {
    "sd1": Kind("tiny", "configs/v1-inference.yaml"),
    "sd1-inpainting": Kind("tiny-sd1-inpainting", "configs/v1-inpainting-inference.yaml"),
    "sd2-v": Kind("tiny-sd2-v", f"{STABILITY}/v2-inference-v.yaml"),
    "sdxl": Kind("tiny-sdxl", "repositories/generative-models/configs/inference/sd_xl_base.yaml"),
}
OPEN_CLIP, OPEN_CLIP_WIDTH, OPEN_CLIP_SIZES = "ViT-S-32-alt", 256, 3 * 512
"""The smallest of open_clip's text encoders, its width, and the numbers that SDXL adds for three pairs of sizes."""


def tiny_config(kind: Kind, text_encoder: Path) -> dict:
    """The WebUI's configuration of a kind with small widths."""
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(OmegaConf.load(kind.config))
    params = config["model"]["params"]
    params["first_stage_config"]["params"]["ddconfig"].update(ch=32, attn_type="vanilla")
    if "conditioner_config" in params:
        unet = params["network_config"]["params"]
        unet.update(context_dim=CONTEXT + OPEN_CLIP_WIDTH, adm_in_channels=OPEN_CLIP_WIDTH + OPEN_CLIP_SIZES)
        unet.update(spatial_transformer_attn_type="softmax", num_head_channels=8)
        first, second = params["conditioner_config"]["params"]["emb_models"][:2]
        first["params"].update(version=str(text_encoder), layer_idx=1)
        second["params"].update(arch=OPEN_CLIP)
    elif "version" in params["cond_stage_config"].get("params", {}) or "params" not in params["cond_stage_config"]:
        unet = params["unet_config"]["params"]
        unet.update(num_heads=HEADS, context_dim=CONTEXT)
        params["cond_stage_config"]["params"] = {"version": str(text_encoder)}
    else:
        unet = params["unet_config"]["params"]
        unet.update(num_head_channels=8, context_dim=OPEN_CLIP_WIDTH, use_fp16=False)
        params["cond_stage_config"]["params"].update(arch=OPEN_CLIP)
    unet.update(model_channels=WIDTH, use_checkpoint=False)
    return config


DRAWN = ("model.diffusion_model", "first_stage", "cond_stage", "conditioner")


def redraw(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every weight drawn afresh: zero-initialised layers would make constant pictures."""
    generator = torch.Generator().manual_seed(0)
    for key, value in state.items():
        if value.is_floating_point() and key.startswith(DRAWN) and value.isfinite().all() and value.ndim:
            drawn = torch.randn(value.shape, generator=generator)
            scale = value[0].numel() ** -0.5 if value.ndim > 1 else 0.1
            norm = value.ndim == 1 and key.endswith("weight")
            state[key] = (1 + 0.1 * drawn if norm else scale * drawn).to(value.dtype)
    return state


def write_checkpoint(kind: Kind, folder: Path, encoder: Path) -> None:
    """Write a kind's checkpoint and configuration."""
    from ldm.util import instantiate_from_config
    from omegaconf import OmegaConf
    from safetensors.torch import save_file

    config = tiny_config(kind, encoder)
    model = instantiate_from_config(OmegaConf.create(config)["model"])
    OmegaConf.save(OmegaConf.create(config), folder / f"{kind.name}.yaml")
    state = {key: value.contiguous() for key, value in redraw(model.state_dict()).items()}
    save_file(state, folder / f"{kind.name}.safetensors")


def main() -> None:
    """Write the checkpoints that are asked for, into the WebUI in the current folder or elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", nargs="+", default=["sd1"], choices=list(KINDS))
    parser.add_argument("--folder", type=Path, default=Path("models/Stable-diffusion"))
    given = parser.parse_args()
    sys.path[:0] = [
        str(Path(f"repositories/{name}").resolve()) for name in ("stable-diffusion-stability-ai", "generative-models")
    ]
    # a WebUI hands transformers what these encoders ask open_clip's hub for; without it they begin with random weights
    import open_clip
    from transformers import CLIPTextConfig, CLIPTextModel

    create = open_clip.create_model_and_transforms

    def create_without_weights(*names: object, pretrained: object = None, **more: object) -> object:
        return create(*names, **more)

    open_clip.create_model_and_transforms = create_without_weights
    folder = given.folder.resolve()
    encoder = folder / "tiny-text-encoder"
    write_text_encoder(encoder)
    CLIPTextModel(CLIPTextConfig.from_pretrained(encoder)).save_pretrained(encoder)
    for kind in given.kind:
        write_checkpoint(KINDS[kind], folder, encoder)


if __name__ == "__main__":
    main()
