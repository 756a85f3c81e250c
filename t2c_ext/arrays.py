"""Arrays in files of NumPy: never a pickle, and never more memory than the file itself says in plain numbers."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.lib import format as layout
from numpy.typing import NDArray

from t2c_ext.errors import UserError
from t2c_ext.pipes import refuse_pipe

MAGIC = layout.MAGIC_PREFIX
"""How an `.npy` begins."""

LARGEST_ARRAYS = 1_300_000_000
"""Bytes of all arrays of a file: a flow of the largest picture, 80 megapixels, in double precision."""


def read_arrays(path: Path, largest: int = LARGEST_ARRAYS) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz`, by their names.

    Raises:
        UserError: it cannot be read, is damaged, or would take too much memory.
    """
    try:
        refuse_pipe(path)
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            size = sum(member.file_size for member in members)
            if size > largest:
                raise UserError(f"{path} unpacks to {size / 1e9:.3g} GB; at most {largest / 1e9:.3g} are read")
            return {member.filename.removesuffix(".npy"): _member(archive, member) for member in members}
    except UserError:
        raise
    except MemoryError:
        raise UserError(f"{path} does not fit in memory") from None
    except Exception as error:  # damaged archives raise whatever their reader meets first
        raise UserError(f"cannot read {path}: {' '.join(str(error).split())[:80] or type(error).__name__}") from None


def read_npy(path: Path, largest: int = LARGEST_ARRAYS) -> NDArray[Any]:
    """The array of an `.npy`; raises as `read_arrays`."""
    try:
        refuse_pipe(path)
        size = path.stat().st_size
        if size > largest:
            raise UserError(f"{path} holds {size / 1e9:.3g} GB; at most {largest / 1e9:.3g} are read")
        with path.open("rb") as file:
            return _array(file, size)
    except UserError:
        raise
    except MemoryError:
        raise UserError(f"{path} does not fit in memory") from None
    except Exception as error:  # likewise
        raise UserError(f"cannot read {path}: {' '.join(str(error).split())[:80] or type(error).__name__}") from None


def npy_of(content: bytes, name: str) -> NDArray[Any]:
    """The array of the bytes of an `.npy`; `name` is for messages. Raises as `read_arrays`."""
    try:
        return _array(io.BytesIO(content), len(content))
    except MemoryError:
        raise UserError(f"{name} does not fit in memory") from None
    except Exception as error:  # likewise
        raise UserError(f"cannot read {name}: {' '.join(str(error).split())[:80] or type(error).__name__}") from None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        return _array(cast(io.BufferedIOBase, file), member.file_size)


def _array(file: io.BufferedIOBase, size: int) -> NDArray[Any]:
    """The array of a stream of `size` bytes; ValueError where its head promises more, or Python objects.

    NumPy's own reader takes the memory that the head asks for before it looks whether so much is there.
    """
    version = layout.read_magic(file)
    heads = {(1, 0): layout.read_array_header_1_0, (2, 0): layout.read_array_header_2_0}
    if version not in heads:
        raise ValueError(f"an array of format {version}")
    shape, by_columns, dtype = heads[version](file)
    length = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or length > size:
        raise ValueError("it holds Python objects" if dtype.hasobject else "it is cut short")
    content = bytearray(length)
    if file.readinto(content) != length:
        raise ValueError("it is cut short")
    file.read(1)  # at its end an archive compares the checksum
    return np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")
