"""A batch of the host with a twin for each of its pictures: first all pictures, then all their twins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_MISSING = object()


@contextmanager
def attributes(target: Any, values: Mapping[str, Any]) -> Iterator[None]:
    """While it is active, an object has these attributes; then it has its own again, or none where it had none."""
    before = {name: target.__dict__.get(name, _MISSING) for name in values}
    target.__dict__.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _MISSING:
                target.__dict__.pop(name, None)
            else:
                target.__dict__[name] = value


def replace_method(target: Any, name: str, make: Callable[[Any], Any]) -> Callable[[], None]:
    """Replace one object's method by `make(the method)`.

    Returns:
        Undoes it; may be called twice, and leaves alone what others have put there since.
    """
    before = target.__dict__.get(name, _MISSING)
    replacement = make(getattr(target, name))
    target.__dict__[name] = replacement

    def undo() -> None:
        if target.__dict__.get(name) is not replacement:
            return
        if before is _MISSING:
            del target.__dict__[name]
        else:
            target.__dict__[name] = before

    return undo


def paired(values: Sequence[Any], batch_size: int) -> list[Any]:
    """Each batch of `batch_size` values twice in a row; the last batch may be shorter."""
    result: list[Any] = []
    for start in range(0, len(values), batch_size):
        result += 2 * list(values[start : start + batch_size])
    return result


def paired_values(processing: Any, naturals: Sequence[str], negatives: Sequence[str]) -> dict[str, Any]:
    """What a processing object has while a batch is sampled with its twins.

    The twin has its picture's seeds, so that both start from the same noise.

    Args:
        processing: the host's processing object, in the middle of one of its batches.
        naturals: the twins' prompts.
        negatives: the twins' negative prompts.
    """
    size = processing.batch_size
    values = {name: 2 * list(getattr(processing, name)) for name in ("seeds", "subseeds")}
    values["negative_prompts"] = [*processing.negative_prompts, *negatives]
    totals = {name: paired(getattr(processing, name), size) for name in ("all_seeds", "all_subseeds")}
    return {"prompts": [*processing.prompts, *naturals], "batch_size": 2 * size} | values | totals
