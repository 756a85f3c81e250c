"""PNG files from inside: whether they are sound, what can be saved of damaged ones, and 16 bits per channel.

Pillow refuses a picture for its texts (too long, a wrong checksum) and does not look at the checksums of its pixels.
Here the parts of a file ("chunks", W3C PNG, third edition, chapter 5) are looked at first, and a damaged file is
written anew from what holds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import cv2
import numpy as np

from t2c_ext.errors import UserError

SIGNATURE = b"\x89PNG\r\n\x1a\n"

LARGEST_TEXT = 1 << 20
"""Bytes of a text that Pillow unpacks (its MAX_TEXT_CHUNK), compressed or not."""

MISSING = 0.1
"""The share of a picture's rows that may be missing for it to be shown all the same."""

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PACKED = (*_TEXTS, b"iCCP")
"""The parts beside the pixels that Pillow unpacks, up to the same limit."""

_LARGEST_BESIDE = 16 << 20
"""Bytes of any other part that is not pixels; profiles and EXIF are far below."""

_KEPT = (b"PLTE", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"acTL", *_TEXTS)
"""What goes into a file that is written anew, apart from its header and pixels."""

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By colour type: grey, RGB, palette, grey and alpha, RGB and alpha."""

_STEP = 1 << 20
_PACKED_STEP = 1024
_UP = 2
"""The filter that adds the row above: a row of zeros behind it repeats that row."""


@dataclass(frozen=True)
class Chunk:
    """A part of a file: where its content begins, how long it is said to be, and whether its checksum holds.

    Attributes:
        kind: four letters.
        at: offset of the content.
        size: bytes that are there.
        sound: it is whole, and its checksum is right.
    """

    kind: bytes
    at: int
    size: int
    sound: bool

    @property
    def ancillary(self) -> bool:
        """A picture can be shown without it."""
        return bool(self.kind[0] & 0x20)


@dataclass(frozen=True)
class Header:
    """The content of IHDR."""

    width: int
    height: int
    bits: int
    colour: int
    interlaced: bool

    @classmethod
    def of(cls, content: bytes) -> Header:
        """Read it; UserError when it makes no sense."""
        if len(content) != 13:
            raise UserError("its header is damaged")
        width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content)
        if not width or not height or bits not in (1, 2, 4, 8, 16) or colour not in _CHANNELS:
            raise UserError("its header is damaged")
        return cls(width, height, bits, colour, bool(interlaced))

    @property
    def row(self) -> int:
        """Bytes of a row with its filter in front."""
        return (self.width * self.bits * _CHANNELS[self.colour] + 7) // 8 + 1

    @property
    def raw(self) -> int:
        """Bytes of all rows; of all seven passes where it is interlaced (the standard, 8.2)."""
        if not self.interlaced:
            return self.row * self.height
        total = 0
        for left, top, across, down in _PASSES:
            columns, rows = -(-(self.width - left) // across), -(-(self.height - top) // down)
            if columns > 0 and rows > 0:
                total += rows * ((columns * self.bits * _CHANNELS[self.colour] + 7) // 8 + 1)
        return total


_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunks(file: IO[bytes]) -> Iterator[Chunk]:
    """The parts of a PNG, one after another, up to its end mark or the first that cannot be one."""
    file.seek(0, 2)
    end, at = file.tell(), len(SIGNATURE)
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        if not kind.isalpha():
            return
        there = min(size, max(0, end - at - 8))
        sum_ = zlib.crc32(kind)
        for start in range(0, there, _STEP):
            sum_ = zlib.crc32(file.read(min(_STEP, there - start)), sum_)
        sound = there == size and file.read(4) == sum_.to_bytes(4, "big")
        yield Chunk(kind, at + 8, there, sound)
        if kind == b"IEND":
            return
        at += 12 + size


def is_sound(file: IO[bytes]) -> bool:
    """Whether Pillow can be left to read it: every checksum holds, it has its end, and no text is too long."""
    last = None
    for chunk in chunks(file):
        if not chunk.sound or chunk.size > _limit(chunk.kind):
            return False
        if chunk.kind in _PACKED and _unpacked(file, chunk) > LARGEST_TEXT:
            return False
        last = chunk
    return last is not None and last.kind == b"IEND"


def _limit(kind: bytes) -> int:
    if kind in _TEXTS:
        return LARGEST_TEXT
    return _LARGEST_BESIDE if kind[0] & 0x20 and kind not in (b"fdAT",) else 1 << 31


def _unpacked(file: IO[bytes], chunk: Chunk) -> int:
    """Bytes of a text or profile once unpacked; one more than are allowed where it has more or cannot be unpacked."""
    content = _content(file, chunk)
    if chunk.kind == b"tEXt":
        return len(content)
    _, _, rest = content.partition(b"\0")
    if chunk.kind == b"iTXt":
        if rest[:1] != b"\1":
            return len(rest)
        rest = rest[1:].split(b"\0", 2)[-1]
    try:
        return len(zlib.decompressobj().decompress(rest[1:], LARGEST_TEXT + 1))
    except zlib.error:
        return LARGEST_TEXT + 1


def _content(file: IO[bytes], chunk: Chunk) -> bytes:
    file.seek(chunk.at)
    return file.read(chunk.size)


def mended(file: IO[bytes], largest: int) -> tuple[bytes, tuple[str, ...]]:
    """A sound PNG of what a damaged one holds, and sentences that say what it lacks.

    Args:
        file: the damaged one.
        largest: pixels that it may have.

    Raises:
        UserError: too little of it is left; the message goes on from the file's name.
    """
    found = list(chunks(file))
    if not found or found[0].kind != b"IHDR":
        raise UserError("is damaged (its header is missing); save it again")
    try:
        header = Header.of(_content(file, found[0]))
    except UserError as error:
        raise UserError(f"is damaged ({error}); save it again") from None
    if header.width * header.height > largest:
        raise UserError(f"is {header.width}x{header.height}; at most {largest // 10**6} megapixels can be animated")
    rows, whole, notes = _rows(file, found, header)
    beside = [chunk for chunk in found if chunk.kind in _KEPT and _holds(file, chunk)]
    if any(chunk.kind == b"PLTE" and not chunk.sound for chunk in found):
        raise UserError("is damaged (its palette); save it again")
    dropped = [chunk for chunk in found if chunk.ancillary and chunk not in beside and chunk.kind in _KEPT]
    if dropped:
        names = ", ".join(sorted({chunk.kind.decode() for chunk in dropped}))
        notes += (f"Parts of the file beside its pixels are damaged or too long and were passed over ({names}).",)
    elif whole and not notes:
        notes += ("The file is damaged behind its pixels, which are whole.",)
    head = [(b"IHDR", _content(file, found[0])), *((chunk.kind, _content(file, chunk)) for chunk in beside)]
    return _written([*head, (b"IDAT", rows), (b"IEND", b"")]), notes


def _holds(file: IO[bytes], chunk: Chunk) -> bool:
    if not chunk.sound or chunk.size > _limit(chunk.kind):
        return False
    return chunk.kind not in _PACKED or _unpacked(file, chunk) <= LARGEST_TEXT


def _rows(file: IO[bytes], found: list[Chunk], header: Header) -> tuple[bytes, bool, tuple[str, ...]]:
    """The pixels, packed anew with missing rows filled in; whether all were there; and what to say."""
    parts = [chunk for chunk in found if chunk.kind == b"IDAT"]
    raw, checked = _inflated((_content(file, chunk) for chunk in parts), header.raw)
    if len(raw) == header.raw:
        doubtful = not checked or not all(chunk.sound for chunk in parts)
        said = ("A checksum of the picture's pixels is wrong: some of them may be, too.",) if doubtful else ()
        return zlib.compress(raw, 1), not doubtful, said
    there = len(raw) // header.row
    missing = header.height - there
    if header.interlaced or missing > MISSING * header.height:
        share = 1 - len(raw) / header.raw
        raise UserError(f"is cut short or damaged ({share:.0%} of its pixels are missing); save it again")
    filled = raw[: there * header.row] + (bytes([_UP]) + bytes(header.row - 1)) * missing
    note = f"The picture is cut short: its last {missing} rows are missing and repeat the one above them."
    return zlib.compress(filled, 1), False, (note,)


def _inflated(parts: Iterator[bytes], size: int) -> tuple[bytes, bool]:
    """At most `size` bytes of packed parts, up to the first damage; and whether their own checksum was met."""
    unpacker = zlib.decompressobj(
        -zlib.MAX_WBITS
    )  # without the frame of zlib, whose checksum would cost the last bytes
    packed = b"".join(parts)
    made, length, at = [], 0, 2
    while at < len(packed) and length <= size and not unpacker.eof:
        before = unpacker.copy()
        try:
            made.append(unpacker.decompress(packed[at : at + _PACKED_STEP], size - length + 1))
        except zlib.error:
            made.append(_up_to_damage(before, packed[at : at + _PACKED_STEP], size - length))
            break
        length += len(made[-1])
        at += _PACKED_STEP
    raw = b"".join(made)[:size]
    return raw, unpacker.eof and unpacker.unused_data[:4] == zlib.adler32(raw).to_bytes(4, "big")


def _up_to_damage(unpacker: Any, packed: bytes, size: int) -> bytes:
    """What a step gives that meets damage: one byte after another."""
    made = b""
    for at in range(len(packed)):
        try:
            made += unpacker.decompress(packed[at : at + 1], max(1, size - len(made)))
        except zlib.error:
            break
    return made


def _written(parts: list[tuple[bytes, bytes]]) -> bytes:
    pieces = [SIGNATURE]
    for kind, content in parts:
        pieces += [struct.pack(">I4s", len(content), kind), content, zlib.crc32(kind + content).to_bytes(4, "big")]
    return b"".join(pieces)


def deep_levels(file: IO[bytes]) -> np.ndarray | None:
    """The levels of a sound PNG of 16 bits per channel, which Pillow cuts to 8; None of any other.

    Returns:
        uint16 [H, W] or [H, W, 2..4], as stored: nothing is turned or converted, and a colour that stands for
        transparency (tRNS) has become a channel of alpha behind the others.
    """
    found = list(chunks(file))
    header = Header.of(_content(file, found[0]))
    if header.bits != 16:
        return None
    # only header and pixels: what OpenCV does with the other parts differs between its releases
    data = _written(
        [(chunk.kind, _content(file, chunk)) for chunk in found if chunk.kind in (b"IHDR", b"IDAT")] + [(b"IEND", b"")]
    )
    levels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if levels is None or levels.dtype != np.uint16:
        return None
    if levels.ndim == 3:
        levels = cv2.cvtColor(levels, cv2.COLOR_BGRA2RGBA if levels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    if header.colour == 4:
        levels = levels[:, :, [0, 3]]
    key = next((_content(file, chunk) for chunk in found if chunk.kind == b"tRNS"), b"")
    return _keyed(np.asarray(levels), np.frombuffer(key[: len(key) // 2 * 2], ">u2"))


def _keyed(levels: np.ndarray, key: np.ndarray) -> np.ndarray:
    """With a channel behind, in which the pixels of that colour are transparent."""
    colour = levels if levels.ndim == 3 else levels[:, :, None]
    if colour.shape[2] != len(key):
        return levels
    opaque = np.where((colour == key).all(axis=2), 0, 65535).astype(np.uint16)
    return np.dstack([colour, opaque])
