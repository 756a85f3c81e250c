"""The files of a workspace: how each stage's result, and what the user gave, is written and read.

Writers are given a folder; readers a function that tells where a file of a name lies. What is read back is what was
written, bit for bit, so that a run that resumes goes on from the same numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from t2c_ext.arrays import read_arrays
from t2c_ext.atomic import replacing, write_text
from t2c_ext.documents import read_document, read_text
from t2c_ext.errors import UserError
from t2c_ext.extents import bands, extent_of, whole_of
from t2c_ext.media.opening import opened
from t2c_ext.media.pictures import read_own_mask, read_picture, write_mask, write_picture
from t2c_ext.motion.field import read_flow
from t2c_ext.motion.hints import MAX_SPEED
from t2c_ext.region.overlay import LONGEST, fitted, numbered, save_picture
from t2c_ext.twin.maps import attention_picture, read_attention, write_attention
from t2c_ext.types import FloatArray, Motion, MotionKind, Picture, Plan, Region, Regions, Twin

Place = Callable[[str], Path]
"""Where the file of a name lies, with "/" between folders."""

DEPTH = "depth.npy"
"""Of the pictures' folder of what the user gave alone."""

PLAN, ART, NATURAL, ATTENTION, MASK, FLOW = (
    "plan.json",
    "art.png",
    "natural.png",
    "attention.npz",
    "mask.png",
    "flow.npz",
)
OVERVIEW = "overview.png"
"""All offered regions over the picture; in the index's folder."""

INDEX = "regions.json"


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document that people can read."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False))


# --- prompt -----------------------------------------------------------------------------------------------------------


def write_plan(folder: Path, plan: Plan) -> None:
    """Write plan.json."""
    write_document(folder / PLAN, plan_to_document(plan))


def read_plan(place: Place) -> Plan:
    """Read plan.json, which a person may have changed.

    Raises:
        UserError: it cannot be read, or something in it is missing or of another type.
    """
    path = place(PLAN)
    document = read_document(path, "the plan")
    try:
        return plan_from_document(document)
    except KeyError as error:
        raise UserError(f"{path} is damaged: it has no {error}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} is damaged: {' '.join(str(error).split())[:80]}") from None


def plan_to_document(plan: Plan) -> dict[str, Any]:
    """The plan as `t2c parse --json` prints it, with its notes."""
    return {
        "art_prompt": plan.art_prompt,
        "natural_prompt": plan.natural_prompt,
        "regions": list(plan.regions),
        "motions": _motion_rows(plan.motions),
        "laws": _motion_rows(plan.laws),
        "notes": list(plan.notes),
        "nouns": list(plan.nouns),
        "styles": list(plan.styles),
    }


def _motion_rows(motions: Sequence[Motion]) -> list[dict[str, Any]]:
    return [
        {"region": motion.region, "angle": motion.angle, "kind": motion.kind.value, "speed": motion.speed}
        for motion in motions
    ]


def plan_from_document(document: Mapping[str, Any]) -> Plan:
    """The inverse of `plan_to_document`.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: something is missing or of another type.
    """
    return Plan(
        _text(document["art_prompt"]),
        _text(document["natural_prompt"]),
        tuple(_text(name) for name in _list(document["regions"], "regions")),
        _motions(document["motions"], "motions"),
        tuple(_text(note) for note in _list(document.get("notes", []), "notes")),
        tuple(_text(noun) for noun in _list(document.get("nouns", []), "nouns")),
        tuple(_text(style) for style in _list(document.get("styles", []), "styles")),
        _motions(document.get("laws", []), "laws"),
    )


def _motions(rows: Any, name: str) -> tuple[Motion, ...]:
    return tuple(
        Motion(
            _text(row["region"]),
            None if row["angle"] is None else _number(row["angle"], "an angle", -360_000, 360_000),
            MotionKind(row["kind"]),
            _number(row.get("speed", 1.0), "a speed", 0, MAX_SPEED),
        )
        for row in _rows(rows, name)
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]} should be a text")
    return value


def _number(value: Any, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{str(value)[:40]} should be a number")
    if not low <= value <= high:
        raise ValueError(f"{name} is {str(value)[:40]}, but must be from {low:g} to {high:g}")
    return float(value)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{name} should be a list")
    return value


def _rows(value: Any, name: str) -> list[dict[str, Any]]:
    rows = _list(value, name)
    if not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"{name} should be a list of objects")
    return rows


