"""Files of torch.save, opened without torch.load.

Before 2.6, torch.load runs the program in a TorchScript archive whatever `weights_only` says (CVE-2025-32434), and its
reader of zip archives finds other members than Python's does, so that a check before it can be led astray. Here the
standard library alone takes the file apart; nothing in it can run (see `pickles`), with any version of torch.

There are two layouts: since torch 1.6 a zip archive with `data.pkl` and one member per storage, and before it pickles
one after another, followed by the storages. The still older tar archives are refused.
"""

from __future__ import annotations

import math
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from t2c_ext.errors import UserError
from t2c_ext.pipes import refuse_pipe
from t2c_ext.weights.pickles import BadPickle, CodeInPickle, Made, Name, Outside, read_pickle

if TYPE_CHECKING:
    from torch import Tensor

ZIP_START, PICKLE_START = b"PK\x03\x04", b"\x80"
"""How files of torch.save start, since version 1.6 and before it."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
"""The first two pickles of the layout before version 1.6."""

CHUNK = 1 << 22
"""Bytes read at a time."""

MOST_EXPANSION = 4
"""Members may together be this many times as large as the file; torch packs nothing."""

MOST_REPEATED = 1 << 24
"""Elements of a tensor that shows the elements of its storage more than once."""

DEEPEST = 12
"""Levels of dictionaries and lists in which tensors are looked for."""

_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
}
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMPY_BUFFERS = ("numpy.core.numeric", "numpy._core.numeric")
_DICTIONARIES = ("OrderedDict", "defaultdict", "dict")
_REBUILDS = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3")
_BIG_ENDIAN = "was written on a big-endian machine; save it again on another"
_UNFINISHED = object()


@dataclass
class TorchFile:
    """What a file of torch.save holds.

    Attributes:
        path: the file.
        content: as `read_pickle` gives it: tensors are descriptions, of which `thaw` makes tensors.
    """

    path: Path
    content: Any
    _read: Callable[[str, int], Any]
    _archive: zipfile.ZipFile | None = None
    _storages: dict[str, Tensor] = field(default_factory=dict)

    def close(self) -> None:
        """Close the file; nothing can be thawed any more, and what was thawed stays."""
        if self._archive is not None:
            self._archive.close()

    def thaw(self, node: Any) -> Any:
        """The node with tensors in place of their descriptions.

        Returns:
            Dictionaries, lists and tuples of tensors and plain values. What is of another class stays a `Made`.

        Raises:
            UserError: a tensor's description does not fit the file.
        """
        try:
            return _Thaw(self).value(node, 0)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RuntimeError) as error:
            if isinstance(error, UserError):
                raise
            raise damaged(self.path, str(error) or type(error).__name__) from None

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The tensors in single precision of a plain state dict, by name; torch is not needed.

        Raises:
            UserError: a tensor's description does not fit the file.
        """
        rows = {str(key): node for key, node in (mapping_of(self.content) or {}).items()}
        try:
            return {key: self._array(*node.args[:4]) for key, node in rows.items() if _is_float(node)}
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            raise damaged(self.path, str(error) or type(error).__name__) from None

    def _array(self, outside: Outside, offset: int, size: Sequence[int], stride: Sequence[int]) -> NDArray[np.float32]:
        count, elements = int(outside.id[4]), math.prod(int(side) for side in size)
        last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True))
        if min((offset, *size, *stride)) < 0 or elements > count or (elements and last >= count):
            raise ValueError(f"a tensor of {list(size)} has {count} numbers")
        numbers = np.frombuffer(self._read(str(outside.id[2]), 4 * count), "<f4")[offset:]
        return np.lib.stride_tricks.as_strided(numbers, tuple(size), tuple(4 * step for step in stride)).astype("f4")

    def storage(self, outside: Outside) -> tuple[Tensor, str]:
        """The bytes of a storage, uint8 [n], and the number type that it says.

        Raises:
            ValueError: it is not in the file, or too short.
        """
        import torch

        identity = outside.id if isinstance(outside, Outside) else None
        kind = identity[1] if _is_storage(identity) else None
        dtype = _STORAGES.get(kind.name if isinstance(kind, Name) else "")
        if identity is None or dtype is None:
            raise ValueError(f"a storage of the kind {kind}")
        key, count = str(identity[2]), int(identity[4])
        if key not in self._storages:
            content = self._read(key, count * _bytes_of(dtype))
            self._storages[key] = torch.frombuffer(content, dtype=torch.uint8) if content else torch.empty(0).byte()
        view = identity[5] if len(identity) > 5 else None
        if view is None:
            return self._storages[key], dtype
        first, length = (int(number) * _bytes_of(dtype) for number in view[1:3])  # torch before 0.4
        return self._storages[key][first : first + length], dtype


def damaged(path: Path, reason: str) -> UserError:
    """The error of a file that cannot be read."""
    line = (reason.strip().splitlines() or [""])[0]
    line = "".join(sign if sign.isprintable() else "?" for sign in line)[:120]
    return UserError(f"{path} is truncated or no checkpoint ({line}); download it again")


