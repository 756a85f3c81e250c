"""CLIP's vocabulary, wherever it lies: beside the model, in the hub's cache, in an installed package, on the hub."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.weights.places import Places, hub_cache

VOCABULARY, MERGES = "vocab.json", "merges.txt"
REPOSITORY = "openai/clip-vit-large-patch14"
COMMIT = "32bd64288804d66eefd0ccbe215aa642df71cc41"
START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
MERGE_COUNT = 49152 - 256 - 2
"""The merges that CLIP uses; its BPE file lists more."""

_BPE_FILES = (("open_clip", "bpe_simple_vocab_16e6.txt.gz"), ("clip", "bpe_simple_vocab_16e6.txt.gz"))


def open_tokenizer(folder: Path) -> Any:
    """The CLIPTokenizer of a folder.

    Raises:
        UserError: the folder holds none.
    """
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{folder} holds no CLIP tokenizer ({str(error).splitlines()[0][:120]})") from None
    tokenizer.model_max_length = LENGTH
    return tokenizer


def find_tokenizer(near: Path, online: bool = True) -> Any:
    """CLIP's tokenizer for a checkpoint file that has none inside.

    Searched in this order: the folder `tokenizer` beside the file or in one of the folders for models, the hub's
    cache, the BPE file inside an installed open_clip or clip (the WebUI has one), the hub.

    Args:
        near: the checkpoint.
        online: whether the hub may be asked.

    Raises:
        UserError: it is nowhere; says where to put it.
    """
    for folder in _folders(near):
        if (folder / VOCABULARY).is_file() and (folder / MERGES).is_file():
            return open_tokenizer(folder)
    packed = _packed()
    if packed is not None:
        with TemporaryDirectory() as temporary:
            unpack_bpe(packed, Path(temporary))
            return open_tokenizer(Path(temporary))
    if online:
        return _download()
    raise _missing(near)


def _missing(near: Path) -> UserError:
    return UserError(
        f"the CLIP tokenizer is not here: put {VOCABULARY} and {MERGES} of {REPOSITORY} into "
        f"{near.parent / 'tokenizer'}, or pip install open-clip-torch"
    )


def _folders(near: Path) -> Iterator[Path]:
    yield near.with_suffix("") / "tokenizer"
    yield near.parent / "tokenizer"
    for place in Places().folders():
        yield place / "tokenizer"
    for snapshot in sorted(hub_cache().glob("models--*/snapshots/*")):
        if (snapshot / "model_index.json").is_file():
            yield snapshot / "tokenizer"
        elif "clip-vit" in snapshot.parent.parent.name.lower():
            yield snapshot


def _packed() -> Path | None:
    for package, name in _BPE_FILES:
        found = importlib.util.find_spec(package)
        for place in (found.submodule_search_locations or []) if found else []:
            if (Path(place) / name).is_file():
                return Path(place) / name
    return None


def unpack_bpe(packed: Path, folder: Path) -> None:
    """Write `vocab.json` and `merges.txt` from CLIP's gzipped list of merges.

    The vocabulary is the 256 bytes, the same at the end of a word, one entry for each merge, and the two marks.
    """
    with gzip.open(packed, "rt", encoding="utf-8") as file:
        merges = file.read().split("\n")[1 : MERGE_COUNT + 1]
    merges = [line for line in merges if line.strip()]
    letters = _byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters)]
    words += ["".join(line.split()) for line in merges] + [START, END]
    vocabulary = {word: index for index, word in enumerate(words)}
    (folder / VOCABULARY).write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / MERGES).write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")


def _byte_letters() -> list[str]:
    """A printable letter for each of the 256 bytes, in CLIP's order: printable Latin-1 first, then the others."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def _download() -> Any:
    from huggingface_hub import snapshot_download

    files = [VOCABULARY, MERGES, "*config.json"]
    try:
        return open_tokenizer(Path(snapshot_download(REPOSITORY, revision=COMMIT, allow_patterns=files)))
    except UserError:
        raise
    except Exception as error:  # each version of the hub's client has its own for a network that is down
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise UserError(
            f"the CLIP tokenizer is not here and could not be fetched ({reason}): put {VOCABULARY} and {MERGES} of "
            f"{REPOSITORY} into a folder `tokenizer` beside the model, or pip install open-clip-torch"
        ) from None
