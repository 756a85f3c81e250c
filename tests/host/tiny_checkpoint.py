"""Make a tiny random Stable Diffusion 1 checkpoint that an A1111 WebUI loads.

Run it with the WebUI's own Python, in the WebUI's folder:

    python .../tests/host/tiny_checkpoint.py

It writes `models/Stable-diffusion/tiny.safetensors` with its `tiny.yaml`, and the text encoder's folder beside them.
The UNet has the block layout of Stable Diffusion 1 at a tenth of its width.
"""

from __future__ import annotations

import gzip
import json
import sys
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


def tiny_config(source: Path, text_encoder: Path) -> dict:
    """The WebUI's Stable Diffusion 1 configuration with small widths."""
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(OmegaConf.load(source))
    params = config["model"]["params"]
    params["unet_config"]["params"].update(model_channels=WIDTH, num_heads=HEADS, context_dim=CONTEXT)
    params["first_stage_config"]["params"]["ddconfig"].update(ch=32)
    params["cond_stage_config"]["params"] = {"version": str(text_encoder)}
    return config


def redraw(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every weight drawn afresh: zero-initialised layers would make constant pictures."""
    generator = torch.Generator().manual_seed(0)
    for key, value in state.items():
        if value.is_floating_point() and key.startswith(("model.diffusion_model", "first_stage", "cond_stage")):
            drawn = torch.randn(value.shape, generator=generator)
            scale = value[0].numel() ** -0.5 if value.ndim > 1 else 0.1
            norm = value.ndim == 1 and key.endswith("weight")
            state[key] = (1 + 0.1 * drawn if norm else scale * drawn).to(value.dtype)
    return state


def main() -> None:
    """Write the checkpoint into the WebUI in the current folder."""
    sys.path[:0] = [str(Path("repositories/stable-diffusion-stability-ai").resolve())]
    from ldm.util import instantiate_from_config
    from omegaconf import OmegaConf
    from safetensors.torch import save_file
    from transformers import CLIPTextConfig, CLIPTextModel

    folder = Path("models/Stable-diffusion").resolve()
    encoder = folder / "tiny-text-encoder"
    write_text_encoder(encoder)
    CLIPTextModel(CLIPTextConfig.from_pretrained(encoder)).save_pretrained(encoder)
    config = tiny_config(Path("configs/v1-inference.yaml"), encoder)
    OmegaConf.save(OmegaConf.create(config), folder / "tiny.yaml")
    model = instantiate_from_config(OmegaConf.create(config)["model"])
    save_file(
        {key: value.contiguous() for key, value in redraw(model.state_dict()).items()}, folder / "tiny.safetensors"
    )


if __name__ == "__main__":
    main()
