"""Tiny UNets of Stable Diffusion 1, 2 and XL: diffusers' own, and one with the original code's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from fill_rule import filled_state, state_shapes
from torch import Tensor, nn
from torch.nn import functional

FAMILIES = ("sd1", "sd2", "sdxl")
CONTEXT = 24
POOLED = 16
TIME_IDS = 6
TIME_ID_WIDTH = 8


@dataclass(frozen=True)
class TinyConfig:
    """A UNet's structure; `depths` and `heads` are those of each level (depth 0: no transformer)."""

    channels: tuple[int, ...]
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    linear: bool = False
    context: int = CONTEXT
    vector: int = 0
    in_channels: int = 4
    middle_depth: int = 1


CONFIGS = {
    "sd1": TinyConfig((32, 32, 64, 64), (1, 1, 1, 0), (4, 4, 4, 4)),
    "sd2": TinyConfig((32, 32, 64, 64), (1, 1, 1, 0), (2, 2, 4, 4), linear=True),
    "sdxl": TinyConfig(
        (32, 32, 64), (0, 1, 2), (2, 2, 4), linear=True, vector=POOLED + TIME_IDS * TIME_ID_WIDTH, middle_depth=2
    ),
}


def fill(module: nn.Module, salt: str = "tiny/") -> nn.Module:
    """The module with weights made from the fill rule, ready to run."""
    module.load_state_dict(filled_state(state_shapes(module), salt))
    return module.eval().requires_grad_(False)


def diffusers_unet(family: str, salt: str = "tiny/") -> Any:
    """A tiny `UNet2DConditionModel` of a family."""
    return fill(empty_diffusers_unet(CONFIGS[family]), salt)


def empty_diffusers_unet(config: TinyConfig) -> Any:
    """The `UNet2DConditionModel` of a structure."""
    from diffusers import UNet2DConditionModel

    down = tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in config.depths)
    extra: dict[str, Any] = {}
    if config.vector:
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": TIME_ID_WIDTH,
            "projection_class_embeddings_input_dim": config.vector,
        }
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=config.in_channels,
        block_out_channels=config.channels,
        layers_per_block=2,
        down_block_types=down,
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        transformer_layers_per_block=tuple(max(depth, 1) for depth in config.depths),
        attention_head_dim=config.heads,
        cross_attention_dim=config.context,
        use_linear_projection=config.linear,
        norm_num_groups=32,
        **extra,
    )


def conditions(family: str, rows: int, seed: int = 0, tokens: int = 9) -> dict[str, Any]:
    """Random conditions for `rows` rows: arguments of both UNets (`added_cond_kwargs` only of diffusers')."""
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, Any] = {"encoder_hidden_states": torch.randn(rows, tokens, CONTEXT, generator=generator)}
    if CONFIGS[family].vector:
        pooled = torch.randn(rows, POOLED, generator=generator)
        sizes = torch.tensor([[128.0, 96.0, 0.0, 0.0, 128.0, 96.0]]).repeat(rows, 1)
        found["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": sizes}
    return found


def pick(found: dict[str, Any], places: Sequence[int]) -> dict[str, Any]:
    """The conditions of some of the rows."""
    index = list(places)
    return {
        key: value[index] if isinstance(value, Tensor) else {name: part[index] for name, part in value.items()}
        for key, value in found.items()
    }


