"""The cinemagraphs of a page's visitors: each in a workspace of its own, run in a thread, with progress and cancel."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.jobs import Job, make_job, open_job, regions_of
from t2c_ext.keys import key_of
from t2c_ext.media.depth import read_depth
from t2c_ext.media.opening import LARGEST
from t2c_ext.media.pictures import read_picture, to_bytes, to_mask, to_picture
from t2c_ext.motion.painted import LONGEST
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import PAINTED, fit_mask
from t2c_ext.region.matte import refine_matte
from t2c_ext.region.overlay import fitted
from t2c_ext.settings import RegionSettings, Setting, Value, table
from t2c_ext.shelf import ID, VIEW, YOUNG, delete, make_room
from t2c_ext.twin import miniature
from t2c_ext.twin.source import TwinSource
from t2c_ext.types import Picture, Regions, Stage
from t2c_ext.ui.beside import Beside, area
from t2c_ext.ui.opened import Opened, kept_job, open_workspace
from t2c_ext.ui.pictures import sent_mask
from t2c_ext.ui.samples import Sample, named_masks, sample
from t2c_ext.ui.session import Session, Still, camera_moves, changed_stages, keep_still, kept_depth
from t2c_ext.ui.task import Task
from t2c_ext.worker import Guard
from t2c_ext.workspace import Workspace

Maker = Callable[[Recipe], TwinSource]
"""What makes the pictures of a recipe from its text, such as a host's own sampler."""


@dataclass(frozen=True)
class Unreadable:
    """What was put in is no picture that can be read, and why."""

    why: str


Upload = Callable[[int], Image.Image | Unreadable | None]
"""Unpacks what was put in, where it has at most so many pixels."""


EXAMPLE = "example"
"""The folder of the example's picture, beside the workspaces."""

SHARED_AREA = 24_000_000
"""Pixels of one picture where strangers share the machine; a camera's."""

MOST_SESSIONS = 300
"""Pictures that are worked on at once, by all visitors together."""

MOST_MASKED = 4 * LARGEST
"""Pixels of all their masks and depths together, of four bytes each."""

FAREWELL = 5.0
"""Seconds that the runs in hand get to stop at the end."""


@dataclass(frozen=True)
class _Asked:
    """What the page asks for.

    Attributes:
        recipe: as it is run and kept.
        sampling: the same with the maker's own values, which the table may not know.
        sampled: those values.
    """

    recipe: Recipe
    sampling: Recipe
    sampled: Mapping[str, Value]


def _nothing_known(infotext: str) -> Mapping[str, object]:
    """Of a maker that writes no generation parameters."""
    return {}


