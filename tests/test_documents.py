"""Text files and JSON documents: every encoding with a mark is read, all else is one line that names the file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2c_ext.arrays import read_arrays, read_npy
from t2c_ext.documents import parse_document, read_document, read_text
from t2c_ext.errors import UserError
from t2c_ext.media.frames import read_video
from t2c_ext.weights.states import load_state
from t2c_ext.weights.torch_files import open_torch_file

TEXT = '{"name": "Fluß",\r\n "angle": 180}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_with_a_mark_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "hints.json"
    path.write_bytes(TEXT.encode(encoding))
    assert read_document(path, "the hints") == {"name": "Fluß", "angle": 180}
    assert read_text(path) == TEXT.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"\xff\xfe{", "is no text"),
        (b"\x89PNG\r\n\x1a\n", "is no text"),
        (b'{"a": "\0"}', "is no text"),
        (b'{"a": 1', r"not valid JSON.*line 1"),
        (b"[1]", "is a list, but must be an object"),
        (b"null", "is null, but must be an object"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": 1e999}', "too large a number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a": 1, "a": 2}', "'a' is given twice"),
        (b'{"a": "\\ud83d"}', "half of a letter"),
        (b'{"\\udc00": 1}', "half of a letter"),
        (b'{"a": ' * 70 + b"1" + b"}" * 70, "nested too deeply"),
        (b'{"a": ' + b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_document_is_refused_by_name(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=what) as caught:
        read_document(path, "the recipe")
    assert "recipe.json" in str(caught.value) and "\n" not in str(caught.value)


def test_a_text_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(b"a" * 101)
    assert len(read_text(path, largest=101)) == 101
    with pytest.raises(UserError, match="larger than"):
        read_text(path, largest=100)


@pytest.mark.parametrize("name", ["missing.json", "a\0b", "."])
def test_what_cannot_be_opened_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_text(tmp_path / name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON))
def test_what_the_standard_library_writes_is_read_back(document: dict[str, object]) -> None:
    assert parse_document(json.dumps(document), "it") == document


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_document(text, "it"), dict)
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize(
    "read", [read_text, read_arrays, read_npy, lambda path: next(read_video(path)), load_state, open_torch_file]
)
def test_nobody_waits_at_a_pipe(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(UserError, match="it is a pipe"):
        read(tmp_path / "a.mp4")
