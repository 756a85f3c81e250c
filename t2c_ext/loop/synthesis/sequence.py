"""The frames of a clip as a stream: encoded once, integrated once, and decoded only where something moves."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from t2c_ext.loop.paper import alpha
from t2c_ext.loop.synthesis.areas import Area, bounds, cover, whole
from t2c_ext.loop.synthesis.euler import Particles, displacements, reversed_displacements
from t2c_ext.loop.synthesis.folded import FoldedBlock, encode, fold_decoder, fold_encoder, layout
from t2c_ext.loop.synthesis.network import VideoNetwork
from t2c_ext.loop.synthesis.splatting import blend_sum, divide, weigh_
from t2c_ext.loop.synthesis.tile import TileDecoder
from t2c_ext.progress import Reporter
from t2c_ext.types import BoolArray


@dataclass(frozen=True)
class Scene:
    """What a clip is made from.

    Attributes:
        start: float32 [3, H, W], -1..1; H and W are multiples of 4.
        end: the last picture, likewise; None where it is the start.
        flow: float32 [H, W, 2], pixels per frame.
        wanted: bool [H, W]: the pixels to decode.
        count: frames of one period.
    """

    start: Tensor
    end: Tensor | None
    flow: Tensor
    wanted: Tensor
    count: int


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        parts: areas that hold all wanted pixels and overlap nowhere, each with float32 [3, h, w], -1..1, on the CPU.
        holes: how many of the wanted pixels received nothing.
    """

    parts: list[tuple[Area, Tensor]]
    holes: int


@dataclass(frozen=True)
class Engine:
    """How it is computed.

    Attributes:
        device: where all is computed.
        dtype: of the decoder; the rest is float32.
        largest: no more pixels than this are encoded or decoded at a time.
    """

    device: torch.device
    dtype: torch.dtype
    largest: int


class Clip:
    """Makes the frames of a scene, as often as they are asked for.

    Args:
        network: the video network, float32.
        scene: what moves.
        engine: how it is computed.
        reporter: asked before each part whether to stop.
    """

    @torch.inference_mode()
    def __init__(self, network: VideoNetwork, scene: Scene, engine: Engine, reporter: Reporter) -> None:
        self._count, self._reporter = scene.count, reporter
        self._size = whole(*scene.wanted.shape)
        # it runs once, and half precision would blur the importance, which stands in an exponent
        encoder = fold_encoder(network.encoder, engine.device, torch.float32)
        pictures = [scene.start] if scene.end is None else [scene.start, scene.end]
        self._weighed = [weigh_picture(encoder, picture, engine, reporter) for picture in pictures]
        changing = changing_pixels(scene)
        self._window = bounds(changing)
        inside = self._window.within(self._size)
        self._flow = scene.flow[inside].to(engine.device, torch.float32)
        self._wanted = scene.wanted[inside].to(engine.device)
        decoder = fold_decoder(network.projector, engine.device, engine.dtype)
        self._tiles = [
            TileDecoder(decoder, area, changing, self._size) for area in cover(scene.wanted.numpy(), engine.largest)
        ]
        self._parts: list[tuple[Area, Tensor]] = []

    @torch.inference_mode()
    def frames(self, numbers: Container[int] | None = None) -> Iterator[Frame]:
        """A fresh iterator of one period, or of the frames of these numbers only."""
        if not self._parts:
            self._parts = [(tile.area, self._first(tile)) for tile in self._tiles]
        for frame, (ahead, back) in enumerate(self._displacements()):
            if numbers is not None and frame not in numbers:
                continue
            total = self._splat(frame, ahead, back)
            parts = []
            for tile, (area, first) in zip(self._tiles, self._parts, strict=True):
                self._reporter.check()
                if tile.constant:
                    parts.append((area, first))
                    continue
                blended = _blended(total[tile.reads.within(self._window)])
                parts.append((area, _picture(tile.decode(blended))))
            yield Frame(parts, int(((total[..., -1] == 0) & self._wanted).sum()))

    def _first(self, tile: TileDecoder) -> Tensor:
        """The part of frame 0, in which nothing has moved yet; what stays the same is kept from it."""
        if tile.alone:
            return torch.empty(0)
        self._reporter.check()
        return _picture(tile.prepare(_blended(self._weighed[0][tile.reads_once.within(self._size)])))

    def _displacements(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Forward and backward displacements of each frame, within the window."""
        origin, size = (self._window.top, self._window.left), (self._size.bottom, self._size.right)
        ahead = displacements(Particles(self._flow, origin, size), self._count - 1)
        back = reversed_displacements(Particles(-self._flow, origin, size), self._count)
        return zip(ahead, back, strict=True)

    def _splat(self, frame: int, ahead: Tensor, back: Tensor) -> Tensor:
        """Features times weights, and weights, of both warps: float32 [h, w, 65] of the window."""
        inside = self._window.within(self._size)
        return blend_sum([part[inside] for part in self._weighed], (ahead, back), float(alpha(frame, self._count)))


def weigh_picture(encoder: tuple[FoldedBlock, ...], picture: Tensor, engine: Engine, reporter: Reporter) -> Tensor:
    """A picture's features times their weight, and the weight: [3, H, W] to float32 [H, W, 65] on the device.

    Encoded in parts where it has more pixels than `engine.largest`; the weights are relative to the whole picture's
    largest importance.
    """
    full = whole(picture.shape[-2], picture.shape[-1])
    channels = encoder[-1].second.weight.shape[0]
    encoded = torch.empty((full.bottom, full.right, channels), device=engine.device)
    for area in cover(np.ones((full.bottom, full.right), np.bool_), engine.largest):
        reporter.check()
        # one pixel for each 3 x 3 convolution
        read = area.grow(2 * len(encoder)).intersect(full)
        part = picture[(slice(None), *read.within(full))].to(engine.device)
        made = encode(encoder, part[None].contiguous(memory_format=layout(engine.device)))
        encoded[area.within(full)] = made[0].movedim(0, -1)[area.within(read)]
    return weigh_(encoded)


def changing_pixels(scene: Scene) -> BoolArray:
    """bool [H, W]: where the blended features can differ from frame to frame.

    A particle goes on from a moving pixel at most half a pixel away, so that it ends up within half a pixel, one step
    and the width of a splat of a pixel that moves.
    """
    if scene.end is not None:
        return np.ones(tuple(scene.wanted.shape), np.bool_)
    moving = (scene.flow != 0).any(-1).numpy()
    reach = math.ceil(0.5 + float(scene.flow.abs().max()))
    return cv2.dilate(moving.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)).astype(np.bool_)


def _blended(total: Tensor) -> Tensor:
    """The decoder's input [1, 64, h, w] of sums [h, w, 65]."""
    return divide(total).movedim(-1, 0)[None]


def _picture(decoded: Tensor) -> Tensor:
    """The decoder's [1, 3, h, w] as [3, h, w], -1..1, on the CPU."""
    return torch.tanh(decoded[0].float()).cpu()
