"""Cinemagraphs by request: what the WebUI's API and the app do, on plain values. No host and no web framework.

Pictures come as base64 (with or without a `data:` head); results are kept in workspaces below one folder, each known by
an id, so that no request names a path.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from t2c_ext.errors import UserError, Way
from t2c_ext.jobs import Job, make_job, open_job, regions_of
from t2c_ext.media.depth import read_depth
from t2c_ext.media.pictures import read_picture
from t2c_ext.pipeline import Cinemagraph, Pipeline
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import RegionNotFound
from t2c_ext.settings import table
from t2c_ext.shelf import ID, delete
from t2c_ext.types import Picture, Regions, Stage
from t2c_ext.worker import Guard, Worker, at_once
from t2c_ext.workspace import Workspace

LARGEST_UPLOAD = 64_000_000
"""Bytes of one picture in a request."""

FOLDER = "png"
"""The format that is a folder of frames."""

PLACES = tuple(row.name for row in table() if row.place)
"""Settings that name files or folders."""

TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".apng": "image/apng",
    ".png": "image/png",
}
"""Media types of the files that may be asked for."""


class NotFound(UserError):
    """There is no cinemagraph, or no file, of that name."""


class Busy(UserError):
    """Another request is in hand."""


@dataclass(frozen=True)
class Made:
    """A finished request.

    Attributes:
        id: of its workspace.
        loop: name of the loop's file in the workspace.
        poster: name of the still beside it, or "".
        frames: of one period.
        notes: sentences for the user.
        seconds: per stage.
    """

    id: str
    loop: str
    poster: str
    frames: int
    notes: tuple[str, ...]
    seconds: dict[str, float]


@dataclass
class Service:
    """Runs requests one at a time, and keeps their results.

    Attributes:
        folder: where the workspaces lie.
        watch: called for each request; what it gives is told of the progress and may stop it, as `cancel` does.
        guard: runs the work when its turn has come, where it has to run, and raises what it raises.
    """

    folder: Path
    watch: Callable[[], Reporter] = Reporter
    guard: Guard = at_once
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: threading.Lock = field(default_factory=threading.Lock)
    _workers: list[Worker] = field(default_factory=list)

    def animate(
        self,
        image: str,
        mask: str | Mapping[str, str] | None = None,
        natural: str | None = None,
        settings: Mapping[str, object] | None = None,
        depth: str | None = None,
    ) -> Made:
        """Animate a picture.

        Args:
            image: the picture, base64.
            mask: what moves, base64, or several by name; None: found by words.
            natural: a natural-looking twin of the picture, base64.
            settings: any of the table, by name.
            depth: of what a camera passes, base64 of a picture (bright is near) or of an `.npy`.

        Raises:
            UserError: something is wrong with what was given; one line that says what.
            Cancelled: `cancel` was called.
        """
        recipe = refuse_frames(Recipe().with_values(refuse_places(settings)))
        job = make_job(
            recipe,
            picture=decode_picture(image, "image"),
            natural=None if natural is None else decode_picture(natural, "natural"),
            masks=read_masks(mask),
            depth=None if depth is None else read_depth(decode_file(depth, "depth")),
        )
        folder = self.folder / secrets.token_hex(8)
        try:
            with self._unnamed():
                return self._run(Workspace.create(folder), lambda workspace: job)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)  # nobody learns its id
            raise

    def run(self, id: str, start: str | None = None, settings: Mapping[str, object] | None = None) -> Made:
        """Run a workspace again, with other settings or from a stage on; raises as `animate`."""
        folder = self.workspace(id)
        if start is not None and start not in [stage.value for stage in Stage]:
            raise UserError(f"there is no stage called {start!r}; use one of {', '.join(s.value for s in Stage)}")
        given = refuse_places(settings)
        refuse_frames(Recipe().with_values(given))

        def job(workspace: Workspace) -> Job:
            return open_job(workspace, refuse_frames(workspace.load_recipe().with_values(given)))

        with self._unnamed():
            return self._run(Workspace.open(folder), job, None if start is None else Stage(start))

    def progress(self) -> dict[str, object]:
        """How far the request in hand is; no stage while all of them wait for their turn."""
        with self._count:
            workers = list(self._workers)
        begun = (worker.reached for worker in workers if worker.reached[0])
        stage, done, total = next(begun, ("", 0, 1))
        return {"running": bool(workers), "stage": stage, "done": done, "total": total}

    def cancel(self) -> None:
        """Stop the request in hand, and those that wait for their turn."""
        with self._count:
            for worker in self._workers:
                worker.cancel()

    def workspace(self, id: str) -> Path:
        """The folder of a workspace.

        Raises:
            NotFound: there is none of that id.
        """
        if not isinstance(id, str) or not ID.fullmatch(id) or not (self.folder / id).is_dir():
            raise NotFound(f"there is no cinemagraph {str(id)[:40]!r}")
        return self.folder / id

    def file(self, id: str, name: str) -> Path:
        """A picture or loop of a workspace.

        Raises:
            NotFound: there is none of that name.
        """
        folder = self.workspace(id)
        path = folder / name
        if Path(name).name != name or path.suffix not in TYPES or not path.is_file():
            raise NotFound(f"the cinemagraph {id} has no file {name!r}")
        return path

    def delete(self, id: str) -> None:
        """Delete a workspace.

        Raises:
            NotFound: there is none of that id.
            Busy: a run has it.
        """
        folder = self.workspace(id)
        try:
            delete(self.folder, folder.name)
        except UserError as error:
            raise Busy(str(error).replace(f"{self.folder}{os.sep}", "")) from None

    def _run(self, workspace: Workspace, job: Callable[[Workspace], Job], start: Stage | None = None) -> Made:
        """Make a workspace's job when its turn has come, which finds what those before it left, and run it."""
        results = []

        def work(reporter: Reporter) -> None:
            with self._alone():
                results.append(Pipeline(job(workspace), workspace, reporter).run(start=start))

        worker = Worker()
        with self._in_hand(worker):
            worker.start(work, self.guard, self.watch)
            worker.finish()
        return _made(workspace.root.name, results[0])

    @contextmanager
    def _in_hand(self, worker: Worker) -> Iterator[None]:
        """Inside the context one request more is in hand."""
        with self._count:
            self._workers.append(worker)
        try:
            yield
        finally:
            with self._count:
                self._workers.remove(worker)

    @contextmanager
    def _unnamed(self) -> Iterator[None]:
        """Sentences about a workspace's files do not say where on the server they lie."""
        try:
            yield
        except RegionNotFound as question:
            raise question.shown_in(None) from None
        except UserError as error:
            raise error.without(f"{self.folder}{os.sep}") from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise Busy("another cinemagraph is being made; wait for it, or cancel it")
        try:
            yield
        finally:
            self._lock.release()


