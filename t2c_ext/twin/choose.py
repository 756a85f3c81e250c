"""Which twin source serves: files that are there, or a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from t2c_ext.errors import UserError, Way
from t2c_ext.keeper import Keeper
from t2c_ext.settings import TwinSettings
from t2c_ext.twin.source import GivenTwin, TwinSource
from t2c_ext.types import Picture, Twin


def choose_source(
    settings: TwinSettings,
    seed: int,
    painting: Picture | None = None,
    natural: Picture | None = None,
    keeper: Keeper | None = None,
) -> TwinSource:
    """The source of the pictures.

    Args:
        settings: `model` names what samples; empty: nothing does.
        seed: of the sampling.
        painting: the picture that moves, or None to sample it too.
        natural: its twin, made elsewhere.
        keeper: keeps the model for the next pictures.

    Raises:
        UserError: there is neither a picture nor a model, or a twin without its picture.
    """
    if natural is not None and painting is None:
        raise UserError("a natural twin was given without its picture")
    if natural is not None and painting is not None and natural.size != painting.size:
        (height, width), (other_height, other_width) = painting.size, natural.size
        raise UserError(
            f"the twin is {other_width}x{other_height} and the picture {width}x{height}; give both in one size"
        )
    if painting is not None and (natural is not None or not settings.model):
        twin = None if natural is None else replace(natural, notes=tuple(_of_the_twin(natural.notes)))
        return GivenTwin(Twin(painting, twin))
    if not settings.model:
        raise UserError(
            "there is no model to make a picture with",
            ways=[Way("name a checkpoint, a folder or a repository", "model")],
        )
    from t2c_ext.twin.diffusion.source import DiffusersTwin

    return DiffusersTwin(settings, seed, painting, keeper=keeper)


def _of_the_twin(notes: Iterable[str]) -> Iterable[str]:
    return (note.replace("The picture", "The twin", 1) for note in notes)
