"""From words, or a painted mask, to the regions that move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from t2c_ext.errors import UserError, Way
from t2c_ext.extents import LARGE, Window, all_finite, extent_of, is_other_shape, stretched
from t2c_ext.lexicon import Lexicon, Thing, load_lexicon
from t2c_ext.progress import Reporter
from t2c_ext.region.matte import refine_matte
from t2c_ext.region.offers import bind, guessed, offers, take
from t2c_ext.region.segmenters.base import Segmenter
from t2c_ext.region.segmenters.choose import AUTO, comes_with_the_package, make_segmenter
from t2c_ext.region.segmenters.relay import Closable
from t2c_ext.settings import RegionSettings
from t2c_ext.types import FloatArray, Region, Regions, Stage, scale_of

NO_WORD = "region"
"""Name of a painted region when no word says what it is."""

PAINTED = "mask file"
"""Source of a region whose mask the user gave."""

FOUND_CELL = 8.0
"""How far, in pixels at 512, the edge of a found region may be from the picture's."""

LOW_RESOLUTION = 3.0
"""A mask whose pixels are this many of the picture's, or more, has no edge of its own to keep."""

SMALLEST_SPLIT = 0.05
"""A part of a painted mask counts as a region of its own from this share of it on."""


class RegionNotFound(UserError):
    """What was asked for was not found with enough certainty.

    Attributes:
        words: what was asked for and not found.
        candidates: the regions that the user can choose from, the best guess first: by name, by number from 1, and the
            first one as "best" too (`region` of the settings). Masks of 0 and 1, of the picture's size.
        picture: float32 [H, W, 3], the picture that moves, over which they are shown; None where there is none.
        numbers: whether a number or "best" would mean the same offer in the next run.
    """

    def __init__(  # noqa: PLR0917
        self,
        what: str,
        words: Sequence[str] = (),
        candidates: Sequence[Region] = (),
        picture: FloatArray | None = None,
        numbers: bool = True,
        shown: Path | None = None,
    ) -> None:
        """Keep what a user interface needs to ask back; `shown` is the picture in which the candidates are drawn."""
        super().__init__(what, ways=_ways(words, [region.name for region in candidates], numbers, shown))
        self.words, self.candidates = tuple(words), tuple(candidates)
        self.picture, self.numbers, self.shown = picture, numbers, shown

    def shown_in(self, path: Path | None) -> RegionNotFound:
        """The same, when the candidates have been drawn in a file; None: without a place on this machine."""
        return RegionNotFound(self.problem, self.words, self.candidates, self.picture, self.numbers, path)


def _ways(words: Sequence[str], names: Sequence[str], numbers: bool, shown: Path | None) -> list[Way]:
    """What could be meant, how it is said, and what else can be done."""
    ways = [] if words else [Way("name it", "motion")]
    listed = ", ".join(f'{number} "{name}"' for number, name in enumerate(names, 1))
    where = "" if shown is None else f", which are drawn in {shown}"
    value = "best takes the first, NAME any" if numbers else "NAME"
    if names:
        ways.append(Way(f"choose one of these regions{where}: {listed}", "region", value))
    return [*ways, Way("paint a mask", "mask")]


@dataclass(frozen=True)
class _Group:
    """Words that mean one thing in the picture, such as "lake" and "water"."""

    name: str
    words: tuple[str, ...]
    thing: Thing | None


