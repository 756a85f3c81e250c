"""A few real pictures to learn from, labelled by hand: where they come from, and outlines drawn over them.

`pictures.json` names for each picture what holds it, in a folder of that name: a Debian package (unpacked with
`dpkg -x`), a package of npm, or a public repository "owner/name" (at the commit that is its version). Then come its
file, its author and licence, the digest of its bytes, the class of most of it ("most"), and polygons in hundredths of
width and height, each over those before it. A class of "" is not learnt from; "photograph" says that it lends no style.
Of a picture with "within", only the part between these hundredths (left, top, right, bottom) is seen.
The pictures are not in the repository.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from world.canvas import KINDS
from world.shards import MIXED

LIST = Path(__file__).with_name("pictures.json")

LONGEST = 384
"""The long side in pixels."""

SNAPPED = ("sky", "cloud", "water", "waterfall")
"""Classes whose outlines are moved to the picture's edges."""

REACH = 0.025
"""How far, as a share of the short side, an outline may move."""

Labelled = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""A picture [H, W, 3], RGB, and its labels [H, W]: classes of `KINDS`, or `MIXED`."""


def labelled_pictures(folder: Path) -> list[Labelled]:
    """The listed pictures, from a folder that holds each package or repository in a folder of its name.

    Raises:
        ValueError: a picture is not what the list was made for.
    """
    rows: list[dict[str, Any]] = json.loads(LIST.read_text(encoding="utf-8"))
    return [labelled(row, bytes_of(row, folder / row["package"] / row["file"])) for row in rows]


def paintings() -> list[int]:
    """Which of the listed pictures are paintings in the public domain."""
    rows: list[dict[str, Any]] = json.loads(LIST.read_text(encoding="utf-8"))
    free = [index for index, row in enumerate(rows) if row["licence"] == "public domain"]
    return [index for index in free if not rows[index].get("photograph")]


def bytes_of(row: dict[str, Any], path: Path) -> bytes:
    """The picture's file, which may lie inside of another one, as in an archive that does not compress pictures.

    Raises:
        ValueError: there is none of the digest.
    """
    content, size, wanted = path.read_bytes(), int(row["bytes"]), row["sha256"]
    starts = [0]
    while len(content) > size and (start := content.find(b"RIFF", starts[-1] + 1)) >= 0:
        starts.append(start)
    for start in starts:
        part = content[start : start + size]
        if hashlib.sha256(part).hexdigest() == wanted:
            return part
    raise ValueError(f"{path} is not of version {row['version']}: the picture in it is another one")


def decoded(content: bytes) -> NDArray[np.uint8]:
    """A picture's file as uint8 [H, W, 3], BGR, whose long side is `LONGEST`."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    scale = LONGEST / max(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def inside(corners: Sequence[float], height: int, width: int) -> NDArray[np.bool_]:
    """bool [H, W]: a polygon in hundredths, x and y in turn."""
    points = np.array(corners, np.float64).reshape(-1, 2) * [width / 100, height / 100]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [points.round().astype(np.int32)], 1)
    return mask > 0


def labelled(row: dict[str, Any], content: bytes) -> Labelled:
    """The picture of a row, from its file's bytes, and the labels that its outlines give it."""
    picture = decoded(content)
    height, width = picture.shape[:2]
    labels = np.full((height, width), _label(row["most"]), np.uint8)
    for kind, *corners in row["parts"]:
        mask = inside(corners, height, width)
        labels[snapped(picture, mask, REACH) if kind in SNAPPED else mask] = _label(kind)
    left, top, right, bottom = row.get("within", (0, 0, 100, 100))
    part = np.s_[height * top // 100 : height * bottom // 100, width * left // 100 : width * right // 100]
    return np.ascontiguousarray(picture[part][..., ::-1]), np.ascontiguousarray(labels[part])


def snapped(picture: NDArray[np.uint8], mask: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """A mask [H, W] drawn by hand, its outline moved to the picture's edges by at most `reach` of the short side."""
    side = max(2, int(reach * min(mask.shape)))
    square = np.ones((2 * side + 1, 2 * side + 1), np.uint8)
    padded = np.pad(mask.astype(np.uint8), side, mode="edge")
    state = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    state[cv2.erode(padded, square)[side:-side, side:-side] > 0] = cv2.GC_FGD
    state[cv2.dilate(padded, square)[side:-side, side:-side] == 0] = cv2.GC_BGD
    if not ((state == cv2.GC_FGD).any() and (state == cv2.GC_BGD).any()):
        return mask
    cv2.grabCut(picture, state, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    return np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _label(kind: str) -> int:
    return KINDS.index(kind) if kind else MIXED
