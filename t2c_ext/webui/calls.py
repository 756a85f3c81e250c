"""Who is who in each call that the WebUI's denoiser makes to the UNet.

The denoiser lays out all rows of one step as [conditional rows of each picture, unconditional rows] and gives them to
the UNet in that order, in one call or in several that follow each other; some steps leave the unconditional rows out.
Other extensions may call the UNet in between. So a call's rows are those that are next in the layout, provided that
they show the latents that are next; any other call is none of ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from t2c_ext.errors import UserError
from t2c_ext.twin.rows import Row, Rows, art, rows, twin

SAME = 1e-2
"""Largest relative difference between two latents that are the same but for a factor, in bfloat16."""


def layout(parts: Sequence[int], words: Sequence[Mapping[str, Sequence[int]]] = ()) -> tuple[Row, ...]:
    """All rows of one step: conditional ones of every picture and twin, then their unconditional ones.

    Args:
        parts: for each picture, then for each twin, how many prompts it has (more than one with AND).
        words: for each picture the positions of its moving words, or empty.
    """
    count = len(parts) // 2
    found = list(words) or [{} for _ in range(count)]
    wanted: list[tuple[int, bool, int]] = []
    result: list[Row] = []
    for place, number in enumerate(parts):
        for part in range(number):
            if place < count:
                result.append(art(place, True, part, found[place] if part == 0 else None))
            else:
                wanted.append((len(result), True, min(part, parts[place - count] - 1)))
                result.append(twin(place - count, *wanted[-1][1:]))
    result += [art(image, False) for image in range(count)] + [twin(image, False) for image in range(count)]
    left = Counter(row.source for row in result if row.role.value == "twin")
    for place, row in enumerate(result):
        if row.role.value == "twin":
            left[row.source] -= 1
            result[place] = twin(row.source.image, row.source.conditional, row.source.part, left[row.source] > 0)
    return tuple(result)


@dataclass
class Calls:
    """Follows the UNet calls of one step.

    Attributes:
        members: all rows of the step, in their order.
        latents: [R, C, H, W], what each row shows, up to a factor.
        without_unconditional: how many rows the step has where it leaves the unconditional ones out.
        done: rows that the calls so far have shown.
    """

    members: tuple[Row, ...]
    latents: Tensor
    without_unconditional: int
    done: int = field(default=0)

    def next(self, shown: Tensor) -> Rows | None:
        """The rows of a call, or None for a call that is none of the denoiser's.

        Args:
            shown: [n, C or more, H, W], the UNet's input; channels beyond the latent's are passed over.
        """
        count = shown.shape[0]
        expected = self.latents[self.done : self.done + count]
        if expected.shape[0] != count or not same_direction(shown[:, : expected.shape[1]], expected):
            return None
        found = rows(self.members[self.done : self.done + count])
        self.done += count
        return found

    def check(self) -> None:
        """After the step: have all rows been shown?

        Raises:
            UserError: they have not; something changes the latents between the denoiser and the UNet.
        """
        if self.done not in (len(self.members), self.without_unconditional):
            raise UserError(
                f"the pair could not be followed: the UNet saw {self.done} of {len(self.members)} rows; another "
                "extension changes the latents or the batch; turn it off for this picture, or turn the twin off"
            )


def same_direction(one: Tensor, other: Tensor) -> bool:
    """Whether each row of `one` is the same row of `other` times a positive factor."""
    if one.shape != other.shape:
        return False
    flat, expected = one.detach().float().flatten(1), other.detach().to(one.device).float().flatten(1)
    sizes = flat.norm(dim=1, keepdim=True), expected.norm(dim=1, keepdim=True)
    return bool(torch.all((flat / sizes[0] - expected / sizes[1]).norm(dim=1) < SAME))