def find_regions(
    picture: FloatArray,
    words: Sequence[str],
    settings: RegionSettings,
    *,
    mask: FloatArray | None = None,
    reporter: Reporter | None = None,
    segmenter: Segmenter | None = None,
    device: str = "auto",
    painting: FloatArray | None = None,
) -> Regions:
    """Find what moves, with a clean edge.

    Args:
        picture: float32 [H, W, 3], 0..1.
        words: what moves, as it stands in the prompt; `settings.region` takes precedence over them.
        settings: the region stage's settings.
        mask: float32 [h, w], 0..1, painted by the user; it is the region. Another size than the picture's is fitted.
        reporter: progress and cancellation.
        segmenter: instead of the one that `settings.segmenter` names.
        device: that its networks run on; a device of torch, or "auto".
        painting: float32 [H, W, 3], 0..1, where `picture` is its natural-looking twin: what the twin does not show
            surely is sought in it.

    Returns:
        One region per thing that was asked for, disjoint, each of the picture's size.

    Raises:
        UserError: the mask or the picture cannot be used.
        RegionNotFound: nothing that was asked for was found with enough certainty.
    """
    _check_picture(picture)
    reporter = reporter or Reporter()
    reporter.step(Stage.REGION.value, 0, 1)
    asked = _asked(words, settings)
    cell: float | None = None
    views = [picture] if painting is None or painting is picture else [picture, painting]
    with _on_demand(segmenter, settings.segmenter, None if device == "auto" else device) as finder:
        if mask is not None:
            cell = _pixel_size(mask, picture)
            whole = fit_mask(mask, picture.shape[0], picture.shape[1])
            found = _Found(_from_mask(reduced(picture), whole, asked, finder))
        else:
            found = _from_words(views, asked, list(words), settings, finder())
    rows = [replace(region, mask=full_size(region.mask, picture.shape[:2])) for region in found.regions.regions]
    edged = (views[found.views.get(row.name, 0)] for row in rows)
    refined = [replace(row, mask=_edge(view, row, settings, cell)) for row, view in zip(rows, edged, strict=True)]
    reporter.step(Stage.REGION.value, 1, 1)
    return replace(found.regions, regions=tuple(refined))


def is_shared_out(words: Sequence[str], settings: RegionSettings) -> bool:
    """Whether `find_regions` has a segmenter share out a mask among the words: they name several things."""
    return len(_groups(_asked(words, settings), load_lexicon())) > 1


def _asked(words: Sequence[str], settings: RegionSettings) -> list[str]:
    return [word.strip() for word in settings.region.split(",") if word.strip()] or list(words)


def fit_mask(mask: FloatArray, height: int, width: int) -> FloatArray:
    """The mask at the picture's size, clipped to 0..1.

    Raises:
        UserError: it is not a two-dimensional array of finite numbers, of a clearly other shape, or empty.
    """
    array = np.asarray(mask, dtype=np.float32)
    if array.ndim != 2 or array.size == 0 or not all_finite(array):
        raise UserError("the mask is not a grey picture of finite numbers; save it as an 8-bit PNG, white moves")
    if is_other_shape(array.shape, (height, width)) and min(array.shape) > 1:
        raise UserError(
            f"the mask is {array.shape[1]}x{array.shape[0]} and the picture {width}x{height}; "
            "use a mask of the picture's shape"
        )
    if array.shape != (height, width):
        smaller = array.shape[0] > height or array.shape[1] > width
        method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        array = cv2.resize(array, (width, height), interpolation=method)
    if array.min() < 0 or array.max() > 1:
        array = np.clip(array, 0.0, 1.0)
    if array.max() < 0.5:
        raise UserError("the mask is empty; paint what moves in white")
    return array


def reduced(picture: FloatArray) -> FloatArray:
    """What segmenters see, float32 [h, w, 3]: the picture, or a large one's means of areas; none of them sees more."""
    height, width = picture.shape[:2]
    if height * width <= LARGE:
        return picture
    share = (LARGE / (height * width)) ** 0.5
    size = max(1, int(width * share)), max(1, int(height * share))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def full_size(mask: FloatArray, size: tuple[int, int]) -> FloatArray:
    """A mask [h, w] of what segmenters see at the picture's size (height, width)."""
    if mask.shape == size:
        return mask
    few = extent_of(mask).grown(1)
    down, across = size[0] / mask.shape[0], size[1] / mask.shape[1]
    rows, columns = (int(few.top * down), round(few.bottom * down)), (int(few.left * across), round(few.right * across))
    window, large = Window(size, *rows, *columns), np.zeros(size, np.float32)
    window.of(large)[:] = stretched(mask, window)
    return large


@contextmanager
def _on_demand(given: Segmenter | None, name: str, device: str | None) -> Iterator[Callable[[], Segmenter]]:
    """Inside the context, a function that gives the segmenter: the given one, else the named one.

    The named one is made when it is first asked for, and closed at the end; the given one is its owner's to close.
    """
    made: list[Closable] = []

    def segmenter() -> Segmenter:
        if given is not None:
            return given
        if not made:
            made.append(make_segmenter(name, device=device))
        return made[0]

    try:
        yield segmenter
    finally:
        for own in made:
            own.close()


