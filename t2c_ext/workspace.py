"""The folder of one cinemagraph: each stage's result in files that a person can look at and change by hand.

plan.json  art.png  natural.png  attention.npz  regions/*.png  mask.png  flow.npz  hints.json  loop.*  recipe.json
segmentation/   the regions as they were found in the twin, where the attention redrew them
offers/         what may be chosen from, where what moves was not found: masks, and overview.png with all of them
input/          the pictures, the masks, the flow and the depth map that the user gave
replaced/       files that somebody had changed by hand and that were made anew
workspace.json  what each stage was made from (a key), its files' digests, how long it took, and what it had to say
workspace.lock  held by the run that writes
report.json     the last run in short
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from t2c_ext.atomic import write_text
from t2c_ext.documents import read_text
from t2c_ext.errors import UserError
from t2c_ext.media.depth import read_depth
from t2c_ext.media.pictures import read_picture
from t2c_ext.motion.hints import parse_hints
from t2c_ext.recipe import Recipe, read_recipe, recipe_from_json
from t2c_ext.records import LOCK, RECORD, Record, Records
from t2c_ext.results import (
    ART,
    DEPTH,
    FLOW,
    INDEX,
    MASK,
    NATURAL,
    OVERVIEW,
    Place,
    is_damaged,
    read_field,
    read_masks,
    read_plan,
    read_regions,
    read_twin,
    write_depth,
    write_document,
    write_field,
    write_masks,
    write_offers,
    write_plan,
    write_regions,
    write_still,
    write_twin,
)
from t2c_ext.temporaries import sweep
from t2c_ext.types import FloatArray, Flow, Picture, Plan, Region, Regions, Stage, Twin

_BEGUN = f".{Path(RECORD).stem}-t2c"
"""How the name begins of a record that somebody is just writing."""

RECIPE, HINTS, REPORT, INPUT, OFFERS = "recipe.json", "hints.json", "report.json", "input", "offers"

Result = TypeVar("Result", Plan, Twin, Regions, Flow)


@dataclass(frozen=True)
class Given:
    """What the user gave: the pictures, the masks, a flow, and a depth map."""

    painting: Picture | None = None
    natural: Picture | None = None
    regions: Regions | None = None
    flow: FloatArray | None = None
    depth: FloatArray | None = None


class Workspace:
    """Reads and writes one cinemagraph's folder.

    Whoever writes does so inside of `locked`; reading needs nothing, and works where nothing may be written.
    """

    def __init__(self, root: Path) -> None:
        """Refer to a folder; `create` and `open` look what is in it."""
        self.root = root
        self._records = Records(root)

    @classmethod
    def create(cls, root: Path) -> Workspace:
        """Open the folder, making it when it is not there.

        Raises:
            UserError: it holds other things, cannot be made, or was written by a newer version.
        """
        if (root / RECORD).exists():
            return cls.open(root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            sweep(root)  # a run that was killed while it made the folder
            others = [path for path in root.iterdir() if path.name != LOCK and not path.name.startswith(_BEGUN)]
        except FileExistsError:
            raise UserError(f"{root} is a file; name a folder") from None
        except (OSError, ValueError) as error:
            raise UserError(f"cannot make {root}: {getattr(error, 'strerror', None) or error}") from None
        if others:
            raise UserError(f"{root} is not empty and is no workspace; name another folder")
        workspace = cls(root)
        with workspace.locked():
            if not (root / RECORD).exists():
                workspace._records.write({})
        return workspace

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Open an existing workspace.

        Raises:
            UserError: there is none, it is damaged, or it was written by a newer version.
        """
        if not (root / RECORD).exists():
            raise UserError(f"{root} is no workspace")
        workspace = cls(root)
        workspace._records.read()
        return workspace

    def locked(self) -> AbstractContextManager[None]:
        """Inside the context nobody else writes here; see `Records.locked`."""
        return self._records.locked()

    # --- what is remembered -----------------------------------------------------------------------------------------

    @property
    def records(self) -> Mapping[Stage, Record]:
        """What is remembered of each stage that has run."""
        groups = self._records.groups
        return {stage: groups[stage.value] for stage in Stage if stage.value in groups}

    @property
    def groups(self) -> Mapping[str, Record]:
        """What is remembered of each group of files: the stages', the recipe's, and what was given."""
        return dict(self._records.groups)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences for the user: what was put aside."""
        return tuple(self._records.remarks)

    def is_finished(self, stage: Stage) -> bool:
        """Whether the stage has a result that nobody has marked as out of date, and all its files are there."""
        record = self.records.get(stage)
        return record is not None and bool(record.key) and self._records.is_whole(stage.value)

    def is_current(self, stage: Stage, key: str) -> bool:
        """Whether the stage's saved result was made from just this, and is there."""
        return self.is_finished(stage) and self.records[stage].key == key

    def is_untouched(self, stage: Stage) -> bool:
        """Whether every file of the stage's result is as it was written."""
        record = self.records[stage]
        return all(self._records.is_ours(stage.value, name) for name in record.files)

    def damaged(self, stage: Stage) -> tuple[str, ...]:
        """The stage's changed files that are what no person would have meant: empty, cut short, of another kind."""
        changed = (name for name in self.records[stage].files if not self._records.is_ours(stage.value, name))
        return tuple(name for name in changed if is_damaged(self._records.place(name)))

    def forget_from(self, stage: Stage) -> None:
        """Mark this stage and all after it as out of date."""
        order = list(Stage)
        with self.locked():
            self._records.forget(tuple(later.value for later in order[order.index(stage) :]))

    # --- recipe and inputs ------------------------------------------------------------------------------------------

    def save_recipe(self, recipe: Recipe) -> None:
        """Write recipe.json, and hints.json when there are hints; a file that says the same already stays as it is."""
        texts = {RECIPE: recipe.to_json()} | ({HINTS: recipe.motion.hints} if recipe.motion.hints else {})
        means: dict[str, Callable[[str], object]] = {RECIPE: recipe_from_json, HINTS: str}
        with self._records.draft("recipe") as folder:
            for name, text in texts.items():
                same = self._same_text(name, means[name], text)
                if same is None:
                    write_text(folder / name, text)
                else:
                    (folder / name).write_bytes(same)
            self._records.publish("recipe", folder, Record("given"))
        if (
            not recipe.motion.hints and (self.root / HINTS).exists()
        ):  # drawn by hand, and not what this run is made from
            self._records.put_aside(HINTS)

    def _same_text(self, name: str, meaning: Callable[[str], object], text: str) -> bytes | None:
        """The bytes of a file whose text means the same."""
        path = self._records.place(name)
        try:
            return path.read_bytes() if path.is_file() and meaning(read_text(path)) == meaning(text) else None
        except (UserError, OSError):
            return None

    def load_recipe(self) -> Recipe:
        """Read recipe.json; hints.json, which people edit, takes the place of its hints."""
        path, hints = self._records.place(RECIPE), self._records.place(HINTS)
        if not path.exists():
            raise UserError(f"{self.root} has no recipe.json to run from")
        recipe = read_recipe(path)
        drawn = read_text(hints) if hints.exists() else ""
        try:
            parse_hints(drawn)
        except UserError as error:
            raise UserError(f"{hints}: {str(error).removeprefix('hints: ')}") from None
        return replace(recipe, motion=replace(recipe.motion, hints=drawn))

    def save_inputs(self, given: Given) -> None:
        """Keep what the user gave, in place of what was given before."""
        with self._records.draft(INPUT) as draft:
            folder = draft / INPUT
            folder.mkdir()
            if given.regions is not None:
                write_masks(folder, given.regions)
            if given.flow is not None:
                write_field(folder, given.flow)
            if given.depth is not None:
                write_depth(folder, given.depth)
            if given.painting is not None:
                write_still(folder / ART, given.painting)
            if given.natural is not None:
                write_still(folder / NATURAL, given.natural)
            self._records.publish(INPUT, draft, Record("given"))

    def load_inputs(self) -> Given:
        """What the user gave.

        Raises:
            UserError: a file of it cannot be read.
        """
        place = self._records.place
        for name in self._records.groups.get(INPUT, Record()).files:
            if not place(name).exists():
                self._records.remarks.append(f"{name}, which was given, is not there any more; the run goes without it")
        art, natural = place(f"{INPUT}/{ART}"), place(f"{INPUT}/{NATURAL}")
        return Given(
            read_picture(art) if art.exists() else None,
            read_picture(natural) if natural.exists() else None,
            read_masks(place, INPUT, None) if place(f"{INPUT}/{INDEX}").exists() else None,
            read_field(_inside(place, INPUT)) if place(f"{INPUT}/{FLOW}").exists() else None,
            read_depth(place(f"{INPUT}/{DEPTH}")) if place(f"{INPUT}/{DEPTH}").exists() else None,
        )

    # --- results ----------------------------------------------------------------------------------------------------

    @contextmanager
    def drafting(self, stage: Stage, key: str = "") -> Iterator[Draft]:
        """Give a folder for a stage's files; when the block ends well, they take the place of the last result.

        Args:
            stage: the stage.
            key: of what its result is made from.
        """
        with self._records.draft(stage.value) as folder:
            draft = Draft(folder, Record(key))
            yield draft
            self._records.publish(stage.value, folder, draft.record, keep=stage is Stage.LOOP)

    def save_plan(self, plan: Plan, key: str = "", seconds: float = 0.0) -> None:
        """Write plan.json."""
        self._save(Stage.PROMPT, write_plan, plan, Record(key, seconds=seconds, notes=plan.notes))

    def load_plan(self) -> Plan:
        """Read plan.json, which a person may have changed."""
        return read_plan(self._records.place)

    def save_twin(self, twin: Twin, key: str = "", seconds: float = 0.0) -> None:
        """Write art.png and, where there are any, natural.png and attention.npz (attention.png shows it)."""
        self._save(Stage.TWIN, write_twin, twin, Record(key, seconds=seconds, notes=twin.notes))

    def load_twin(self) -> Twin:
        """Read art.png, natural.png and attention.npz."""
        return replace(read_twin(self._records.place), notes=self.records.get(Stage.TWIN, Record()).notes)

    def save_regions(self, regions: Regions, key: str = "", seconds: float = 0.0) -> None:
        """Write regions/*.png, their index, mask.png and, where the attention redrew it, segmentation/*.png."""
        self._save(Stage.REGION, write_regions, regions, Record(key, seconds=seconds, notes=regions.notes))

    def save_offers(self, picture: FloatArray, offered: Sequence[Region]) -> Path:
        """Write offers/: what may be chosen from; the picture with all of it."""
        with self._records.draft(OFFERS) as draft:
            write_offers(draft / OFFERS, picture, offered)
            self._records.publish(OFFERS, draft, Record("offered"))
        return self._records.place(f"{OFFERS}/{OVERVIEW}")

    def load_offers(self) -> Regions | None:
        """What may be chosen from; None where there is nothing to choose."""
        index = self._records.place(f"{OFFERS}/{INDEX}")
        return read_masks(self._records.place, OFFERS, None) if index.exists() else None

    def forget_offers(self) -> None:
        """Remove offers/, when there is nothing more to choose."""
        if self._records.groups.get(OFFERS, Record()).files:
            with self._records.draft(OFFERS) as draft:
                self._records.publish(OFFERS, draft, Record())

    def load_regions(self, shape: tuple[int, int]) -> Regions:
        """Read the regions; where mask.png was repainted by hand, they follow it.

        Args:
            shape: (height, width) of the picture.
        """
        repainted = not self._records.is_ours(Stage.REGION.value, MASK)
        return read_regions(self._records.place, shape, repainted)

    def save_flow(self, flow: Flow, key: str = "", seconds: float = 0.0) -> None:
        """Write flow.npz."""
        record = Record(key, seconds=seconds, notes=flow.notes, facts={"source": flow.source})
        self._save(Stage.MOTION, lambda folder, made: write_field(folder, made.field), flow, record)

    def load_flow(self, shape: tuple[int, int] | None = None) -> Flow:
        """Read flow.npz.

        Args:
            shape: (height, width) of the picture, where that is to be checked.
        """
        record = self.records.get(Stage.MOTION, Record())
        return Flow(read_field(self._records.place, shape), str(record.facts.get("source", "")), record.notes)

    def place(self, name: str) -> Path:
        """Where a file of that name lies, which may be in a draft."""
        return self._records.place(name)

    def _save(self, stage: Stage, write: Callable[[Path, Result], None], result: Result, record: Record) -> None:
        with self.drafting(stage) as draft:
            write(draft.folder, result)
            draft.record = record

    def save_report(self, report: Mapping[str, Any]) -> None:
        """Write report.json."""
        write_document(self.root / REPORT, report)


@dataclass
class Draft:
    """A stage's new files, before they take the place of the last result.

    Attributes:
        folder: where they are written.
        record: what will be remembered of them.
    """

    folder: Path
    record: Record


def _inside(place: Place, folder: str) -> Place:
    return lambda name: place(f"{folder}/{name}")
