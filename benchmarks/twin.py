"""Two pictures with a full-size Stable Diffusion 1.5 UNet of random weights: in lockstep, and the paper's way.

python benchmarks/twin.py [--side 512] [--measured 5] [--readme]

The paper's way is written from its description in plain torch: the artistic picture is sampled first, and after each
step the features of every ResBlock and the queries and keys of every self-attention are written to files; the twin is
sampled with two calls of the UNet per step and reads back what it needs; at the end the attention maps are computed
from the files. Both ways have plain guidance, 50 steps of DDIM, float32 on the CPU (the files in half precision), and
each runs in a process of its own. Evenly spread steps are measured and projected to all.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tables import machine, publish

STEPS = 50
GUIDANCE = (5.0, 7.5)
FEATURE_STEPS, ATTENTION_STEPS, LATEST_AVERAGED = 40, 25, 541
READ_FEATURES = "up_blocks.1.resnets.1"
READ_ATTENTION = ("up_blocks.1.attentions.1", "up_blocks.1.attentions.2", "up_blocks.2", "up_blocks.3")
AVERAGED = ("down_blocks.1", "up_blocks.2")


@dataclass
class Cost:
    """What a way took, projected to all steps; seconds by the clock and of the processor, bytes."""

    wall: float
    cpu: float
    peak: int
    disk: int
    capture: int


def build_unet() -> Any:
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8, sample_size=64)
    return unet.eval().requires_grad_(False)


def make_contexts() -> list[torch.Tensor]:
    """Random prompts: empty, artistic, natural."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(77, 768, generator=generator) for _ in range(3)]


def measured_steps(count: int) -> list[int]:
    """`count` steps, evenly spread, each of which stands for equally many."""
    return [int((number + 0.5) * STEPS / count) for number in range(count)]


