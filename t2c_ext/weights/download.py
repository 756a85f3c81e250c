"""Getting models: from the hub, from an archive on Google Drive, from an address, or with a language library."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from t2c_ext.errors import UserError
from t2c_ext.progress import Reporter
from t2c_ext.weights import language
from t2c_ext.weights.catalogue import Model, catalogue, model_named
from t2c_ext.weights.checksums import write_checksums
from t2c_ext.weights.drive import download_from_drive
from t2c_ext.weights.fetch import Remote, Told, Unreachable, fetch, sha256_of
from t2c_ext.weights.find import find_model
from t2c_ext.weights.first_seen import keep_first_seen
from t2c_ext.weights.hub import download_from_hub
from t2c_ext.weights.places import Places
from t2c_ext.weights.unpack import unpack


def download_models(
    names: Sequence[str], places: Places | None = None, reporter: Reporter | None = None
) -> dict[str, Path | None]:
    """Get models that are not here yet; those that are here are left alone.

    Args:
        names: names of the catalogue.
        places: where models lie; downloads go to `places.target()`.
        reporter: progress in bytes, with the model's name as the stage, and cancellation.

    Returns:
        By name where each lies now (None for a language model, which lies where its library wants it).

    Raises:
        UserError: a name is not in the catalogue, a package is missing, or a download failed; the message says what to
            fetch by hand and where to put it. What had arrived is kept and taken up again.
    """
    places, reporter = places or Places(), reporter or Reporter()
    models = [model_named(name) for name in names]
    return {model.name: _download(model, places, reporter) for model in models}


def _download(model: Model, places: Places, reporter: Reporter) -> Path | None:
    if model.library:
        if not language.is_installed(model.name, model.library):
            language.download(model.name, model.library)
        return None
    found = find_model(model.name, places)
    if found is not None:
        return found
    folder = places.target() / model.name

    def told(here: int, total: int) -> None:
        reporter.step(model.name, here, max(here, total))

    try:
        if model.hub:
            download_from_hub(model, folder, told)
        elif model.drive:
            _download_archive(model, places.target(), told)
        else:
            _download_address(model, folder, told)
    except Unreachable as error:
        raise UserError(f"could not download {model.name}: {error}; {_by_hand(model, places.target())}") from None
    except OSError as error:
        raise UserError(f"cannot write to {places.target()}: {error.strerror or error}") from None
    found = find_model(model.name, places)
    if found is None:
        raise UserError(f"{model.source} does not hold what {model.name} needs; {_by_hand(model, places.target())}")
    return found


def _by_hand(model: Model, target: Path) -> str:
    """What a person without a connection from here can do."""
    if model.drive:
        return f"by hand: put {model.archive} from {model.source} into {target} and run this again"
    files = ", ".join(need.split(" | ")[0] for need in model.needs)
    return f"by hand: {files} from {model.source} into {target / model.name}"


def _download_address(model: Model, folder: Path, told: Told) -> None:
    name = model.needs[0]
    digest = fetch(Remote(model.url, sha256=model.sha256.get(name, "")), folder / name, told)
    write_checksums(folder, {name: digest}, model.url)


def _download_archive(model: Model, target: Path, told: Told) -> None:
    """Fetch the archive, unless it lies there already, and unpack every model of the catalogue that it holds."""
    archive, given = target / model.archive, (target / model.archive).is_file()
    if not given:
        download_from_drive(model.drive, archive, told)
        try:
            keep_first_seen(target, model.source, sha256_of(archive))
        except UserError:
            archive.unlink(missing_ok=True)
            raise
    inside = [other for other in catalogue() if other.drive == model.drive]
    needed = {PurePosixPath(other.name, name) for other in inside for need in other.needs for name in need.split(" | ")}

    def keep(path: PurePosixPath) -> bool:
        return PurePosixPath(*path.parts[-2:]) in needed

    staging = target / f".{Path(model.archive).stem}.unpacked"
    try:
        for path in unpack(archive, staging, keep=keep, told=told):
            folder = target / path.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            digest = sha256_of(path)
            path.replace(folder / path.name)
            write_checksums(folder, {path.name: digest}, model.source)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if not given:
            archive.unlink(missing_ok=True)
