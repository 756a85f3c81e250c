"""The folder or storage that gets a batch's loops: who may write in it, what is there, what is unfinished, its page."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from t2c_ext.atomic import replacing, replacing_folder
from t2c_ext.batch.gallery.page import PAGE, write_gallery
from t2c_ext.batch.manifest import Manifest, latest, read_manifest
from t2c_ext.batch.outcome import Outcome
from t2c_ext.batch.places import UNFINISHED, size_of
from t2c_ext.batch.plan import BROKEN, key_of
from t2c_ext.batch.rows import is_address
from t2c_ext.batch.storage import Storage
from t2c_ext.errors import UserError
from t2c_ext.media.ownership import is_our_file
from t2c_ext.outputs import check_output

LOCK = "batch.lock"

_TOKEN = re.compile(r"seen-[0-9a-f]{32}")


class Site:
    """The batch's folder, or a storage and a folder of this machine that stands for it."""

    def __init__(self, out: str) -> None:
        self.storage = Storage(out) if is_address(out) else None
        if self.storage is None:
            self.folder = Path(out).resolve()
            self.out = str(self.folder)
            self.manifest = Manifest(self.folder)
        else:
            self.out = self.storage.address
            self.manifest = Manifest.of_storage(self.storage)
            self.folder = self.manifest.path.parent

    def lookout(self) -> Callable[[Outcome], bool]:
        """Tells whether an outcome's loop is as it was written."""
        if self.storage is None:
            return self._is_there
        sizes = Counter(self.storage.sizes())
        for name, size in list(sizes.items()):
            folder, _, frame = name.partition("/")
            if frame:
                sizes[folder] += size  # a loop may be a folder of frames
        return lambda outcome: bool(outcome.file) and sizes[outcome.file] == outcome.bytes

    def _is_there(self, outcome: Outcome) -> bool:
        try:
            return bool(outcome.file) and size_of(self.folder / outcome.file) == outcome.bytes
        except OSError:
            return False

    def receive(self, outcome: Outcome, contents: Mapping[str, bytes]) -> None:
        """Write a loop that was sent, and its still, whole or not at all."""
        place = self.folder / outcome.file
        check_output(place)
        frames = {name: content for name, content in contents.items() if "/" in name}
        if frames:
            with replacing_folder(place) as temporary:
                for name, content in frames.items():
                    (temporary / name.rpartition("/")[2]).write_bytes(content)
        for name, content in contents.items():
            path = self.folder / name
            if name not in frames and (name == outcome.file or not path.exists() or is_our_file(path)):
                with replacing(path) as temporary:
                    temporary.write_bytes(content)

    def settle(self, now: bool = False) -> None:
        """What was unfinished of rows that are done, and in the manifest for good, is not needed any more."""
        for outcome in self.manifest.settled(now):
            if outcome.is_done:
                self._forget(outcome)

    def sweep(self, finished: Sequence[Outcome]) -> None:
        """Remove what a run that was killed left of rows that are done, and its token."""
        if self.storage is not None:
            return  # it is looked for row by row, which takes long there
        with suppress(OSError):
            left = {path.name: path for path in (self.folder / UNFINISHED).iterdir()}
            for name, path in left.items():
                if _TOKEN.fullmatch(name):
                    path.unlink(missing_ok=True)
            for outcome in finished if left else ():
                if key_of(outcome.fingerprint, outcome.name) in left:
                    self._forget(outcome)
            (self.folder / UNFINISHED).rmdir()

    def _forget(self, outcome: Outcome) -> None:
        key = key_of(outcome.fingerprint, outcome.name)
        if self.storage is not None:
            self.storage.remove(f"{UNFINISHED}/{key}")
        else:
            shutil.rmtree(self.folder / UNFINISHED / key, ignore_errors=True)

    def gallery(self, places: Mapping[str, int]) -> None:
        """Write the page with all loops: those of this list in its order, then those of others."""
        outcomes, _ = read_manifest(self.manifest.path)
        shown = [row for row in latest(outcomes).values() if row.kind != BROKEN]
        write_gallery(self.folder, sorted(shown, key=lambda row: places.get(row.name, len(places))))
        if self.storage is not None:
            self.storage.put(self.folder / PAGE, PAGE)

    @contextmanager
    def token(self, wanted: bool) -> Iterator[str]:
        """A file by which workers tell whether they see the batch's folder; "" where that is not asked."""
        if not wanted or self.storage is not None:
            yield ""
            self._tidy()
            return
        name = f"seen-{uuid4().hex}"
        path = self.folder / UNFINISHED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        try:
            yield name
        finally:
            path.unlink(missing_ok=True)
            self._tidy()

    def _tidy(self) -> None:
        with suppress(OSError):  # some rows are unfinished
            (self.folder / UNFINISHED).rmdir()


@contextmanager
def opened(out: str) -> Iterator[Site]:
    """The batch's folder, for this run alone."""
    site = Site(out)
    try:
        site.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make {site.folder}: {error.strerror or error}") from None
    lock = FileLock(str(site.folder / LOCK), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f"{out} is in use by another batch; wait for its end, or name another folder") from None
    except (OSError, NotImplementedError) as error:
        raise UserError(f"cannot write in {out}: {getattr(error, 'strerror', None) or error}") from None
    try:
        yield site
    finally:
        lock.release()
        site.manifest.close()
