"""A workspace that is there already, opened in the page: what lies in it, and what the page's fields say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.jobs import Job
from t2c_ext.keys import key_of
from t2c_ext.media.pictures import write_mask
from t2c_ext.pipeline import Cinemagraph, kept_results
from t2c_ext.recipe import Recipe
from t2c_ext.settings import Value
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import FloatArray, Region, Regions
from t2c_ext.ui.beside import Beside
from t2c_ext.ui.session import Session, keep_still, kept_depth
from t2c_ext.workspace import Given, Workspace

GIVEN_MASK, GIVEN_DEPTH = "given-mask.png", "given-depth.png"
"""The mask and the depth that were given, as files that the page's places for them take."""


@dataclass(frozen=True)
class Opened:
    """What the page shows of a workspace that was opened.

    Attributes:
        results: of the stages that have run.
        values: the settings, by name.
        picture: the file of the picture that was given; None where the picture was made.
        mask, depth: the files of the mask and of the depth that were given, or None.
        offers: the regions to choose from, where what moves was not found.
    """

    results: Cinemagraph
    values: Mapping[str, Value]
    picture: Path | None
    mask: Path | None
    depth: Path | None
    offers: tuple[Region, ...] = ()


def open_workspace(folder: Path, view: Path) -> tuple[Session, Opened]:
    """A workspace as one that the page has run.

    Args:
        folder: of the workspace.
        view: where to write what only the page shows.

    Raises:
        UserError: it has no picture yet, or cannot be read.
    """
    workspace = Workspace.open(folder)
    results, given, recipe = kept_results(workspace), workspace.load_inputs(), workspace.load_recipe()
    twin = results.twin
    if twin is None:
        raise UserError("this cinemagraph has no picture yet, so there is nothing to open")
    view.mkdir(exist_ok=True)
    natural = workspace.place("natural.png")
    depth = None if given.depth is None else kept_depth(given.depth)
    beside = Beside(given.regions, depth)
    session = Session(
        key_of(twin.art.rgb, twin.art.alpha) if given.painting is not None else "",
        still=keep_still(twin.art, view, workspace.place("art.png"), natural if twin.natural is not None else None),
        beside=beside,
        run_beside=beside,
        begun=True,
        hints=recipe.motion.hints,
        words={"prompt": recipe.prompt.prompt, "motion": recipe.prompt.motion},
        keeps_twin=twin_is_kept(given, recipe, twin.natural is not None),
    )
    picture = workspace.place("art.png") if given.painting is not None else None
    offered = workspace.load_offers() if results.regions is None else None
    offers = () if offered is None else offered.regions
    places = _mask_file(given.regions, view), _depth_file(depth, view)
    return session, Opened(results, recipe.values(), picture, *places, offers)


def twin_is_kept(given: Given, recipe: Recipe, natural: bool) -> bool:
    """Whether a given picture's twin was made by what cannot make it again here, such as a host's sampler."""
    return given.painting is not None and natural and given.natural is None and not recipe.twin.model


def kept_job(workspace: Workspace, recipe: Recipe) -> Job:
    """The job in which a workspace's pictures stay as they are."""
    painting = workspace.load_inputs().painting
    return Job(recipe, GivenTwin(workspace.load_twin()), painting=painting, keep_twin=True)


def _depth_file(depth: FloatArray | None, view: Path) -> Path | None:
    if depth is None:
        return None
    path = view / GIVEN_DEPTH
    write_mask(path, depth)
    return path


def _mask_file(regions: Regions | None, view: Path) -> Path | None:
    """One mask without a name is a file that the page can be given; several are kept, but not shown as a file."""
    if regions is None or len(regions.regions) != 1 or regions.regions[0].name:
        return None
    path = view / GIVEN_MASK
    write_mask(path, regions.regions[0].mask)
    return path