def lockstep(unet: Any, side: int, steps: list[int]) -> tuple[int, int]:
    """Ours; returns bytes on disk and bytes of the averages."""
    from t2c_ext.twin.capture import CaptureOptions
    from t2c_ext.twin.diffusion.components import Components, Placement
    from t2c_ext.twin.diffusion.embeddings import Conditioning
    from t2c_ext.twin.diffusion.sampling import Denoiser
    from t2c_ext.twin.diffusion.schedulers import make_scheduler
    from t2c_ext.twin.diffusion.tracks import Prompts, SampledTrack
    from t2c_ext.twin.families import Family
    from t2c_ext.twin.session import TwinSession

    config = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "epsilon"}
    components = Components("", Family.SD1, unet, None, (), config, Placement(torch.device("cpu"), torch.float32))
    empty, *prompts = ([Conditioning(context, None, (0,) * 77)] * STEPS for context in make_contexts())
    noise, tracks = start_noise(side), []
    for prompt, guidance, artistic in zip(prompts, GUIDANCE, (True, False), strict=True):
        scheduler = make_scheduler("ddim", config)
        scheduler.set_timesteps(STEPS)
        tracks.append(SampledTrack(noise, scheduler, [Prompts(prompt, empty)], guidance, [torch.Generator()], artistic))
    with TwinSession(unet, (side // 8, side // 8), capture=CaptureOptions()) as session:
        denoiser = Denoiser(components, (side, side), session)
        for index in steps:
            timestep = tracks[0].scheduler.timesteps[index]
            session.step(index, STEPS, timestep)
            members = [track.members(index, timestep) for track in tracks]
            outputs = denoiser([*members[0], *members[1]], timestep)
            for track, found in zip(tracks, (outputs[:2], outputs[2:]), strict=True):
                track.take(index, timestep, found)
    return 0, session.attention().self_attention.nbytes


def start_noise(side: int) -> torch.Tensor:
    return torch.randn(1, 4, side // 8, side // 8, generator=torch.Generator().manual_seed(2))


class Files:
    """The paper's feature files of one run, written or read by hooks."""

    def __init__(self, unet: Any, folder: Path) -> None:
        self.folder, self.timestep = folder, 0
        blocks = [name for name, _ in unet.named_modules() if name.startswith(("down_blocks", "up_blocks"))]
        self.convolutions = [name for name in blocks if name.endswith("conv2")]
        self.projections = [name for name in blocks if name.endswith(("attn1.to_q", "attn1.to_k"))]
        self.modules = {name: unet.get_submodule(name) for name in (*self.convolutions, *self.projections)}

    def path(self, name: str, timestep: int) -> Path:
        return self.folder / f"{name}_time_{timestep}.pt"

    def write(self, stack: ExitStack) -> None:
        """Save whatever these modules put out."""
        for name, module in self.modules.items():
            stack.callback(module.register_forward_hook(self._writer(name)).remove)

    def _writer(self, name: str) -> Callable[..., None]:
        def hook(module: Any, arguments: Any, output: torch.Tensor) -> None:
            torch.save(output.half(), self.path(name, self.timestep))

        return hook

    def read(self, stack: ExitStack, index: int) -> None:
        """Put what was saved in the place of what these modules put out."""
        names = [name for name in self.convolutions if name.startswith(READ_FEATURES) and index < FEATURE_STEPS]
        if index < ATTENTION_STEPS:
            names += [name for name in self.projections if name.startswith(READ_ATTENTION)]
        saved = {name: torch.load(self.path(name, self.timestep), weights_only=True).float() for name in names}
        for name, value in saved.items():
            hook = self.modules[name].register_forward_hook(lambda *call, value=value: value)
            stack.callback(hook.remove)

    def average(self, timesteps: list[int]) -> torch.Tensor:
        """The mean attention map over the 32 x 32 level, from the files."""
        total, count = torch.zeros(()), 0
        queries = [name for name in self.projections if name.startswith(AVERAGED) and name.endswith("to_q")]
        for timestep in (timestep for timestep in timesteps if timestep <= LATEST_AVERAGED):
            for name in queries:
                query, key = (
                    torch.load(self.path(part, timestep), weights_only=True)
                    .float()
                    .unflatten(-1, (8, -1))
                    .transpose(1, 2)
                    for part in (name, name.replace("to_q", "to_k"))
                )
                maps = torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, dim=-1)
                total, count = total + maps.mean(dim=(0, 1)), count + 1
        return total / max(count, 1)


def two_passes_on_disk(unet: Any, side: int, steps: list[int]) -> tuple[int, int]:
    """The paper's way; returns bytes on disk and bytes of the averages."""
    empty, artistic, natural = make_contexts()
    ladder = [1 + (1000 // STEPS) * number for number in reversed(range(STEPS))]
    with tempfile.TemporaryDirectory() as folder:
        files = Files(unet, Path(folder))
        latent = start_noise(side)
        with ExitStack() as stack:
            files.write(stack)
            for index in steps:
                files.timestep = ladder[index]
                latent = guided_step(unet, latent, ladder[index], [(empty, artistic)], GUIDANCE[0])
        latent = start_noise(side)
        for index in steps:
            files.timestep = ladder[index]
            with ExitStack() as stack:
                files.read(stack, index)
                latent = guided_step(unet, latent, ladder[index], [(artistic, empty), (empty, natural)], GUIDANCE[1])
        averages = files.average([ladder[index] for index in steps])
        disk = sum(path.stat().st_size for path in Path(folder).iterdir())
    return disk, averages.numel() * averages.element_size()


def guided_step(unet: Any, latent: torch.Tensor, timestep: int, calls: list[Any], scale: float) -> torch.Tensor:
    """One DDIM step; the last of the calls holds the empty prompt and the prompt."""
    for pair in calls:
        empty, prompt = unet(latent.repeat(2, 1, 1, 1), timestep, torch.stack(pair)).sample
    noise = empty + scale * (prompt - empty)
    alphas = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0)
    here, there = alphas[timestep], alphas[max(timestep - 1000 // STEPS, 0)]
    return there**0.5 * (latent - (1 - here) ** 0.5 * noise) / here**0.5 + (1 - there) ** 0.5 * noise


WAYS = {"lockstep": lockstep, "the paper's way": two_passes_on_disk}


def measure(way: str, side: int, count: int) -> Cost:
    """Run a way here."""
    unet, steps = build_unet(), measured_steps(count)
    contexts = make_contexts()
    with torch.no_grad():
        unet(start_noise(side).repeat(2, 1, 1, 1), 1, torch.stack(contexts[:2]))
        wall, cpu = time.perf_counter(), time.process_time()
        disk, capture = WAYS[way](unet, side, steps)
    factor = STEPS / len(steps)
    wall, cpu = (time.perf_counter() - wall) * factor, (time.process_time() - cpu) * factor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(wall, cpu, peak, int(disk * factor), capture)


def table(costs: dict[str, Cost]) -> str:
    ours, theirs = costs["lockstep"], costs["the paper's way"]
    lines = [
        "| way | seconds (clock) | seconds (CPU) | peak memory, MB | on disk, MB | averages kept, MB |",
        "|---|---|---|---|---|---|",
    ]
    for way, cost in costs.items():
        sizes = " | ".join(f"{value / 1e6:.1f}" for value in (cost.peak, cost.disk, cost.capture))
        lines.append(f"| {way} | ~{cost.wall:.0f} | ~{cost.cpu:.0f} | {sizes} |")
    lines.append("")
    lines.append(
        f"Time: {ours.wall / theirs.wall:.2f} of theirs by the clock, {ours.cpu / theirs.cpu:.2f} in CPU seconds."
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time, memory and disk of twins in lockstep and in the paper's way.")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--measured", type=int, default=5, help=f"steps of {STEPS} that are measured")
    parser.add_argument("--way", choices=tuple(WAYS), help="run this one here and print its costs")
    parser.add_argument("--readme", action="store_true", help="put the result into benchmarks/README.md")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(asdict(measure(options.way, options.side, options.measured))))
        return
    costs = {}
    for way in WAYS:
        command = [sys.executable, __file__, "--way", way, "--side", str(options.side)]
        done = subprocess.run(
            [*command, "--measured", str(options.measured)], check=True, capture_output=True, text=True
        )
        costs[way] = Cost(**json.loads(done.stdout.splitlines()[-1]))
    text = table(costs)
    print(machine(), text, sep="\n")
    if options.readme:
        publish("twin", text)


if __name__ == "__main__":
    main()