def open_torch_file(path: Path) -> TorchFile:
    """Open a file of torch.save; its content decides, not its name.

    Raises:
        UserError: it cannot be read, is of another kind, damaged, or asks to run something.
    """
    try:
        refuse_pipe(path)
        with path.open("rb") as file:
            start = file.read(4)
            if start == ZIP_START:
                return _open_zip(path)
            if tarfile.is_tarfile(path):
                raise UserError(
                    f"{path} is a tar archive, not a checkpoint of weights; unpack it and use the file inside"
                )
            if start[:1] == PICKLE_START:
                return _open_legacy(path, file)
    except CodeInPickle as error:
        raise UserError(
            f"{path} holds code ({error}), which is more than weights, and was not opened; get it elsewhere"
        ) from None
    except BadPickle as error:
        raise damaged(path, f"its pickle has {error}") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    raise UserError(f"{path} is no checkpoint; download it again")


def _open_zip(path: Path) -> TorchFile:
    with _zip_errors(path):
        archive = zipfile.ZipFile(path)
        try:
            return _in_zip(path, archive)
        except BaseException:
            archive.close()
            raise


def _in_zip(path: Path, archive: zipfile.ZipFile) -> TorchFile:
    members = {entry.filename: entry for entry in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise UserError(f"{path} holds a name twice and was not opened; get it elsewhere")
    if any(PurePosixPath(name).name.lower() == "constants.pkl" for name in members):
        raise UserError(f"{path} is a TorchScript program, not a checkpoint of weights; use the state dict")
    if sum(entry.file_size for entry in members.values()) > MOST_EXPANSION * max(path.stat().st_size, 1 << 20):
        raise UserError(f"{path} would unpack to far more than its own size and was not opened; get it elsewhere")
    roots = [name[: -len("data.pkl")] for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(roots) != 1:
        raise UserError(f"{path} is a zip archive, but no checkpoint; unpack it and use the file inside")
    root = roots[0]
    if members.get(root + "byteorder") and archive.read(root + "byteorder").strip() == b"big":
        raise UserError(f"{path} {_BIG_ENDIAN}")
    with archive.open(root + "data.pkl") as file:
        content = read_pickle(file, members[root + "data.pkl"].file_size)

    def read(key: str, size: int) -> bytearray:
        with _zip_errors(path):
            entry = archive.getinfo(f"{root}data/{key}")
            if entry.file_size < size:
                raise ValueError(f"the storage {key} is too short")
            content = bytearray()
            with archive.open(entry) as member:
                while chunk := member.read(CHUNK):
                    content += chunk
            return content

    return TorchFile(path, content, read, archive)


class _zip_errors:  # noqa: N801 - a context manager, named as what it does
    """What Python's reader of zip archives raises, as an error of the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        wrong = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, LookupError, OverflowError, MemoryError)
        if isinstance(error, (*wrong, struct.error, zlib.error)) and not isinstance(error, UserError):
            raise damaged(self.path, str(error)) from None


def _open_legacy(path: Path, file: IO[bytes]) -> TorchFile:
    size = path.stat().st_size
    outsides: list[Outside] = []

    def following() -> Any:
        return read_pickle(file, size - file.tell(), outsides)

    file.seek(0)
    magic = following()
    if magic != LEGACY_MAGIC:
        return TorchFile(path, magic, _nothing)  # a pickle of its own has no storages, so no tensors
    if following() != LEGACY_PROTOCOL:
        raise BadPickle("another protocol")
    machine, content, keys = following(), following(), following()
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise UserError(f"{path} {_BIG_ENDIAN}")
    places = _places(file, size, outsides, keys)

    def read(key: str, wanted: int) -> bytearray:
        start, length = places[key]
        if wanted > length:
            raise ValueError(f"the storage {key} is too short")
        with path.open("rb") as again:
            again.seek(start)
            return bytearray(again.read(length))

    return TorchFile(path, content, read)


def _places(file: IO[bytes], size: int, outsides: list[Outside], keys: Any) -> dict[str, tuple[int, int]]:
    """Where each storage lies, and its bytes: the storages follow each other, each with its count of elements first."""
    kinds = {str(outside.id[2]): outside.id[1] for outside in outsides if _is_storage(outside.id)}
    places: dict[str, tuple[int, int]] = {}
    for key in keys if isinstance(keys, list) else ():
        dtype = _STORAGES.get(getattr(kinds.get(key), "name", ""))
        count = int.from_bytes(file.read(8), "little")
        length = count * _bytes_of(dtype) if dtype else 0
        if not dtype or file.tell() + length > size:
            raise BadPickle("a storage that is cut off")
        places[str(key)] = (file.tell(), length)
        file.seek(length, 1)
    return places


def _nothing(key: str, size: int) -> bytearray:
    raise ValueError(f"there is no storage {key}")


def _is_storage(identity: Any) -> bool:
    """Whether this is what torch writes for a storage: its mark, its kind, its key, its device, its elements."""
    return isinstance(identity, tuple) and len(identity) >= 5 and identity[0] == "storage"


def _is_float(node: Any) -> bool:
    """Whether it describes a tensor of float32."""
    if not isinstance(node, Made) or not node.args or not isinstance(node.args[0], Outside):
        return False
    identity: Any = node.args[0].id
    return _is_storage(identity) and getattr(identity[1], "name", "") == "FloatStorage"


def _bytes_of(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def mapping_of(node: Any) -> Mapping[Any, Any] | None:
    """A dictionary of any kind that checkpoints have, its values as they are, or None for anything else."""
    if isinstance(node, dict):
        return node
    if isinstance(node, Made) and isinstance(node.maker, Name) and node.maker.name in _DICTIONARIES:
        pairs = node.args[0] if node.args else None  # how Python 2 wrote an OrderedDict
        return dict(pairs) | node.items if isinstance(pairs, list) else node.items
    return None


class _Thaw:
    """Makes tensors of what describes them; each once, however often it stands in the file."""

    def __init__(self, file: TorchFile) -> None:
        self.file = file
        self._done: dict[int, Any] = {}

    def value(self, node: Any, depth: int) -> Any:
        """The node with tensors in it."""
        inner = mapping_of(node)
        if inner is None and not isinstance(node, (list, tuple, Made)):
            return node
        if depth > DEEPEST:
            raise ValueError("it is nested too deep")
        if id(node) not in self._done:
            self._done[id(node)] = _UNFINISHED
            if inner is not None:
                found: Any = {key: self.value(value, depth + 1) for key, value in inner.items()}
            elif isinstance(node, Made):
                found = self._made(node, depth)
            else:
                found = type(node)(self.value(value, depth + 1) for value in node)
            self._done[id(node)] = found
        if self._done[id(node)] is _UNFINISHED:
            raise ValueError("a part of it is inside itself")
        return self._done[id(node)]

    def _made(self, node: Made, depth: int) -> Any:
        maker = node.maker
        if not isinstance(maker, Name) or not isinstance(node.args, tuple):
            return node
        if (maker.module, maker.name) == ("torch._tensor", "_rebuild_from_type_v2"):
            return self._made(Made(node.args[0], node.args[2]), depth)
        if maker.module == "torch._utils" and maker.name.startswith("_rebuild_parameter"):
            return self.value(node.args[0], depth + 1)
        if maker.module == "torch._utils" and maker.name in _REBUILDS:
            return self._tensor(*node.args)
        if (maker.module, maker.name) == ("torch", "Size"):
            return tuple(node.args[0])
        if maker.module in _NUMPY and maker.name == "scalar":
            return numpy_array((), *node.args).item()
        if maker.module in _NUMPY and maker.name == "_reconstruct":
            return self._from_numpy(*node.state)
        if maker.name == "_frombuffer" and maker.module in _NUMPY_BUFFERS:
            raw, dtype, shape, order = node.args
            return self._from_numpy(0, shape, dtype, order == "F", raw)
        return node

    def _tensor(self, outside: Outside, offset: int, size: Any, stride: Any, *more: Any) -> Tensor:
        import torch

        content, dtype = self.file.storage(outside)
        if len(more) > 2 and isinstance(more[2], Name):  # newer number types say theirs here
            dtype = more[2].name
        kind = getattr(torch, dtype, None)
        if not isinstance(kind, torch.dtype):
            raise ValueError(f"the number type {dtype} is not known to this version of torch")
        shape, steps = (tuple(int(side) for side in self.value(part, 0)) for part in (size, stride))
        elements = content.view(kind)
        if math.prod(shape) > max(elements.numel(), MOST_REPEATED):
            raise ValueError(f"a tensor of {list(shape)} has {elements.numel()} numbers")
        return elements.as_strided(shape, steps, int(offset))

    def _from_numpy(self, _: int, shape: tuple[int, ...], dtype: Any, fortran: bool, raw: Any) -> Tensor:
        import torch

        array = numpy_array(shape, dtype, raw, "F" if fortran else "C")
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))


def numpy_array(shape: Sequence[int], dtype: Any, raw: Any, order: Literal["C", "F"] = "C") -> NDArray[Any]:
    """The array of numbers that a pickle of numpy's describes.

    Raises:
        ValueError: it holds anything else than numbers, or the bytes do not fit.
    """
    name, signs = str(dtype.args[0]), dtype.state[1] if dtype.state else "="
    if not re.fullmatch(r"[biufc]\d{1,2}", name) or signs not in ("<", ">", "=", "|"):
        raise ValueError(f"an array of {name[:20]}")
    if isinstance(raw, Made) and raw.maker == Name("_codecs", "encode"):
        raw = raw.args[0]
    content = raw.encode("latin-1") if isinstance(raw, str) else bytes(raw)
    return np.frombuffer(content, np.dtype(signs + name)).reshape(tuple(shape), order=order)