@dataclass
class Studio:
    """Makes cinemagraphs for a page.

    Attributes:
        folder: where the workspaces lie.
        model: the checkpoint that makes pictures from text, "miniature" for the built-in one, or "" where none does.
        guard: runs work while nothing else uses the machine.
        watch: called for each run; what it gives is told of the progress and may stop it, as `cancel` does.
        maker: makes pictures in the model's place; its recipe holds the values of `sampling_rows`, unchecked by the
            table.
        sampling_rows: what the maker is set by, in place of the table's rows of the same names; none: the table's.
        sampled: the maker's values in a picture's generation parameters.
        glimpse: the picture that the maker works on, as far as it is; None where it shows none.
        sessions: by the name of their workspace.
        keeps: whether a workspace that was run stays when its visitor has left.
        most_pixels: of a picture or mask that is put in.
        lists: whether a visitor may see, open and delete all that lies in the folder.
        downloads: whether a visitor may download models.
        keep_bytes: how much of it is kept, the oldest going first; 0: all.
    """

    folder: Path
    model: str = ""
    guard: Guard | None = None
    watch: Callable[[], Reporter] = Reporter
    maker: Maker | None = None
    sampling_rows: tuple[Setting, ...] = ()
    sampled: Callable[[str], Mapping[str, object]] = _nothing_known
    glimpse: Callable[[], Image.Image | None] | None = None
    sessions: dict[str, Session] = field(default_factory=dict)
    keeps: bool = True
    most_pixels: int = LARGEST
    lists: bool = False
    downloads: bool = False
    keep_bytes: Callable[[], int] = int
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def makes_pictures(self) -> bool:
        """Whether pictures can be made from text."""
        return bool(self.model) or self.maker is not None

    @property
    def defaults(self) -> dict[str, Value]:
        """What suits the model, where it differs from the table's defaults."""
        return miniature.SETTINGS if self.maker is None and self.model == miniature.NAME else {}

    # ---- what is put in ----------------------------------------------------------------------------------------------

    def register(
        self,
        id: str,
        picture: Image.Image | Upload | None,
        mask: Image.Image | Upload | None = None,
        depth: Image.Image | Upload | None = None,
    ) -> str:
        """Take in a visitor's picture, once; what follows refers to it by the id.

        Args:
            id: of the visitor's workspace, or ""; it serves again where its picture is the same.
            picture: the picture, or None where it was taken away.
            mask: what moves, in white, or None to find it.
            depth: of what a camera passes, bright is near, or None.

        Returns:
            The workspace's id; "" where there is no picture. One that was made from text stays where none is given.

        Raises:
            UserError: the picture, the mask or the depth cannot be used.
        """
        with self._reading:  # one after the other, for each may take as much memory as all others together
            unpacked = self._unpacked(picture)
            new = id if unpacked is None else self._take_in(id, to_picture(unpacked))
        if unpacked is None:
            known = self.sessions.get(id)
            if known is not None and not known.picture:
                return id
            self.leave(id)
            return ""
        try:
            self.put_mask(new, mask)
            self.put_depth(new, depth)
        except BaseException:
            if new != id:  # its id is not given out, so that nobody could leave it
                self.leave(new)
            raise
        return new

    def example(self, id: str) -> tuple[str, Sample]:
        """Take in the bundled example; its id, and what goes into the page's fields."""
        given = sample(self.folder / EXAMPLE)
        id = self._take_in(id, read_picture(given.picture))
        self.sessions[id].hints = given.hints
        self.sessions[id].words = {"prompt": given.prompt, "motion": given.motion}
        return id, given

    def open(self, before: str, id: str) -> Opened:
        """Go on with a workspace that is there already, as if the visitor had run it here.

        Args:
            before: id of the workspace that the page shows, or "".
            id: of the one to open.

        Raises:
            UserError: there is none of that id, or it cannot be opened.
        """
        if not (self.lists and ID.fullmatch(id) and (self.folder / id).is_dir()):
            raise UserError("this cinemagraph is not there any more")
        known = self.sessions.get(id)
        if known is not None and known.task.at_work:
            raise UserError("this cinemagraph is being made; open it when it has finished")
        if len(self.sessions) >= MOST_SESSIONS and known is None:
            raise UserError("too many pictures are being worked on here; try again later")
        session, opened = open_workspace(self.folder / id, self.folder / id / VIEW)
        infotext = "" if opened.results.twin is None else opened.results.twin.art.infotext
        own = self._checked(self.sampled(infotext)) if infotext else {}
        session.sampled = own
        if before != id:
            self.leave(before)
        self.sessions[id] = session
        return replace(opened, values={**opened.values, **own})

    def delete(self, id: str) -> None:
        """Delete a workspace that was kept.

        Raises:
            UserError: there is none of that id, or it is at work.
        """
        known = self.sessions.get(id)
        if not self.lists:
            raise UserError("this cinemagraph is not there any more")
        if known is not None and known.task.at_work:
            raise UserError("this cinemagraph is being made; delete it when it has finished")
        delete(self.folder, id)
        self.sessions.pop(id, None)

    def make_room(self) -> None:
        """Delete the oldest workspaces where there is more than is kept; never one that is open or young."""
        held = [id for id, session in list(self.sessions.items()) if not session.left]
        make_room(self.folder, self.keep_bytes(), held, time.time() - YOUNG)

    def _checked(self, values: Mapping[str, object]) -> dict[str, Value]:
        """The values that the maker's own settings can have."""
        rows = {row.name: row for row in self.sampling_rows}
        return {name: rows[name].check(value) for name, value in values.items() if _fits(rows.get(name), value)}

    def put_mask(self, id: str, mask: Image.Image | Upload | None) -> None:
        """Take in what moves, in white; None to find it.

        Raises:
            UserError: the mask cannot be used.
        """
        session = self.sessions.get(id)
        if session is None:
            return
        with self._reading:
            unpacked = self._unpacked(mask)
            regions = None if unpacked is None else given_regions(unpacked)
        full = "too many masks are held for all visitors together; paint it, or try again later"
        self._put(id, session, replace(session.beside, mask=regions), full)

    def put_depth(self, id: str, depth: Image.Image | Upload | None) -> None:
        """Take in the depth of what a camera passes, bright is near; None for a plain ground.

        Raises:
            UserError: the depth cannot be used.
        """
        session = self.sessions.get(id)
        if session is None:
            return
        with self._reading:
            unpacked = self._unpacked(depth)
            plane = None if unpacked is None else kept_depth(read_depth(unpacked))
        full = "too many masks and depths are held for all visitors together; give a smaller depth, or try again later"
        self._put(id, session, replace(session.beside, depth=plane), full)

    def _put(self, id: str, session: Session, given: Beside, full: str) -> None:
        """Take in what was put in beside the picture; UserError with the sentence `full` where it is too much."""
        beside = given.where_known(session.run_beside, session.beside)
        more = area(beside, session.run_beside)
        if more > _area(session) and more + self._held(apart_from=id) > MOST_MASKED:
            raise UserError(full)
        if beside.mask is not session.beside.mask:
            session.seen_mask = _seen(session.still, beside.mask)
        session.beside = beside

    def _take_in(self, id: str, art: Picture) -> str:
        key = key_of(art.rgb, art.alpha)
        known = self.sessions.get(id)
        if known is not None and known.picture == key:
            return id
        self.leave(id)
        id, session = self._new(key)
        try:
            session.still = keep_still(art, self.folder / id / VIEW)
        except BaseException:  # its id is not given out, so that nobody could leave it
            self.leave(id)
            raise
        return id

    def _unpacked(self, given: Image.Image | Upload | None) -> Image.Image | None:
        """What was put in; UserError where it is no picture, or too large for one visitor."""
        picture = given(self.most_pixels) if callable(given) else given
        if isinstance(picture, Unreadable):
            raise UserError(picture.why)
        return picture

    def _held(self, apart_from: str) -> int:
        """Pixels of the masks and depths that are held, but for one visitor's."""
        return sum(_area(row) for name, row in list(self.sessions.items()) if name != apart_from)

    def _new(self, key: str) -> tuple[str, Session]:
        if len(self.sessions) >= MOST_SESSIONS:
            raise UserError("too many pictures are being worked on here; try again later")
        self.make_room()
        id = secrets.token_hex(16)
        Workspace.create(self.folder / id)
        self.sessions[id] = Session(key)
        return id, self.sessions[id]

    def leave(self, id: str) -> None:
        """The visitor has gone on to another picture, or to none: a run stops, and a workspace without runs goes."""
        session = self.sessions.get(id)
        if session is None:
            return
        session.left = True
        session.task.cancel()
        if not session.begun:
            del self.sessions[id]
            shutil.rmtree(self.folder / id, ignore_errors=True)

    def forget(self, id: str) -> None:
        """The visitor has left: what is held in memory goes, and the workspace where none are kept."""
        session = self.sessions.get(id)
        if session is None:
            return
        self.leave(id)
        self.sessions.pop(id, None)
        if not self.keeps:
            shutil.rmtree(self.folder / id, ignore_errors=True)

    def close(self) -> None:
        """Nobody is served any more: the runs stop, and what was never run goes."""
        tasks = [session.task for session in list(self.sessions.values()) if session.begun]
        for id in list(self.sessions):
            self.forget(id)
        end = time.monotonic() + FAREWELL
        for task in tasks:
            task.wait(max(0.0, end - time.monotonic()))

    # ---- runs --------------------------------------------------------------------------------------------------------

    def animate(self, id: str, values: Mapping[str, object]) -> tuple[str, Task]:
        """Begin to animate the picture on the canvas.

        Args:
            id: of the visitor's workspace.
            values: settings by their names.

        Returns:
            The workspace's id and the run.

        Raises:
            UserError: there is no picture, or a setting cannot be used.
        """
        session = self.sessions.get(id)
        if session is None or session.still is None:
            raise UserError("there is no picture yet; drop one, or try the example")
        workspace = Workspace.create(self.folder / id)
        if not session.picture or session.keeps_twin:  # it was made from text, or its twin elsewhere
            asked = self._asked(session, values, workspace.load_recipe().twin.model)
            return id, self._start(session, workspace, asked, kept_job(workspace, asked.recipe))
        asked = self._asked(session, values, "")
        return id, self._start(session, workspace, asked, make_job(asked.recipe, picture=session.still.read()))

    def generate(self, id: str, values: Mapping[str, object]) -> tuple[str, Task]:
        """Begin to make a picture from its prompt, and to animate it; as `animate`.

        Another picture than the one there has a workspace of its own, so that the finished loop before it stays.
        """
        if not self.makes_pictures:
            raise UserError("no model is given that could make a picture")
        if not str(values.get("prompt") or "").strip():
            raise UserError("the prompt is empty; say what the picture shows")
        known = self.sessions.get(id)
        again = known is not None and not known.picture and not self._is_another(id, known, values)
        session = known if known is not None and again else Session("")
        asked = self._asked(session, values, self.model)
        job = make_job(asked.recipe, source=None if self.maker is None else self.maker(asked.sampling))
        if not again:
            before, (id, session) = id, self._new("")
            if known is not None and not known.picture:  # what was given beside the picture is still on the page
                session.beside, session.chosen = known.beside, known.chosen
            self.leave(before)
        return id, self._start(session, Workspace.create(self.folder / id), asked, job)

    def _is_another(self, id: str, session: Session, values: Mapping[str, object]) -> bool:
        """Whether the settings ask for another picture than that of a finished loop; a drawn seed always does."""
        drawn = isinstance(seed := values.get("seed"), (int, float)) and seed < 0
        return session.loop is not None and (drawn or Stage.TWIN in self.out_of_date(id, values))

    def run(self, id: str, values: Mapping[str, object], start: Stage) -> tuple[str, Task]:
        """Begin to run a workspace again from a stage on; as `animate`."""
        session = self._session(id)
        if not session.begun:
            raise UserError("there is no cinemagraph yet; animate the picture first")
        workspace = Workspace.open(self.folder / id)
        asked = self._asked(session, values, workspace.load_recipe().twin.model)
        return id, self._start(session, workspace, asked, self._again(session, workspace, asked, start), start)

    def choose(self, id: str, names: Sequence[str], values: Mapping[str, object]) -> tuple[str, Task]:
        """Begin to run a workspace again with some of the regions that it offered; as `animate`."""
        self._session(id).chosen = ", ".join(names)
        return self.run(id, {**values, "region": ""}, Stage.REGION)

    def cancel(self, id: str) -> None:
        """Stop the run in hand of a workspace, if there is one."""
        if id in self.sessions:
            self.sessions[id].task.cancel()

    def out_of_date(self, id: str, values: Mapping[str, object]) -> tuple[Stage, ...]:
        """The stages whose results no longer fit the settings on the page, or what is put in beside the picture."""
        session = self.sessions.get(id)
        if session is None or not session.begun:
            return ()
        try:
            before = Workspace.open(self.folder / id).load_recipe().values()
        except UserError:
            return ()
        changed = changed_stages({**before, **session.sampled}, session.values(values), not session.picture)
        if session.beside.mask is not session.run_beside.mask:
            changed.add(Stage.REGION)
        if session.beside.depth is not session.run_beside.depth and camera_moves({**before, **session.values(values)}):
            changed.add(Stage.MOTION)
        order = list(Stage)
        return tuple(order[min(order.index(stage) for stage in changed) :]) if changed else ()

    def workspace(self, id: str) -> Path:
        """The folder of a visitor's workspace.

        Raises:
            UserError: there is none of that id.
        """
        self._session(id)
        return self.folder / id

    def picture(self, id: str) -> Image.Image:
        """The picture on a visitor's canvas.

        Raises:
            UserError: there is none yet.
        """
        return Image.fromarray(to_bytes(self.still(id).rgb))

    def still(self, id: str) -> Picture:
        """The same with its generation parameters."""
        still = self.sessions[id].still if id in self.sessions else None
        if still is None:
            raise UserError("there is no picture yet; drop one, or make one from text")
        return still.read()

    def asked(self, id: str, values: Mapping[str, object]) -> Recipe:
        """The recipe of the page's settings, with the maker's own values where it has such.

        Raises:
            UserError: one is out of range.
        """
        return self._asked(self.sessions.get(id, Session("")), values, "").sampling

    def show_glimpse(self, id: str) -> Path | None:
        """Write what can be seen of the picture that is being made for a visitor; None where nothing can."""
        picture = None if self.glimpse is None else self.glimpse()
        if picture is None:
            return None
        path = self.workspace(id) / VIEW / "glimpse.png"
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            picture.convert("RGB").save(temporary, "PNG", compress_level=1)
        return path

    def alone(self, work: Callable[[], None]) -> None:
        """Run work while nothing else uses the machine."""
        if self.guard is not None:
            self.guard(work)
            return
        with self._lock:
            work()

    def _session(self, id: str) -> Session:
        if id not in self.sessions:
            raise UserError("there is no cinemagraph yet; animate a picture first")
        return self.sessions[id]

    def _asked(self, session: Session, values: Mapping[str, object], model: str) -> _Asked:
        """The recipes of the page's settings; UserError when one is out of range."""
        given = session.values(values)
        rows = self.sampling_rows if self.maker is not None else ()
        own = {row.name: row.check(given[row.name]) for row in rows if row.name in given}
        ours = {row.name: row for row in table()}
        recipe = Recipe().with_values(
            {name: value for name, value in given.items() if name not in own or _fits(ours[name], value)}
            | {"model": "" if self.maker is not None else model}
        )
        return _Asked(recipe, recipe.with_values(own, rows), own)

    def _again(self, session: Session, workspace: Workspace, asked: _Asked, start: Stage) -> Job:
        """The job of a workspace that runs again: its pictures are made by what made them, else they stay."""
        of_the_picture = list(Stage).index(start) <= list(Stage).index(Stage.TWIN)
        if session.keeps_twin:
            return kept_job(workspace, asked.recipe)
        if self.maker is None or session.picture:
            return open_job(workspace, asked.recipe)
        if not of_the_picture:
            return kept_job(workspace, asked.recipe)
        return make_job(asked.recipe, source=self.maker(asked.sampling))

    def _start(
        self, session: Session, workspace: Workspace, asked: _Asked, job: Job, start: Stage | None = None
    ) -> Task:
        session.task.cancel()
        session.begun, session.run_beside, session.sampled = True, session.beside, asked.sampled
        session.task = task = Task()
        task.start(
            replace(job, regions=session.beside.mask, flow=None, depth=session.beside.depth),
            workspace,
            self.alone,
            self.watch,
            start,
        )
        return task


def _area(session: Session) -> int:
    """Pixels of what is held beside its picture, and of the last run's where that is other."""
    return area(session.beside, session.run_beside)


def given_regions(mask: Image.Image) -> Regions | None:
    """What the user painted as one region without a name; the bundled example's mask stands for its three."""
    return regions_of(named_masks(to_mask(mask)) or mask)


def _seen(still: Still | None, regions: Regions | None) -> tuple[dict[str, str], ...]:
    """A mask file as the region stage will take it, with the usual settings; nothing where it does not fit."""
    if still is None or regions is None:
        return ()
    picture = fitted(still.read().rgb, LONGEST)
    height, width = picture.shape[:2]
    try:
        rows = [(row.name, fit_mask(row.mask, height, width)) for row in regions.regions]
    except UserError:  # the run says what is wrong with it
        return ()
    return tuple(
        {"name": name, "mask": sent_mask(refine_matte(picture, mask, RegionSettings())), "source": PAINTED}
        for name, mask in rows
    )


def _fits(row: Setting | None, value: object) -> bool:
    if row is None:
        return False
    try:
        row.check(value)
    except UserError:
        return False
    return True
