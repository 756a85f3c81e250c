"""Tiny models of the segmenters' architectures, saved as their real ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
load_file = pytest.importorskip("safetensors.torch").load_file
save_file = pytest.importorskip("safetensors.torch").save_file

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
LABELS = ("sky", "tree", "water")
MEAN, DEVIATION = [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]


def need(*classes: str) -> None:
    """Skip where the installed transformers lacks one of the classes."""
    for name in classes:
        if not hasattr(transformers, name):
            pytest.skip(f"transformers {transformers.__version__} has no {name}")


def numbered(labels: tuple[str, ...]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(labels)), "label2id": {label: index for index, label in enumerate(labels)}}


def write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def image_settings(folder: Path, kind: str, size: dict[str, int], **more: object) -> None:
    """A preprocessor_config.json as the hub's repositories have it."""
    settings = {
        "image_processor_type": kind,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "rescale_factor": 1 / 255,
        "resample": 2,
        "size": size,
        "image_mean": MEAN,
        "image_std": DEVIATION,
    }
    write_json(folder / "preprocessor_config.json", settings | more)


def save(model: Any, folder: Path) -> Path:
    """As safetensors, in every version of transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def swin() -> Any:
    return transformers.SwinConfig(
        image_size=32, patch_size=4, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip


def segformer(folder: Path, labels: tuple[str, ...] = LABELS, size: int = 64) -> Path:
    torch.manual_seed(0)
    config = transformers.SegformerConfig(
        num_encoder_blocks=4, depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 8], num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8, **numbered(labels),
    )  # fmt: skip
    save(transformers.SegformerForSemanticSegmentation(config), folder)
    image_settings(folder, "SegformerImageProcessor", {"height": size, "width": size})
    return folder


def colour_segformer(folder: Path, labels: tuple[str, ...] = LABELS, size: int = 128) -> Path:
    """A SegFormer whose class 0, 1, 2 is what is red, green, blue.

    The encoder's first stage hands the three colours of each patch through, as one-sided channels, and the head reads
    them.
    """
    segformer(folder, labels, size)
    weights = load_file(folder / "model.safetensors")
    for name, values in weights.items():
        one = name.endswith("running_var") or (name.endswith("weight") and values.dim() == 1)
        weights[name] = torch.ones_like(values) if one else torch.zeros_like(values)
    colours = weights["segformer.encoder.patch_embeddings.0.proj.weight"]
    width = weights["decode_head.classifier.weight"].shape[1]
    for channel in range(3):
        colours[channel, channel] = 1 / colours[0, 0].numel()
        weights["decode_head.linear_c.0.proj.weight"][channel, channel] = 1.0
        weights["decode_head.linear_fuse.weight"][channel, -width + channel] = 1.0
        weights["decode_head.classifier.weight"][channel, channel] = 8.0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def mask2former(folder: Path, labels: tuple[str, ...] = LABELS) -> Path:
    need("Mask2FormerForUniversalSegmentation")
    torch.manual_seed(0)
    config = transformers.Mask2FormerConfig(
        backbone_config=swin(), feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=16,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=16, num_queries=5,
        use_pretrained_backbone=False, **numbered(labels),
    )  # fmt: skip
    save(transformers.Mask2FormerForUniversalSegmentation(config), folder)
    image_settings(folder, "Mask2FormerImageProcessor", {"shortest_edge": 64, "longest_edge": 160}, size_divisor=32)
    return folder


def oneformer(folder: Path, labels: tuple[str, ...] = LABELS) -> Path:
    need("OneFormerForUniversalSegmentation")
    torch.manual_seed(0)
    config = transformers.OneFormerConfig(
        backbone_config=swin(), conv_dim=32, mask_dim=32, hidden_dim=32, encoder_feedforward_dim=16, encoder_layers=1,
        decoder_layers=2, num_attention_heads=2, dim_feedforward=16, num_queries=5, task_seq_len=77,
        text_encoder_width=16, text_encoder_context_length=77, text_encoder_num_layers=1,
        text_encoder_vocab_size=600, text_encoder_n_ctx=4,
        use_pretrained_backbone=False, is_training=False, **numbered(labels),
    )  # fmt: skip
    save(transformers.OneFormerForUniversalSegmentation(config), folder)
    image_settings(
        folder, "OneFormerImageProcessor", {"shortest_edge": 64, "longest_edge": 160},
        repo_path="shi-labs/oneformer_demo", class_info_file="ade20k_panoptic.json", num_text=3,
        metadata={"0": "sky", "class_names": list(labels), "thing_ids": []}, ignore_index=255,
    )  # fmt: skip
    clip_tokenizer(folder)
    return folder


def clip_tokenizer(folder: Path) -> int:
    """The files of a byte-level CLIP tokenizer without merges; its number of tokens."""
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(letter + "</w>" for letter in letters), "th", "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "vocab.json", {token: index for index, token in enumerate(tokens)})
    (folder / "merges.txt").write_text("#version: 0.2\nt h\n", encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "CLIPTokenizer", "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "model_max_length": 77,
    })  # fmt: skip
    return len(tokens)


def clipseg(folder: Path) -> Path:
    torch.manual_seed(0)
    count = clip_tokenizer(folder)
    text = {
        "vocab_size": count, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "max_position_embeddings": 77, "bos_token_id": count - 2, "eos_token_id": count - 1,
        "pad_token_id": count - 1,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    config = transformers.CLIPSegConfig(
        text_config=text, vision_config=vision, projection_dim=16, reduce_dim=16, extract_layers=[0, 1, 2],
        decoder_num_attention_heads=2, decoder_intermediate_size=16, conditional_layer=0,
    )  # fmt: skip
    save(transformers.CLIPSegForImageSegmentation(config), folder)
    image_settings(folder, "ViTImageProcessor", {"height": 32, "width": 32}, processor_class="CLIPSegProcessor")
    return folder


def grounding_dino(folder: Path) -> Path:
    need("GroundingDinoForObjectDetection")
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "river", "smoke", "sky", "the"]
    text = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=32, patch_size=4, embed_dim=16, depths=[1, 1, 1], num_heads=[1, 1, 2], window_size=4,
            out_features=["stage2", "stage3"],
        ),
        text_config=text, num_feature_levels=3, d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2, num_queries=12, max_text_len=16,
        use_pretrained_backbone=False, disable_custom_kernels=True,
    )  # fmt: skip
    save(transformers.GroundingDinoForObjectDetection(config), folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    image_settings(folder, "GroundingDinoImageProcessor", {"shortest_edge": 64, "longest_edge": 160})
    return folder


def sam2(folder: Path) -> Path:
    need("Sam2Model")
    torch.manual_seed(0)
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=16, num_attention_heads=1, image_size=[64, 64], blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128], num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[4, 2, 2, 2], window_positional_embedding_background_size=[4, 4],
        global_attention_blocks=[3], query_stride=[2, 2],
    )  # fmt: skip
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[128, 64, 32, 16], fpn_hidden_size=32,
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
    )  # fmt: skip
    config = transformers.Sam2Config(
        vision_config=vision,
        prompt_encoder_config=transformers.Sam2PromptEncoderConfig(hidden_size=32, image_size=64, patch_size=16),
        mask_decoder_config=transformers.Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=32, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=16
        ),
    )
    save(transformers.Sam2Model(config), folder)
    image_settings(folder, "Sam2ImageProcessor", {"height": 64, "width": 64})
    return folder


def stripes(height: int, width: int) -> np.ndarray:
    """Red above, blue below, with a green right quarter."""
    picture = np.zeros((height, width, 3), np.float32)
    picture[: height // 2] = RED
    picture[height // 2 :] = BLUE
    picture[:, width - width // 4 :] = GREEN
    return picture


def sam3(folder: Path) -> Path:
    need("Sam3Model")
    pytest.importorskip("torchvision", reason="SAM 3 needs torchvision, which is not installed")
    torch.manual_seed(0)
    count = clip_tokenizer(folder)
    backbone = transformers.Sam3ViTConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14,
        window_size=2, global_attn_indexes=[1], pretrain_image_size=28,
    )  # fmt: skip
    narrow = {"hidden_size": 32, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.Sam3Config(
        vision_config=transformers.Sam3VisionConfig(
            backbone_config=backbone, fpn_hidden_size=32, backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]]
        ),
        text_config={
            "vocab_size": count, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 32, "projection_dim": 16,
            "eos_token_id": count - 1, "bos_token_id": count - 2, "pad_token_id": count - 1,
        },
        geometry_encoder_config=narrow, detr_encoder_config=narrow, detr_decoder_config=narrow | {"num_queries": 6},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )  # fmt: skip
    save(transformers.Sam3Model(config), folder)
    image_settings(folder, "Sam3ImageProcessor", {"height": 56, "width": 56})
    return folder