class LdmUNet(nn.Module):
    """A UNet with the module names of the original code; it is called as diffusers' is, so that tests serve both."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.width = config.channels[0]
        wide = self.width * 4
        self.time_embed = nn.Sequential(nn.Linear(self.width, wide), nn.SiLU(), nn.Linear(wide, wide))
        if config.vector:
            layers = nn.Sequential(nn.Linear(config.vector, wide), nn.SiLU(), nn.Linear(wide, wide))
            self.label_emb = nn.Sequential(layers)
        now = self.width
        self.input_blocks = nn.ModuleList([Steps(nn.Conv2d(config.in_channels, now, 3, padding=1))])
        skips = [now]
        for level, channels in enumerate(config.channels):
            for _ in range(2):
                self.input_blocks.append(_stage(config, now, channels, wide, level))
                now = channels
                skips.append(now)
            if level < len(config.channels) - 1:
                self.input_blocks.append(Steps(Downsample(now)))
                skips.append(now)
        last = len(config.channels) - 1
        middle = SpatialTransformer(now, config.heads[last], config.middle_depth, config.context, config.linear)
        self.middle_block = Steps(ResBlock(now, now, wide), middle, ResBlock(now, now, wide))
        self.output_blocks = nn.ModuleList()
        for level in range(last, -1, -1):
            for number in range(3):
                stage = _stage(config, now + skips.pop(), config.channels[level], wide, level)
                now = config.channels[level]
                if number == 2 and level:
                    stage.append(Upsample(now))
                self.output_blocks.append(stage)
        self.out = nn.Sequential(nn.GroupNorm(32, now), nn.SiLU(), nn.Conv2d(now, 4, 3, padding=1))

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor | float,
        encoder_hidden_states: Tensor,
        added_cond_kwargs: dict[str, Tensor] | None = None,
    ) -> Any:
        times = torch.as_tensor(timesteps, device=x.device).expand(x.shape[0])
        emb = self.time_embed(sinusoids(times, self.width).to(x.dtype))
        if added_cond_kwargs is not None:
            sizes = added_cond_kwargs["time_ids"]
            parts = sinusoids(sizes.flatten(), TIME_ID_WIDTH).reshape(len(sizes), -1)
            vector = torch.cat([added_cond_kwargs["text_embeds"], parts.to(x.dtype)], dim=1)
            emb = emb + self.label_emb(vector)
        kept = []
        for block in self.input_blocks:
            x = block(x, emb, encoder_hidden_states)
            kept.append(x)
        x = self.middle_block(x, emb, encoder_hidden_states)
        for block in self.output_blocks:
            x = block(torch.cat([x, kept.pop()], dim=1), emb, encoder_hidden_states)
        return Noise(self.out(x))


@dataclass(frozen=True)
class Noise:
    sample: Tensor


class Steps(nn.Sequential):
    """Layers in a row, each with what it needs."""

    def forward(self, x: Tensor, emb: Tensor, context: Tensor) -> Tensor:  # type: ignore[override]
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, emb)
            elif isinstance(layer, SpatialTransformer):
                x = layer(x, context)
            else:
                x = layer(x)
        return x


def _stage(config: TinyConfig, before: int, after: int, wide: int, level: int) -> Steps:
    layers: list[nn.Module] = [ResBlock(before, after, wide)]
    if config.depths[level]:
        transformer = (config.heads[level], config.depths[level], config.context, config.linear)
        layers.append(SpatialTransformer(after, *transformer))
    return Steps(*layers)


def sinusoids(values: Tensor, width: int) -> Tensor:
    """[n] -> [n, width]: cosines, then sines."""
    half = width // 2
    angles = values[:, None].float() * torch.exp(-math.log(10000) * torch.arange(half) / half)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class ResBlock(nn.Module):
    def __init__(self, before: int, after: int, wide: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(32, before), nn.SiLU(), nn.Conv2d(before, after, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(wide, after))
        last = nn.Conv2d(after, after, 3, padding=1)
        self.out_layers = nn.Sequential(nn.GroupNorm(32, after), nn.SiLU(), nn.Dropout(0.0), last)
        self.skip_connection = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        inner = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(inner)


class SpatialTransformer(nn.Module):
    def __init__(self, channels: int, heads: int, depth: int, context: int, linear: bool) -> None:
        super().__init__()
        self.linear = linear
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels) if linear else nn.Conv2d(channels, channels, 1)
        blocks = [TransformerBlock(channels, heads, context) for _ in range(depth)]
        self.transformer_blocks = nn.ModuleList(blocks)
        self.proj_out = nn.Linear(channels, channels) if linear else nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        height, width = x.shape[2:]
        inner = self.norm(x)
        inner = self.proj_in(inner.flatten(2).mT) if self.linear else self.proj_in(inner).flatten(2).mT
        for block in self.transformer_blocks:
            inner = block(inner, context)
        if self.linear:
            return x + self.proj_out(inner).mT.unflatten(2, (height, width))
        return x + self.proj_out(inner.mT.unflatten(2, (height, width)))


class TransformerBlock(nn.Module):
    def __init__(self, channels: int, heads: int, context: int) -> None:
        super().__init__()
        self.attn1 = CrossAttention(channels, channels, heads)
        self.ff = FeedForward(channels)
        self.attn2 = CrossAttention(channels, context, heads)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        inner = self.norm1(x)
        x = x + self.attn1(inner, inner)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class CrossAttention(nn.Module):
    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (channels // heads) ** -0.5
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels), nn.Dropout(0.0))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        split = (layer.unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in self.project(x, context))
        query, key, value = split
        weights = torch.softmax(query @ key.mT * self.scale, dim=-1)
        return self.to_out((weights @ value).transpose(1, 2).flatten(2))

    def project(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.to_q(x), self.to_k(context), self.to_v(context)


class FeedForward(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.Sequential(Gate(channels, channels * 4), nn.Dropout(0.0), nn.Linear(channels * 4, channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Gate(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.proj = nn.Linear(before, after * 2)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * functional.gelu(gate)


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


def converted(unet: LdmUNet, config: TinyConfig) -> Any:
    """diffusers' UNet with the weights of one with the original names, by diffusers' own conversion."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    target = empty_diffusers_unet(config)
    state = {f"model.diffusion_model.{key}": value for key, value in unet.state_dict().items()}
    target.load_state_dict(convert_ldm_unet_checkpoint(state, target.config))
    return target.eval().requires_grad_(False)


def sample(unet: nn.Module, session: Any, rows: Any, noise: Tensor, found: dict[str, Any], *, steps: int = 4) -> Tensor:
    """A few DDIM steps (no guidance: each row goes its own way), in one call per step."""
    x = noise
    times = timesteps(steps)
    for index, time in enumerate(times):
        session.step(index, steps, time)
        with torch.inference_mode(), session.call(rows):
            predicted = unet(x, time, **found).sample
        x = ddim(x, predicted, time, times[index + 1] if index + 1 < steps else 0)
    return x


def timesteps(steps: int) -> list[int]:
    """Descending timesteps 1, 1 + c, 1 + 2 c ... of 1000."""
    return [1 + (1000 // steps) * number for number in reversed(range(steps))]


def ddim(x: Tensor, predicted: Tensor, now: int, then: int) -> Tensor:
    """One DDIM step without noise."""
    kept = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, dim=0)
    clean = (x - (1 - kept[now]).sqrt() * predicted) / kept[now].sqrt()
    return kept[then].sqrt() * clean + (1 - kept[then]).sqrt() * predicted