def _pixel_size(mask: FloatArray, picture: FloatArray) -> float | None:
    """The side, in the picture's pixels, of a pixel of a much smaller mask; None for any other mask."""
    side = picture.shape[0] / max(np.shape(mask)[0], 1)
    return float(side) if side >= LOW_RESOLUTION else None


def _edge(picture: FloatArray, region: Region, settings: RegionSettings, cell: float | None) -> FloatArray:
    """The region's mask with its final edge; that of a found one may move to the picture's edges."""
    if region.source == PAINTED:
        if cell is not None and settings.matte == "auto":
            settings = replace(settings, matte="on")
        return refine_matte(picture, region.mask, settings, cell=cell)
    return found_edge(picture, region.mask, settings)


def found_edge(picture: FloatArray, mask: FloatArray, settings: RegionSettings) -> FloatArray:
    """A segmenter's mask, float32 [H, W], with its final edge: it moves to the picture's unless `matte` is "off"."""
    if settings.matte == "auto":
        settings = replace(settings, matte="on")
    return refine_matte(picture, mask, settings, cell=FOUND_CELL * scale_of(*mask.shape))


def _check_picture(picture: FloatArray) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape) < 1:
        raise UserError("the picture must be an array of height x width x 3 colours")


def _groups(words: Sequence[str], lexicon: Lexicon) -> list[_Group]:
    """Words in their order, those that mean one thing together."""
    groups: list[_Group] = []
    for word in dict.fromkeys(word.strip() for word in words if word.strip()):
        thing = lexicon.find(word)
        for number, group in enumerate(groups):
            if thing and thing.is_like(group.thing):
                groups[number] = replace(group, words=(*group.words, word))
                break
        else:
            groups.append(_Group(word, (word,), thing))
    return groups


def mean_one_thing(one: str, other: str) -> bool:
    """Whether two words name the same thing in a picture, such as "lake" and "water"."""
    first, second = load_lexicon().find(one), load_lexicon().find(other)
    return first is not None and first.is_like(second)


def _from_mask(picture: FloatArray, mask: FloatArray, words: Sequence[str], finder: Callable[[], Segmenter]) -> Regions:
    """The mask, shared out among the words where the segmenter can tell them apart inside it."""
    groups = _groups(words, load_lexicon())
    whole = Region(groups[0].name if groups else NO_WORD, mask, 1.0, PAINTED)
    if len(groups) < 2:
        return Regions((whole,))
    found = {region.name: region for region in finder().segment(picture, [group.name for group in groups])}
    sure = [found[group.name] for group in groups if group.name in found and found[group.name].score >= 0.5]
    names = ", ".join(group.name for group in groups)
    if len(sure) == len(groups):
        parts = _share_out(mask, sure)
        if min(float(part.mask.sum()) for part in parts) >= SMALLEST_SPLIT * float(mask.sum()):
            return Regions(tuple(parts), (f"the mask was shared out among {names}",))
    return Regions((whole,), (f"the mask is one region for {names}: their borders inside it are not clear",))