# --- twin -------------------------------------------------------------------------------------------------------------


def write_still(path: Path, picture: Picture) -> None:
    """Write a picture with its generation parameters."""
    write_picture(path, picture.levels, picture.alpha, {"parameters": picture.infotext} if picture.infotext else {})


def write_twin(folder: Path, twin: Twin) -> None:
    """Write art.png and, where there are any, natural.png and attention.npz (attention.png shows it)."""
    write_still(folder / ART, twin.art)
    if twin.natural is not None:
        write_still(folder / NATURAL, twin.natural)
    if twin.attention is not None:
        write_attention(folder / ATTENTION, twin.attention)
        shown = attention_picture(twin.attention, *twin.art.size)
        write_picture((folder / ATTENTION).with_suffix(".png"), shown)


def read_twin(place: Place) -> Twin:
    """Read art.png, natural.png and attention.npz.

    Raises:
        UserError: one of them cannot be read, or the pictures are of two sizes.
    """
    natural, attention = place(NATURAL), place(ATTENTION)
    twin = Twin(
        read_picture(place(ART)),
        read_picture(natural) if natural.exists() else None,
        read_attention(attention) if attention.exists() else None,
    )
    if twin.natural is not None and twin.natural.size != twin.art.size:
        raise UserError(f"{natural} is not of the size of {place(ART)}; give both in one size")
    return twin


# --- region -----------------------------------------------------------------------------------------------------------


def write_regions(folder: Path, regions: Regions) -> None:
    """Write regions/*.png, their index, mask.png and, where the attention redrew it, segmentation/*.png."""
    for name, rows in (("regions", regions.regions), ("segmentation", regions.segmentation)):
        if rows:
            write_masks(folder / name, replace(regions, regions=rows))
    write_mask(folder / MASK, regions.mask)


def read_regions(place: Place, shape: tuple[int, int], repainted: bool) -> Regions:
    """Read the regions.

    Args:
        place: where the files lie.
        shape: (height, width) of the picture.
        repainted: mask.png was changed by hand, so they follow it.

    Raises:
        UserError: a file cannot be read, or nothing in it is white.
    """
    regions = read_masks(place, "regions", shape)
    if place(f"segmentation/{INDEX}").exists():
        regions = replace(regions, segmentation=read_masks(place, "segmentation", shape).regions)
    if not repainted:
        return regions
    mask = in_levels(read_own_mask(place(MASK), shape))
    return regions if np.array_equal(mask, regions.mask) else repaint(regions, mask)


def write_masks(folder: Path, regions: Regions) -> None:
    """Write one picture for each region, and their index."""
    rows: list[dict[str, Any]] = []
    for number, region in enumerate(regions.regions):
        slug = re.sub(r"[^a-z0-9]+", "-", region.name.lower()).strip("-")[:40] or "region"
        taken = any(row["file"] == f"{slug}.png" for row in rows)
        file = f"{slug}-{number}.png" if taken else f"{slug}.png"
        write_mask(folder / file, region.mask)
        rows.append({"name": region.name, "file": file, "score": region.score, "source": region.source})
    write_document(folder / INDEX, {"regions": rows, "notes": list(regions.notes)})


def read_masks(place: Place, folder: str, shape: tuple[int, int] | None) -> Regions:
    """Read the pictures that a folder's index names.

    Args:
        place: where the files lie.
        folder: the folder's name in the workspace.
        shape: (height, width) that they are brought to, or None.

    Raises:
        UserError: the index or a picture cannot be read, or the index names a file outside of its folder.
    """
    index = place(f"{folder}/{INDEX}")
    document = read_document(index, "the index")
    try:
        rows = _rows(document["regions"], "regions")
        regions = tuple(
            Region(
                _text(row["name"]),
                in_levels(read_own_mask(place(f"{folder}/{_inside(index, row['file'])}"), shape)),
                float(row["score"]),
                _text(row["source"]),
            )
            for row in rows
        )
        notes = tuple(_text(note) for note in _list(document["notes"], "notes"))
    except UserError:
        raise
    except KeyError as error:
        raise UserError(f"{index} is damaged: it has no {error}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{index} is damaged: {' '.join(str(error).split())[:80]}") from None
    if not regions:
        raise UserError(f"{index} is damaged: it names no region")
    if len({region.mask.shape for region in regions}) > 1 and shape is not None:
        raise UserError(f"{index} names masks of several sizes")
    return Regions(regions, notes)


