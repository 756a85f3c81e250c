"""What the page shows, as its script reads it: one JSON, and the parts that a run leaves behind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from t2c_ext.pipeline import Cinemagraph
from t2c_ext.types import FloatArray, Region, Stage
from t2c_ext.ui.live import small_field
from t2c_ext.ui.page import Address
from t2c_ext.ui.pictures import sent_mask
from t2c_ext.ui.session import Session, Shown

STRIP = {Stage.TWIN: "Picture", Stage.REGION: "Region", Stage.MOTION: "Motion", Stage.LOOP: "Loop"}
"""The stages that the page shows, by their names on it."""

PICTURES = {
    Stage.TWIN: ("art", "natural"),
    Stage.REGION: ("segmentation", "regions", "mask"),
    Stage.MOTION: ("flow",),
    Stage.LOOP: ("loop",),
}
"""What shows a stage's result."""

NAMES = {
    "art": "Picture",
    "natural": "Twin",
    "segmentation": "Segmentation",
    "regions": "Regions",
    "mask": "Mask",
    "flow": "Flow",
    "loop": "Loop",
}

OVERLAY = 128
"""The long side of the field that goes with a loop."""

LARGEST_MASKS = 16
"""At most so many regions are handed over."""


def state_text(
    id: str,
    session: Session | None,
    address: Address,
    stale: Sequence[Stage] = (),
    running: tuple[str, int, int] | None = None,
) -> str:
    """The page's state as JSON.

    Args:
        id: of the visitor's workspace.
        session: the visitor's, or None before there is one.
        address: of a file on the page's server.
        stale: the stages that no longer fit the settings.
        running: (stage, done, total) of the run in hand.
    """
    session = session or Session("")
    document = {
        "id": id,
        "picture": _picture(session, address),
        "mask": _mask(session, stale),
        "loop": session.loop,
        "stages": {stage.value: _stage(stage, session.shown.get(stage, Shown()), stage in stale) for stage in STRIP},
        "hints": json.loads(session.hints) if session.hints else None,
        "words": dict(session.words),
        "running": None if running is None else dict(zip(("stage", "done", "total"), running, strict=True)),
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _picture(session: Session, address: Address) -> dict[str, Any] | None:
    still = session.still
    if still is None:
        return None
    height, width = still.size
    return {"url": address(still.shown), "width": width, "height": height, "key": still.key}


def _mask(session: Session, stale: Sequence[Stage]) -> list[dict[str, str]] | None:
    """The mask file that was put in, until the region stage has taken it in; None without one."""
    taken_in = session.shown.get(Stage.REGION, Shown()).regions and Stage.REGION not in stale
    if session.beside.mask is None or taken_in:
        return None
    return list(session.seen_mask)


def _stage(stage: Stage, shown: Shown, stale: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "title": STRIP[stage],
        "pictures": [{"name": name, "url": url} for name, url in shown.pictures.items()],
        "seconds": shown.seconds,
        "stale": stale,
        "about": shown.about,
        "notes": list(shown.notes),
    }
    return row | ({"regions": list(shown.regions)} if stage is Stage.REGION else {})


def shown_of(result: Cinemagraph, drawn: Mapping[str, Path], address: Address) -> dict[Stage, Shown]:
    """What the strip shows of the stages that have run.

    Args:
        result: of the run.
        drawn: pictures of the results, by what they show.
        address: of a file on the page's server.
    """
    paths = dict(drawn)
    if result.loop is not None:
        paths["loop"] = result.loop.poster or result.loop.path
    parts = {
        Stage.TWIN: result.twin,
        Stage.REGION: result.regions,
        Stage.MOTION: result.flow,
        Stage.LOOP: result.loop,
    }
    regions = () if result.regions is None else tuple(map(_region, result.regions.regions[:LARGEST_MASKS]))
    return {
        stage: Shown(
            {NAMES[name]: address(paths[name]) for name in PICTURES[stage] if name in paths},
            result.seconds.get(stage.value),
            _about(result, stage),
            () if part is None else tuple(part.notes),
            regions if stage is Stage.REGION else (),
        )
        for stage, part in parts.items()
    }


def loop_of(result: Cinemagraph, fps: float, address: Address) -> dict[str, Any] | None:
    """What the player shows; None where there is no loop."""
    loop, twin, flow, moving = result.loop, result.twin, result.flow, result.moving
    if loop is None or twin is None or flow is None or moving is None:
        return None
    height, width = twin.art.size
    return {
        "url": address(loop.path),
        "poster": None if loop.poster is None else address(loop.poster),
        "frames": loop.frames,
        "fps": fps,
        "width": width,
        "height": height,
        "bytes": loop.path.stat().st_size,
        "flow": _overlay(flow.field, moving),
    }


def _overlay(flow: FloatArray, moving: FloatArray) -> dict[str, Any]:
    return small_field(flow, moving, (moving.shape[0], moving.shape[1]), OVERLAY)


def _region(region: Region) -> dict[str, str]:
    return {"name": region.name, "mask": sent_mask(region.mask), "source": region.source}


def _about(result: Cinemagraph, stage: Stage) -> str:
    """How a stage's result was made, in a few words."""
    if stage is Stage.TWIN and result.twin is not None:
        height, width = result.twin.art.size
        twin = "" if result.twin.natural is None else ", with a natural-looking twin"
        return f"{width}x{height} pixels{twin}"
    if stage is Stage.REGION and result.regions is not None:
        rows = (f"{row.name or 'region'}: {row.source or 'given'}" for row in result.regions.regions)
        return "; ".join(rows)
    if stage is Stage.MOTION and result.flow is not None:
        return f"made by the {result.flow.source}" if result.flow.source != "workspace" else "kept from an earlier run"
    if stage is Stage.LOOP and result.loop is not None:
        return f"{result.loop.frames} frames, {result.loop.path.suffix.lstrip('.').upper()}"
    return ""
