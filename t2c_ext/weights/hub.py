"""Models from the Hugging Face hub: huggingface_hub says what a repository holds, `fetch` brings it.

Its own `hf_hub_download` has no way to follow the progress or to stop in the releases that the WebUI pins (0.36), and
compares sizes, not checksums. `fetch` does all three, and is there for the models at other addresses in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.weights.catalogue import Model
from t2c_ext.weights.checksums import read_checksums, write_checksums
from t2c_ext.weights.fetch import Remote, Told, Unreachable, fetch, sha256_of
from t2c_ext.weights.first_seen import first_seen, keep_first_seen
from t2c_ext.weights.unpack import safe_path

SMALL = 20 << 20
"""Configurations and vocabularies are smaller than this many bytes."""

SMALL_KINDS = (".json", ".txt", ".model")


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit.

    Attributes:
        source: address of that commit.
        commit: the commit.
        files: by name; those of weights with their checksum.
    """

    source: str
    commit: str
    files: Mapping[str, Remote]


def list_repository(repository: str, revision: str) -> Listing:
    """The files of a repository at a commit ("" for the newest).

    Raises:
        UserError: huggingface_hub is not installed.
        Unreachable: no connection, no such repository, or no access.
    """
    try:
        import huggingface_hub
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]
    except ImportError:
        raise UserError("the hub's models need the package huggingface_hub: pip install huggingface_hub") from None
    try:
        info = huggingface_hub.HfApi().model_info(repository, revision=revision or None, files_metadata=True)
    except Exception as error:  # its own errors and its HTTP library's, which differs from version to version
        raise Unreachable(_reason(error)) from None
    headers = {name: value for name, value in build_hf_headers().items() if name.lower() == "authorization"}
    files = {}
    for entry in info.siblings or ():
        digest = "" if entry.lfs is None else str(entry.lfs["sha256"])
        url = huggingface_hub.hf_hub_url(repository, entry.rfilename, revision=info.sha)
        files[entry.rfilename] = Remote(url, int(entry.size or 0), digest, headers)
    return Listing(f"https://huggingface.co/{repository}/tree/{info.sha}", str(info.sha), files)


def download_from_hub(model: Model, folder: Path, told: Told) -> None:
    """Bring the files that a model needs, and the small ones beside them; whole files stay as they are.

    Without a commit in the catalogue that of the first download is asked for again.

    Raises:
        UserError: the repository lacks a file that is needed, gives another commit, or a file cannot be written.
        Unreachable: no connection, or no access.
    """
    revision = model.revision or first_seen(folder.parent, model.hub)
    listing = list_repository(model.hub, revision)
    if revision and listing.commit != revision:
        raise UserError(
            f"the hub gave {model.hub} at {listing.commit[:12]} instead of {revision[:12]}; try again later"
        )
    if not model.revision:
        keep_first_seen(folder.parent, model.hub, listing.commit)
    wanted = wanted_files(model, listing.files)
    total, done = sum(remote.size for remote in wanted.values()), 0
    for name, remote in sorted(wanted.items(), key=lambda item: item[1].size):

        def told_all(here: int, _: int, before: int = done) -> None:
            told(before + here, total)

        target = folder / name
        if not _is_here(folder, name, remote):
            write_checksums(folder, {name: fetch(remote, target, told_all)}, listing.source)
        done += remote.size
        told(done, total)


def wanted_files(model: Model, files: Mapping[str, Remote]) -> dict[str, Remote]:
    """Of a repository's files those that the model needs, and the small ones in the same folders.

    Raises:
        UserError: the repository lacks one, or has a name that leads elsewhere.
    """
    wanted: dict[str, Remote] = {}
    for need in model.needs:
        name = next((name for name in need.split(" | ") if name in files), None)
        if name is None:
            raise UserError(f"{model.source} has no {need.replace(' | ', ' or ')}; report this")
        wanted[name] = files[name]
    folders = {Path(name).parent for name in wanted}
    for name, remote in files.items():
        if Path(name).parent in folders and name.endswith(SMALL_KINDS) and 0 < remote.size < SMALL:
            wanted.setdefault(name, remote)
    unsafe = [name for name in wanted if safe_path(name) is None]
    if unsafe:
        raise UserError(f"{model.source} holds the unsafe name {unsafe[0][:80]!r}; report this")
    return wanted


def _is_here(folder: Path, name: str, remote: Remote) -> bool:
    path = folder / name
    if not path.is_file() or path.stat().st_size != remote.size:
        return False
    digest = sha256_of(path)
    return digest == (remote.sha256 or read_checksums(folder).get(name))


def _reason(error: Exception) -> str:
    name = type(error).__name__
    if name == "GatedRepoError":
        return "its makers want their terms accepted on its page, and a login: hf auth login"
    if name in ("RepositoryNotFoundError", "RevisionNotFoundError"):
        return "the hub has no such repository, or it asks for a login: hf auth login"
    return f"no answer from the hub ({name})"
