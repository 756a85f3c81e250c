"""The paper's video network: our way of running it beside the original's, and memory against the number of frames.

    python benchmarks/synthesis.py                  # the tables of benchmarks/README.md
    python benchmarks/synthesis.py --size 512       # the times at another size
    python benchmarks/synthesis.py --only memory
    python benchmarks/synthesis.py --only device --device cuda --size 512 1024    # milliseconds per frame on a GPU

The original's way is written here anew from its description, at its best: without the autograd graph that it keeps.
For every frame it encodes both pictures, integrates the flow from its start, splats with `index_add_`, counts holes by
a convolution of ones over all channels, and decodes the whole frame. Both run with the same weights (drawn by a rule;
the time does not depend on them), the same picture and flow, in the same process, turn by turn. Every frame of the
original takes the same work, so that a few, evenly spread, are timed and the clip is projected from them (marked ~);
--all times every one. Ours makes all 60 frames, and its time includes preparation. "Apart" is the largest difference of
the two inside the mask, on -1..1, over the frames that both made.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np
import torch
from fill_rule import filled_state, state_shapes
from loop import peak_megabytes
from tables import machine, publish
from torch.nn import functional
from ways import make_input

from t2c_ext.loop.synthesis.decoder import DecoderBlock, Resampling
from t2c_ext.loop.synthesis.layers import PartialConv2d
from t2c_ext.loop.synthesis.network import VideoNetwork
from t2c_ext.loop.synthesis.render import LARGEST
from t2c_ext.loop.synthesis.sequence import Clip, Engine, Scene
from t2c_ext.progress import Reporter
from t2c_ext.weights.spectral import freeze_spectral

FRAMES = 60
MASKS = {
    "all": "the whole picture",
    "third": "a square of a third of the picture",
    "band": "a band of a third of the picture",
}
MEMORY = ((256, 15), (256, 60), (256, 240), (512, 15), (512, 60), (512, 240))


def network() -> VideoNetwork:
    made = VideoNetwork().requires_grad_(False)
    made.load_state_dict(filled_state(state_shapes(made), ""), strict=True)
    return made


def scene(side: int, shape: str, count: int) -> Scene:
    """A textured picture whose mask, a rectangle, flows in smooth curves at 1 pixel per frame for 512."""
    given = make_input(side, side)
    mask = np.zeros((side, side), np.bool_)
    edge = round(side * (1 / 3) ** 0.5)
    start = (side - edge) // 2
    if shape == "all":
        mask[:] = True
    elif shape == "third":
        mask[start : start + edge, start : start + edge] = True
    else:
        mask[side // 3 : side // 3 + round(side / 3)] = True
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    turn = 0.6 * np.sin(xs / side * 6) + 0.4 * np.cos(ys / side * 5)
    flow = np.stack([np.cos(turn), np.sin(turn)], axis=2) * np.float32(side / 512) * mask[..., None]
    picture = torch.from_numpy(given.picture.transpose(2, 0, 1) * 2 - 1).contiguous()
    return Scene(picture, None, torch.from_numpy(flow.astype(np.float32)), torch.from_numpy(mask), count)


# ---- the original's way


def original_frame(net: VideoNetwork, given: Scene, frame: int) -> torch.Tensor:
    """[3, H, W], -1..1."""
    flow, share = given.flow.permute(2, 0, 1), 1 - frame / given.count
    total: torch.Tensor | float = 0.0
    for field, steps, part in ((flow, frame, share), (-flow, given.count - frame, 1 - share)):
        encoded = net.encoder(given.start[None])[0]
        weight = torch.exp(encoded[-1:] - encoded[-1:].max()) * part
        total = total + original_splat(torch.cat([encoded[:-1] * weight, weight]), original_path(field, steps))
    x = (total[:-1] / total[-1:].clamp_min(1e-8))[None]
    mask = (x != 0).float()
    for block in net.projector.blocks:
        x, mask = original_block(block, x, mask)
    return torch.tanh(x)[0]


def original_path(flow: torch.Tensor, steps: int) -> torch.Tensor:
    height, width = flow.shape[1:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    start = torch.stack([columns, rows]).float()
    place, gone = start.clone(), torch.zeros(height, width, dtype=torch.bool)
    for _ in range(steps):
        near = place.round().long()
        place = place + flow[:, near[1], near[0]]
        gone |= (place[0] > width - 1) | (place[0] < 0) | (place[1] > height - 1) | (place[1] < 0)
        place = torch.where(gone, start, place)
    return torch.where(gone, float(max(height, width) + 1), place - start)


def original_splat(values: torch.Tensor, displacement: torch.Tensor) -> torch.Tensor:
    channels, height, width = values.shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x, y = columns + displacement[0], rows + displacement[1]
    left, top = x.floor(), y.floor()
    out = torch.zeros(channels, height * width)
    for column in (left, left + 1):
        for row in (top, top + 1):
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            weight = (1 - (x - column).abs()) * (1 - (y - row).abs()) * inside
            index = (row * width + column).where(inside, torch.tensor(0.0)).long()
            out.index_add_(1, index.flatten(), (values * weight).flatten(1))
    return out.reshape(channels, height, width)


def original_block(block: DecoderBlock, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    a, mask_a = original_partial(block.conv_aa, functional.relu(block.bn_noise1(x)), mask)
    a, mask_a = original_partial(block.conv_ab, functional.relu(block.bn_noise2(a)), mask_a)
    beside = block.conv_b(x) if block.projects else x
    if block.resampling is Resampling.HALVE:
        a, beside = (functional.avg_pool2d(part, 3, 2, 1) for part in (a, beside))
        mask_a = functional.max_pool2d(mask_a, 3, 2, 1)
    elif block.resampling is Resampling.DOUBLE:
        a, beside = (functional.interpolate(part, scale_factor=2, mode="bilinear") for part in (a, beside))
        mask_a = functional.interpolate(mask_a, scale_factor=2, mode="nearest")
    return a + beside, mask_a


def original_partial(layer: PartialConv2d, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    count = functional.conv2d(mask, torch.ones_like(layer.weight), padding=1)
    new = count.clamp(0, 1)
    ratio = x.shape[1] * 9 / (count + 1e-8) * new
    bias = layer.bias[:, None, None]
    return ((functional.conv2d(x * mask, layer.weight, layer.bias, padding=1) - bias) * ratio + bias) * new, new


# ---- measuring


def our_clip(net: VideoNetwork, given: Scene) -> Clip:
    return Clip(net, given, Engine(torch.device("cpu"), torch.float32, LARGEST), Reporter())


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the CPU."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


def compare(side: int, shape: str, sample: int, rounds: int) -> str:
    """One line of the table: the two ways in turns, frame beside frame."""
    net, given = network(), scene(side, shape, FRAMES)
    plain = network()
    freeze_spectral(plain)
    numbers = np.linspace(0, FRAMES - 1, sample).round().astype(int).tolist()
    with torch.inference_mode():
        original_frame(plain, scene(64, shape, FRAMES), 3)
    ours, theirs, apart = [], [], 0.0
    for _ in range(rounds):
        kept: dict[int, list] = {}
        state: dict[str, float] = {"theirs": 0.0, "cpu": 0.0}

        def run(kept: dict[int, list] = kept) -> None:
            for number, frame in enumerate(our_clip(net, given).frames()):
                if number in numbers:
                    kept[number] = frame.parts

        ours.append(seconds(run))
        for number in numbers:
            with torch.inference_mode():
                made: list[torch.Tensor] = []
                took = seconds(lambda made=made, number=number: made.append(original_frame(plain, given, number)))
            state["theirs"] += took[0]
            state["cpu"] += took[1]
            for area, part in kept[number]:
                inside = made[0][:, area.top : area.bottom, area.left : area.right]
                apart = max(apart, float((inside - part).abs().max()))
        factor = FRAMES / len(numbers)
        theirs.append((state["theirs"] * factor, state["cpu"] * factor))
    own, other = (tuple(statistics.median(column) for column in zip(*rows, strict=True)) for rows in (ours, theirs))
    mark = "" if sample >= FRAMES else "~"
    ratios = [mark + f"{theirs_ / ours_:.2f}" for ours_, theirs_ in zip(own, other, strict=True)]
    cells = [
        f"{side} x {side}",
        MASKS[shape],
        *(f"{mark}{part:.1f}" for part in other),
        *(f"{part:.1f}" for part in own),
    ]
    return "| " + " | ".join([*cells, *ratios, f"{apart:.0e}"]) + " |"


def on_device(side: int, shape: str, device: str, dtype: torch.dtype) -> str:
    """One line of the table of milliseconds per frame of ours, preparation left out."""
    engine = Engine(torch.device(device), dtype, LARGEST)
    clip = Clip(network(), scene(side, shape, FRAMES), engine, Reporter())
    next(clip.frames())
    start = time.perf_counter()
    for _ in clip.frames():
        pass  # each frame comes back to the CPU, which waits for the device
    took = 1000 * (time.perf_counter() - start) / FRAMES
    return f"| {side} x {side} | {MASKS[shape]} | {str(dtype).removeprefix('torch.')} | {took:.1f} |"


def memory(side: int, count: int, decoded: int) -> float:
    """MB that this process grows by while a clip is streamed, `decoded` of its frames taken and dropped."""
    net, given = network(), scene(side, "third", count)
    for _ in our_clip(net, scene(32, "third", 3)).frames():
        pass
    before = peak_megabytes()
    numbers = set(np.linspace(0, count - 1, min(decoded, count)).round().astype(int).tolist())
    for _ in our_clip(net, given).frames(numbers):
        pass
    return peak_megabytes() - before


def memory_apart(side: int, count: int, decoded: int) -> str:
    command = [sys.executable, __file__, "--case", str(side), str(count), str(decoded)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    megabytes = "failed" if done.returncode else f"{json.loads(done.stdout):.0f}"
    return f"| {side} x {side} | {count} | {min(decoded, count)} | {megabytes} |"


def time_table(options: argparse.Namespace) -> None:
    lines = [
        "| size | moves | original, s | its CPU s | ours, s | its CPU s | times faster | by CPU s | apart |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    print(*lines, sep="\n")
    for side in options.size:
        for shape in options.masks:
            lines.append(compare(side, shape, FRAMES if options.all else options.sample, options.rounds))
            print(lines[-1], flush=True)
    if options.readme:
        publish("synthesis", "\n".join(lines))


def memory_table(options: argparse.Namespace) -> None:
    lines = ["| size | frames | decoded | MB |", "|---|---|---|---|"]
    print(*lines, sep="\n")
    for side, count in MEMORY:
        lines.append(memory_apart(side, count, options.decoded))
        print(lines[-1], flush=True)
    if options.readme:
        publish("synthesis-memory", "\n".join(lines))


def device_table(options: argparse.Namespace) -> None:
    print("| size | moves | decoder | ms per frame |", "|---|---|---|---|", sep="\n")
    for side in options.size:
        for shape in options.masks:
            for dtype in (torch.float32, torch.float16):
                print(on_device(side, shape, options.device, dtype), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="The video network: our way beside the original's, and memory.")
    parser.add_argument("--case", nargs=3, type=int, metavar=("SIDE", "N", "M"), help="memory of one case; prints JSON")
    parser.add_argument("--only", choices=("time", "memory", "device"), help="one of the tables")
    parser.add_argument("--device", default="cuda", help="of the table of that name (default: cuda)")
    parser.add_argument("--size", nargs="+", type=int, default=[256], help="sides of the timed clips (default: 256)")
    parser.add_argument("--masks", nargs="+", choices=list(MASKS), default=list(MASKS))
    parser.add_argument("--sample", type=int, default=5, help="frames to make the original's way (default: 5)")
    parser.add_argument("--all", action="store_true", help="make all frames the original's way")
    parser.add_argument(
        "--decoded", type=int, default=1000, help="frames to decode for the memory, evenly spread (default: all)"
    )
    parser.add_argument("--rounds", type=int, default=1, help="repeat the comparison (default: once)")
    parser.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
    parser.add_argument("--readme", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.case:
        print(json.dumps(memory(*options.case)))
        return
    print(machine(), end="\n\n")
    if options.only == "device":
        device_table(options)
        return
    if options.only != "memory":
        time_table(options)
    if options.only != "time":
        memory_table(options)


if __name__ == "__main__":
    main()
