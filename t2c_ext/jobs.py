"""What a user gives becomes a job: the one door of the command line, the API, requests, the page and the WebUI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.keeper import Keeper
from t2c_ext.media.depth import read_depth
from t2c_ext.media.limits import check_loop
from t2c_ext.media.pictures import read_picture, take_mask, to_picture
from t2c_ext.media.videos import format_of
from t2c_ext.motion.field import moving_by_flow, read_flow
from t2c_ext.motion.hints import parse_hints
from t2c_ext.outputs import check_output
from t2c_ext.prompt.parse import parse
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import PAINTED
from t2c_ext.results import in_levels
from t2c_ext.stages import eight_bit
from t2c_ext.twin.choose import choose_source
from t2c_ext.twin.source import GivenTwin, TwinSource
from t2c_ext.types import FloatArray, Picture, Region, Regions
from t2c_ext.workspace import Given, Workspace

if TYPE_CHECKING:
    from PIL.Image import Image

    from t2c_ext.motion.text_context import TextEncoder

PathLike = str | os.PathLike[str]
Still = Union[PathLike, "Image", np.ndarray, Picture]
Mask = Union[PathLike, bytes, "Image", np.ndarray]
Masks = Mask | Mapping[str, Mask] | Regions


@dataclass(frozen=True)
class Job:
    """One cinemagraph to make.

    Attributes:
        recipe: the settings.
        source: makes the picture and its twin.
        regions: the masks that the user gave, or None to find the regions by words. A single one without a name is
            shared out by the words. Regions that the recipe's hints paint take their place.
        flow: float32 [h, w, 2] that the user gave, of any size, or None to solve for it.
        depth: float32 [h, w] that the user gave, of any size, larger is nearer, or None.
        output: the file (or folder of frames) to write; None: the workspace's own `loop.<format>`, or no file.
        painting: the picture that the user gave; the workspace keeps it.
        natural: its natural-looking twin, which the user gave too.
        keep_twin: take the workspace's pictures as they are, whatever they were made from.
        encoder: a text encoder that is loaded already (a host's), for the network that reads the text.
        sources: the files that the user gave, which no output may replace.
    """

    recipe: Recipe
    source: TwinSource
    regions: Regions | None = None
    flow: FloatArray | None = None
    depth: FloatArray | None = None
    output: Path | None = None
    painting: Picture | None = None
    natural: Picture | None = None
    keep_twin: bool = False
    encoder: TextEncoder | None = None
    sources: tuple[Path, ...] = ()

    @property
    def given(self) -> Given:
        """What a workspace keeps of it."""
        return Given(self.painting, self.natural, self.regions, self.flow, self.depth)

    def check(self, workspace: Path | None = None) -> None:
        """Refuse, before any work, an output that would cost the user something or that its format cannot hold.

        Args:
            workspace: the folder of the run's workspace, there or not.

        Raises:
            UserError: one line that says what is wrong with it.
        """
        if self.output is not None:
            check_output(self.output, self.sources, workspace)
        kind = self._format(workspace)
        if kind is not None:
            check_loop(kind, self._size(), self.recipe.loop.fps)

    def _format(self, workspace: Path | None) -> str | None:
        if self.output is not None:
            return format_of(self.output)
        return None if workspace is None else self.recipe.loop.format

    def _size(self) -> tuple[int, int]:
        if isinstance(self.source, GivenTwin):
            return self.source.twin.art.size
        if self.painting is not None:
            return self.painting.size
        return max(1, self.recipe.twin.height), max(1, self.recipe.twin.width)  # 0: the model's own, which is small


def make_job(
    recipe: Recipe,
    *,
    picture: Still | None = None,
    natural: Still | None = None,
    masks: Masks | None = None,
    flow: PathLike | np.ndarray | None = None,
    depth: PathLike | bytes | np.ndarray | None = None,
    output: PathLike | None = None,
    source: TwinSource | None = None,
    keeper: Keeper | None = None,
) -> Job:
    """The job of what a user gives, each part as a file, a PIL picture, or an array.

    Pictures and masks are brought to 8 bits, as the workspace keeps them, so that a run without one gives the same.

    Args:
        recipe: the settings; `model` names what makes the pictures, or the twin of the one that is given.
        picture: the picture that moves, or None where a model makes it.
        natural: its natural-looking twin, made elsewhere.
        masks: what moves, white moves; several by name.
        flow: float32 [h, w, 2] or a file; where nothing else says what moves, it does.
        depth: of what a camera passes, as `read_depth` takes it.
        output: the file or folder to write.
        source: makes the pictures in place of the recipe's model.
        keeper: keeps the model for the next job.

    Raises:
        UserError: one of them cannot be read or used, or there is neither a picture nor a model.
    """
    art = None if picture is None else _picture(picture)
    twin = None if natural is None else _picture(natural)
    field = None if flow is None else read_flow(Path(flow) if isinstance(flow, (str, os.PathLike)) else flow)
    regions = regions_of(masks)
    if field is not None and regions is None and art is not None and not _says_what_moves(recipe):
        moving, notes = moving_by_flow(field, *art.size)
        regions = Regions((Region("", moving, source=PAINTED),), notes)
    return Job(
        recipe,
        source or choose_source(recipe.twin, recipe.prompt.seed, art, twin, keeper),
        regions,
        field,
        None if depth is None else read_depth(depth),
        None if output is None else Path(output),
        art,
        twin,
        sources=files_among(picture, natural, masks, flow, depth),
    )


def open_job(
    workspace: Workspace, recipe: Recipe | None = None, *, masks: Masks | None = None, output: PathLike | None = None
) -> Job:
    """The job that a workspace holds.

    Args:
        workspace: the workspace.
        recipe: in place of its own.
        masks: in place of its own.
        output: the file or folder to write.

    Raises:
        UserError: the workspace lacks its recipe or its picture, or a file of it cannot be read.
    """
    recipe = recipe or workspace.load_recipe()
    given = workspace.load_inputs()
    if given.painting is None and not recipe.twin.model:  # an older workspace, or pictures that a host made
        job = Job(recipe, GivenTwin(workspace.load_twin()), keep_twin=True)
    else:
        source = choose_source(recipe.twin, recipe.prompt.seed, given.painting, given.natural)
        job = Job(recipe, source, painting=given.painting, natural=given.natural)
    return replace(
        job,
        regions=given.regions if masks is None else regions_of(masks),
        flow=given.flow,
        depth=given.depth,
        output=None if output is None else Path(output),
        sources=files_among(masks),
    )


def _says_what_moves(recipe: Recipe) -> bool:
    """Whether words or painted regions do, so that a flow need not."""
    painted = parse_hints(recipe.motion.hints).painted
    return bool(recipe.region.region.strip() or painted or parse(recipe.prompt).regions)


def regions_of(masks: Masks | None) -> Regions | None:
    """The masks that a user gives, one or several by name: files, bytes of files, PIL pictures or arrays.

    Raises:
        UserError: one cannot be read, or there is none in the mapping.
    """
    if masks is None or isinstance(masks, Regions):
        return masks
    named = masks if isinstance(masks, Mapping) else {"": masks}
    if not named:
        raise UserError("there is no mask in the masks")
    if not all(isinstance(name, str) for name in named):
        raise UserError("a mask's name must be a text")
    files = {name: Path(mask) if isinstance(mask, (str, os.PathLike)) else mask for name, mask in named.items()}
    taken = {name: take_mask(mask) for name, mask in files.items()}
    return Regions(
        tuple(Region(name, in_levels(mask), source=PAINTED) for name, (mask, _) in taken.items()),
        tuple(note for _, notes in taken.values() for note in notes),
    )


def files_among(*given: object) -> tuple[Path, ...]:
    """The files among what was given for pictures, masks and flows, one or several by name."""
    flat = (part for value in given for part in (value.values() if isinstance(value, Mapping) else (value,)))
    return tuple(Path(part) for part in flat if isinstance(part, (str, os.PathLike)))


def _picture(given: Still) -> Picture:
    if isinstance(given, Picture):
        return eight_bit(given)
    return eight_bit(read_picture(Path(given)) if isinstance(given, (str, os.PathLike)) else to_picture(given))