def _share_out(mask: FloatArray, regions: Sequence[Region]) -> list[Region]:
    """Every pixel of the mask to the region that it is in, else to the nearest one; regions may be smaller."""
    distances = []
    for region in regions:
        inside = region.mask >= 0.5
        away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
        distances.append(away - region.mask)
    owner = np.argmin(np.stack(distances), axis=0).astype(np.uint8)
    if owner.shape != mask.shape:
        owner = np.asarray(cv2.resize(owner, mask.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    window, parts = extent_of(mask), []
    for number, region in enumerate(regions):
        part = np.zeros(mask.shape, np.float32)
        np.copyto(window.of(part), window.of(mask), where=window.of(owner) == number)
        parts.append(Region(region.name, part, 1.0, PAINTED))
    return parts


@dataclass(frozen=True)
class _Found:
    """Regions, and by name the number of the picture in which a region was found; the first where it is left out."""

    regions: Regions
    views: Mapping[str, int] = field(default_factory=dict)


def _from_words(
    views: Sequence[FloatArray], asked: Sequence[str], words: Sequence[str], settings: RegionSettings, finder: Segmenter
) -> _Found:
    """What the segmenter is sure enough about, or what the user chose among the offers."""
    lexicon = load_lexicon()
    pictures = [reduced(view) for view in views]
    sure: dict[str, tuple[Region, int]] = {}
    notes: list[str] = []
    if settings.region:
        chosen, asked = _chosen(finder, pictures, asked, [group.name for group in _groups(words, lexicon)])
        sure = {region.name: (region, view) for region, view in chosen}
    groups = [group for group in _groups(asked, lexicon) if group.name not in sure]
    if not groups and not sure:
        raise _not_found("nothing says what moves", (), views, _offers(finder, pictures, ()), settings)
    missing = groups
    for number, picture in enumerate(pictures):
        found = {region.name: region for region in finder.segment(picture, [group.name for group in missing])}
        here = [group for group in missing if group.name in found and found[group.name].score >= finder.threshold]
        sure |= {group.name: (found[group.name], number) for group in here}
        if number and here:
            names = ", ".join(group.name for group in here)
            notes.append(f"the twin does not show it surely, so this was found in the painting itself: {names}")
        missing = [group for group in missing if group not in here]
        if not missing:
            break
    if not sure:
        names = " or ".join(f"the {group.name}" for group in missing)
        lost = [group.name for group in missing]
        raise _not_found(f"I could not find {names}", lost, views, _offers(finder, pictures, lost), settings)
    ordered = [*(name for name in sure if name not in {group.name for group in groups})]
    ordered += [group.name for group in groups if group.name in sure]
    regions = [sure[name][0] for name in ordered]
    notes = [
        f"I could not find the {group.name}, so it stays still; paint a mask to move it" for group in missing
    ] + notes
    notes += _found_by(regions) if settings.segmenter == AUTO else []
    own = exclusive(
        regions, [region.mask * (0.5 + 0.5 * region.score) for region in regions]
    )  # the surer one of equals
    return _Found(Regions(tuple(own), tuple(notes)), {name: sure[name][1] for name in ordered})


def _found_by(regions: Sequence[Region]) -> list[str]:
    """Which model found what; what comes with the package goes without saying."""
    own = [region.source for region in regions if not comes_with_the_package(region.source)]
    sources = dict.fromkeys(source for source in own if source)
    names = {source: [region.name for region in regions if region.source == source] for source in sources}
    return [f"found by {source}: {', '.join(found)}" for source, found in names.items()]


def _chosen(
    finder: Segmenter, pictures: Sequence[FloatArray], asked: Sequence[str], words: Sequence[str]
) -> tuple[list[tuple[Region, int]], list[str]]:
    """The offers that were asked for, under the words' names, each with its picture; and the words that name none."""
    sought = list(dict.fromkeys([*words, *guessed(asked)]))
    offered, number = _offers(finder, pictures, sought)
    taken = take(offered, asked, finder.propose(pictures[number]))
    bound = bind(taken.regions, words, finder.segment(pictures[number], list(words)))
    return [(region, number) for region in bound], list(taken.others)


def _offers(finder: Segmenter, pictures: Sequence[FloatArray], words: Sequence[str]) -> tuple[list[Region], int]:
    """What is offered, and the number of the picture in which it was seen: the one whose best guess is surest."""
    each = [offers(finder, picture, words) for picture in pictures]
    best = max(range(len(each)), key=lambda number: each[number][0].score if each[number] else -1.0)
    return each[best], best


def _not_found(
    what: str,
    words: Sequence[str],
    views: Sequence[FloatArray],
    offered: tuple[Sequence[Region], int],
    settings: RegionSettings,
) -> RegionNotFound:
    full = [replace(region, mask=full_size(region.mask, views[0].shape[:2])) for region in offered[0]]
    return RegionNotFound(what, words, full, views[-1], numbers=not settings.region)


def exclusive(regions: Sequence[Region], claims: Sequence[FloatArray]) -> list[Region]:
    """Every pixel to the one region with the largest claim on it, the first of equals; `claims` are one for each."""
    if len(regions) < 2:
        return list(regions)
    owner = np.argmax(np.stack(claims), axis=0)
    return [
        replace(region, mask=np.where(owner == number, region.mask, np.float32(0)))
        for number, region in enumerate(regions)
    ]
