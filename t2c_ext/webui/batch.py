"""A batch of the host with a twin for each of its pictures: first all pictures, then all their twins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

LISTS = ("all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds")
HIRES_LISTS = ("all_hr_prompts", "all_hr_negative_prompts")


def paired(values: Sequence[Any], batch_size: int, twin: Callable[[Any], Any]) -> list[Any]:
    """For each batch of `batch_size` values, the values and then `twin` of each; the last batch may be shorter."""
    result: list[Any] = []
    for start in range(0, len(values), batch_size):
        batch = list(values[start : start + batch_size])
        result += [*batch, *map(twin, batch)]
    return result


@dataclass(frozen=True)
class PairedBatch:
    """What a processing object looked like before its batches were paired.

    Attributes:
        batch_size: pictures per batch.
        lists: its lists by name.
    """

    batch_size: int
    lists: dict[str, list[Any]]

    def restore(self, processing: Any) -> None:
        """Give the processing object its own batches back."""
        processing.batch_size = self.batch_size
        for name, values in self.lists.items():
            setattr(processing, name, values)


def pair_batches(processing: Any, natural: Callable[[str], str]) -> PairedBatch:
    """Double every batch of a processing object whose prompts and seeds are set up and whose sampling has not begun.

    The twin has its picture's seeds and negative prompt, so that both start from the same noise.

    Args:
        processing: the host's processing object.
        natural: from a picture's prompt to its twin's.
    """
    size = processing.batch_size
    names = [*LISTS, *(name for name in HIRES_LISTS if getattr(processing, name, None))]
    before = PairedBatch(size, {name: list(getattr(processing, name)) for name in names})
    for name in names:
        twin = natural if name in ("all_prompts", "all_hr_prompts") else _same
        setattr(processing, name, paired(before.lists[name], size, twin))
    processing.batch_size = 2 * size
    return before


def _same(value: Any) -> Any:
    return value