def write_offers(folder: Path, picture: FloatArray, offered: Sequence[Region]) -> Path:
    """Write what a person may choose from: each mask under its name, and all in one picture, numbered.

    Args:
        folder: where the files go; made when it is not there.
        picture: float32 [H, W, 3], the picture that moves.
        offered: the regions, in the order of their numbers.

    Returns:
        The picture with all of them.
    """
    write_masks(folder, Regions(tuple(offered)))
    return save_picture(folder / OVERVIEW, numbered(fitted(picture, LONGEST), offered))


def in_levels(values: FloatArray) -> FloatArray:
    """0..1 in steps of 1/255, as a file of 8 bits holds it: the very array where that is so already."""
    if all(np.array_equal(values[band], _rounded(values[band])) for band in bands(values.shape)):
        return values
    result = np.zeros(values.shape, np.float32)
    window = extent_of(values) if values.ndim == 2 else whole_of(values.shape)
    inside, source = window.of(result), window.of(values)
    for band in bands(inside.shape):
        inside[band] = _rounded(source[band])
    return result


def _rounded(values: FloatArray) -> FloatArray:
    levels: FloatArray = np.round(values * 255.0).astype(np.float32)
    return levels / np.float32(255.0)


def _inside(index: Path, name: Any) -> str:
    if not isinstance(name, str) or Path(name).name != name or "\\" in name or not name:
        raise UserError(f"{index} names a file outside its folder: {str(name)[:80]!r}")
    return name


def repaint(regions: Regions, mask: FloatArray) -> Regions:
    """Cut the regions to a repainted mask; what it adds goes to the nearest region.

    Args:
        regions: the regions before the repainting.
        mask: float32 [H, W], the new union.
    """
    from scipy.ndimage import distance_transform_edt

    distances = np.stack(
        [
            distance_transform_edt(region.mask < 0.5) if (region.mask >= 0.5).any() else np.full(mask.shape, np.inf)
            for region in regions.regions
        ]
    )
    nearest = distances.argmin(axis=0)
    cut = (
        replace(region, mask=np.where(nearest == number, mask, np.minimum(region.mask, mask)).astype(np.float32))
        for number, region in enumerate(regions.regions)
    )
    return replace(regions, regions=tuple(cut))


# --- motion -----------------------------------------------------------------------------------------------------------


def write_field(folder: Path, flow: FloatArray) -> None:
    """Write flow.npz."""
    with replacing(folder / FLOW) as temporary, temporary.open("wb") as file:
        np.savez(file, flow=np.asarray(flow, np.float32))


def write_depth(folder: Path, depth: FloatArray) -> None:
    """Write depth.npy."""
    with replacing(folder / DEPTH) as temporary, temporary.open("wb") as file:
        np.save(file, np.asarray(depth, np.float32))


def read_field(place: Place, shape: tuple[int, int] | None = None) -> FloatArray:
    """Read flow.npz.

    Args:
        place: where the files lie.
        shape: (height, width) that it has to have, or None.

    Raises:
        UserError: it cannot be read, holds no flow, or is of another size.
    """
    path = place(FLOW)
    flow = read_flow(path)
    if shape is not None and flow.shape[:2] != shape:
        height, width = flow.shape[:2]
        raise UserError(f"{path} is {width}x{height}, but the picture is {shape[1]}x{shape[0]}; delete it to make it")
    return flow


# --- damage -----------------------------------------------------------------------------------------------------------


def is_damaged(path: Path) -> bool:
    """Whether a file is what no person would have meant: no file, empty, cut short or of another kind.

    A document that is text is none, even where it holds a mistake: somebody may be at work on it.
    """
    try:
        if not path.stat().st_size:
            return True
        if path.suffix == ".png":
            with opened(path) as image:
                image.load()
        elif path.suffix == ".npz":
            read_arrays(path)
        else:
            read_text(path)
    except (UserError, OSError):
        return True
    return False
