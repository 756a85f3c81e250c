"""Keys: equal for equal content, different for any difference, and never for a value that is not understood."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2c_ext.keys import file_digest, key_of
from t2c_ext.types import Painted, Picture, Stage


@dataclass(frozen=True)
class _One:
    value: object


@dataclass(frozen=True)
class _Other:
    value: object


def test_values_that_look_alike_have_different_keys() -> None:
    alike = [
        None, "None", True, 1, 1.0, "1", b"1", 0, False, 0.0, -0.0, "", b"", (), ("",), ((),), ("", ""), ("ab",),
        ("a", "b"), [["a"], "b"], ["a", ["b"]], Stage.LOOP, "loop", "LOOP", {"a": "b"}, {"a": ("b",)},
        _One(1), _Other(1), np.zeros(1, np.float32), np.zeros(2, np.float16), np.zeros(4, np.uint8),
        np.zeros((1, 4), np.uint8), np.zeros((4, 1), np.uint8), np.zeros(0), np.zeros((0, 2)),
    ]  # fmt: skip
    assert len({key_of(value) for value in alike}) == len(alike)
    assert key_of("a", "b") != key_of("ab") != key_of("a", "b", ())


def test_arrays_count_by_their_whole_content() -> None:
    values = np.arange(20_000, dtype=np.float32).reshape(100, 200)
    changed = values.copy()
    changed[50, 100] += 1
    assert key_of(values) == key_of(np.asfortranarray(values)) != key_of(changed)
    assert key_of(values[:, ::2]) == key_of(values[:, ::2].copy())


def test_dataclasses_count_by_every_field_however_deep() -> None:
    picture = Picture(np.zeros((4, 4, 3), np.float32), None, "steps: 20")
    assert key_of(picture) == key_of(replace(picture, rgb=picture.rgb.copy()))
    assert key_of(picture) != key_of(replace(picture, infotext="steps: 21"))
    levels = np.zeros((4, 4), np.uint8)
    assert key_of((Painted(levels), picture)) != key_of((Painted(levels + 1), picture))


def test_files_count_by_name_size_and_time_and_folders_by_their_files(tmp_path: Path) -> None:
    path = tmp_path / "model" / "weights.bin"
    assert key_of(path) != key_of(tmp_path / "model" / "other.bin")
    path.parent.mkdir()
    absent = key_of(path), key_of(path.parent)
    path.write_bytes(b"first")
    os.utime(path, ns=(1, 1))
    before = key_of(path), key_of(path.parent)
    assert before == (key_of(path), key_of(path.parent)) and before[0] != absent[0] and before[1] != absent[1]
    os.utime(path, ns=(2, 2))
    assert key_of(path) != before[0] and key_of(path.parent) != before[1]
    assert file_digest(path) != file_digest(Path(__file__))


@pytest.mark.parametrize("value", [object(), {1, 2}, key_of, np.array([object()]), (1, [lambda: 0])])
def test_what_is_not_understood_has_no_key(value: object) -> None:
    with pytest.raises(TypeError, match="no key"):
        key_of(value)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner))


@given(TREES, TREES)
def test_keys_are_equal_just_where_values_are(one: object, other: object) -> None:
    assert (key_of(one) == key_of(other)) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return tuple(_sorted(part) for part in value) if isinstance(value, tuple) else value
