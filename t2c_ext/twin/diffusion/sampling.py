"""The sampling itself: all tracks side by side in one batch, or one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from t2c_ext.progress import Reporter
from t2c_ext.twin.diffusion.components import Components
from t2c_ext.twin.diffusion.embeddings import Conditioning, shared_length
from t2c_ext.twin.diffusion.latents import Size
from t2c_ext.twin.diffusion.tracks import Member, Track
from t2c_ext.twin.rows import rows
from t2c_ext.types import Stage

if TYPE_CHECKING:
    from torch import Tensor

    from t2c_ext.twin.session import TwinSession


@dataclass
class Progress:
    """Counts the calls of the UNet over all that a twin takes.

    Attributes:
        reporter: told after each one; asked whether to stop.
        total: calls in all.
    """

    reporter: Reporter = field(default_factory=Reporter)
    total: int = 0
    done: int = 0

    def advance(self) -> None:
        """One more; raises Cancelled when the user has asked to stop."""
        self.done += 1
        self.reporter.step(Stage.TWIN.value, min(self.done, self.total), self.total)


@dataclass
class Denoiser:
    """Calls the UNet for rows with prompts of any length.

    Attributes:
        components: the model.
        size: (height, width) of the picture in pixels.
        session: told who is who before each call, or None.
        rows_per_call: the largest batch; 0: all rows in one call. Artistic rows come first.
        reverse: the rows of a call in the opposite order, as hosts that put the prompt first.
    """

    components: Components
    size: Size
    session: TwinSession | None = None
    rows_per_call: int = 0
    reverse: bool = False

    def __call__(self, members: Sequence[Member], timestep: Tensor) -> list[Tensor]:
        """The UNet's outputs, float32 [4, h, w] each, in the order of `members`."""
        order = sorted(range(len(members)), key=lambda place: not members[place].artistic)
        count = self.rows_per_call or len(members)
        found: dict[int, Tensor] = {}
        for start in range(0, len(order), count):
            places = order[start : start + count]
            rest = [members[place] for place in order[start + count :]]
            places = places[::-1] if self.reverse else places
            outputs = self._call([members[place] for place in places], rest, timestep)
            found.update(zip(places, outputs, strict=True))
        return [found[place] for place in range(len(members))]

    def _call(self, members: list[Member], later: list[Member], timestep: Tensor) -> Tensor:
        import torch

        placement = self.components.placement
        tokens = shared_length([member.prompt.context.shape[0] for member in members])
        context = torch.stack([member.prompt.repeated(tokens) for member in members])
        latents = torch.stack([member.latent for member in members])
        options = self._added([member.prompt for member in members])
        waiting = {(member.image, member.conditional) for member in later if not member.artistic}
        who = rows(member.row(tokens, (member.image, member.conditional) in waiting) for member in members)

        def run() -> Tensor:
            output: Tensor = self.components.unet(
                latents.to(placement.device, placement.dtype),
                timestep,
                encoder_hidden_states=context.to(placement.device, placement.dtype),
                **options,
            ).sample
            return output.float()

        if self.session is None:
            return run()
        with self.session.call(who):
            return run()

    def _added(self, prompts: Sequence[Conditioning]) -> dict[str, Any]:
        """SDXL's other conditions: the pooled prompt, and the size that the picture should look made for."""
        import torch

        if any(prompt.pooled is None for prompt in prompts):
            return {}
        placement = self.components.placement
        pooled = torch.stack([prompt.pooled for prompt in prompts if prompt.pooled is not None])
        sizes = torch.tensor([[*self.size, 0, 0, *self.size]] * len(prompts))
        added = {"text_embeds": pooled, "time_ids": sizes}
        return {"added_cond_kwargs": {key: value.to(placement.device, placement.dtype) for key, value in added.items()}}


def sample(
    tracks: Sequence[Track],
    timesteps: Sequence[Tensor] | Tensor,
    denoiser: Denoiser,
    progress: Progress | None = None,
) -> None:
    """Sample tracks in lockstep: at each of the scheduler's timesteps one batch of all their rows.

    Each entry of `timesteps` is one evaluation of the UNet; samplers of second order list two for a step.

    Raises:
        Cancelled: the user stopped it.
    """
    import torch

    with torch.no_grad():
        for index, timestep in enumerate(timesteps):
            members = [track.members(index, timestep) for track in tracks]
            if denoiser.session is not None:
                denoiser.session.step(index, len(timesteps), timestep)
            outputs = denoiser([member for group in members for member in group], timestep)
            place = 0
            for track, group in zip(tracks, members, strict=True):
                track.take(index, timestep, outputs[place : place + len(group)])
                place += len(group)
            if progress is not None:
                progress.advance()