def schema() -> list[dict[str, object]]:
    """Every setting with its type, default, bounds, choices and help."""
    rows = []
    for row in table():
        values = asdict(row) | {"stage": row.stage.value, "type": row.type.__name__, "choices": list(row.choices)}
        rows.append(values | {"infotext": row.infotext})
    return rows


def decode_picture(text: object, what: str) -> Picture:
    """A picture from base64, with or without a `data:` head.

    Raises:
        UserError: it is not base64, too large, or no picture that `read_picture` reads.
    """
    return read_picture(decode_file(text, what), what)


def decode_file(text: object, what: str) -> bytes:
    """The bytes of a file in base64, with or without a `data:` head and line breaks.

    Raises:
        UserError: it is no text, not base64, or too large.
    """
    if not isinstance(text, str):
        raise UserError(f"{what} is no text; give the file's bytes in base64")
    body = text.partition(",")[2] if text.startswith("data:") else text
    if len(body) > LARGEST_UPLOAD * 4 // 3:
        raise UserError(f"{what} is larger than {LARGEST_UPLOAD // 10**6} MB")
    try:
        return base64.b64decode("".join(body.split()), validate=True)  # programs break it into lines
    except (binascii.Error, ValueError):
        raise UserError(f"{what} is not base64") from None


def refuse_places(settings: Mapping[str, object] | None) -> dict[str, object]:
    """The settings of a request; UserError when they are no table, or one of them names a place on this machine."""
    if settings is not None and not isinstance(settings, Mapping):
        raise UserError("settings must be an object: the settings by their names")
    given = dict(settings or {})
    for name in PLACES:
        if given.get(name):
            raise UserError("names a place on the server, which a request may not", setting=name)
    return given


def refuse_frames(recipe: Recipe) -> Recipe:
    """The recipe; UserError when it asks for a folder of frames."""
    if recipe.loop.format == FOLDER:
        raise UserError(
            f"is {FOLDER}, a folder of frames, which an answer cannot hold",
            setting="format",
            ways=[Way("apng keeps every frame")],
        )
    return recipe


def read_masks(mask: object) -> Regions | None:
    """One mask, or several by name, from base64; UserError when one is no picture."""
    if mask is None:
        return None
    if not isinstance(mask, Mapping):
        return regions_of(decode_file(mask, "mask"))
    return regions_of({name: decode_file(text, "mask") for name, text in mask.items()})


def _made(id: str, result: Cinemagraph) -> Made:
    if result.loop is None:
        raise UserError("no loop was made")
    poster = "" if result.loop.poster is None else result.loop.poster.name
    return Made(id, result.loop.path.name, poster, result.loop.frames, result.notes, result.seconds)
