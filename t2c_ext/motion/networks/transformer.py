"""Where the words enter the text network: Stable Diffusion's spatial transformer, without its self-attention."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

CONTEXT = 768
"""Width of the words' embedding: that of CLIP ViT-L/14's text encoder."""

HEADS = 8


class CrossAttention(nn.Module):
    """Pixels look up words: softmax(q k^T / sqrt(head width)) v, with 8 heads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(CONTEXT, channels, bias=False)
        self.to_v = nn.Linear(CONTEXT, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Attend from x [N, pixels, channels] to context [N, words, 768]; every word takes part, padding too."""
        query, key, value = (_split(part) for part in (self.to_q(x), self.to_k(context), self.to_v(context)))
        attended = functional.scaled_dot_product_attention(query, key, value)
        return self.to_out(attended.transpose(1, 2).flatten(2))


class GatedGelu(nn.Module):
    """GEGLU (Shazeer 2020): one half of a linear map, gated by the exact GELU of the other."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] to [..., outputs]."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * functional.gelu(gate)


class FeedForward(nn.Module):
    """Two linear layers with GEGLU between them, four times as wide inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # the middle one is training's dropout: it only keeps the checkpoint's numbering
        self.net = nn.Sequential(GatedGelu(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """[..., channels] to [..., channels]."""
        return self.net(x)


class TransformerBlock(nn.Module):
    """Cross-attention and feed-forward, each with its layer norm before it and a shortcut around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ff = FeedForward(channels)
        self.attn2 = CrossAttention(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """[N, pixels, channels], with context [N, words, 768]."""
        x = self.attn2(self.norm2(x), context) + x
        return self.ff(self.norm3(x)) + x


class SpatialTransformer(nn.Module):
    """A transformer block over the pixels of a feature map, with a shortcut around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """[N, channels, H, W], with context [N, words, 768]."""
        tokens = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            tokens = block(tokens, context)
        return self.proj_out(tokens.transpose(1, 2).reshape(x.shape)) + x


def _split(x: Tensor) -> Tensor:
    """[N, tokens, channels] to [N, heads, tokens, channels / heads]."""
    return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)
