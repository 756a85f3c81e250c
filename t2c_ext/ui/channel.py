"""What the page's script asks and what it is answered: JSON in, JSON out, every failure a sentence."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.export import ExportOptions, export_loop
from t2c_ext.lexicon import load_lexicon
from t2c_ext.media.pictures import to_bytes
from t2c_ext.motion.binding import motion_of
from t2c_ext.motion.painted import encode_painted
from t2c_ext.prompt.describe import Stated, describe
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import found_edge
from t2c_ext.region.overlay import fitted
from t2c_ext.region.segmenters.choose import is_light, make_segmenter
from t2c_ext.settings import RegionSettings, table
from t2c_ext.shelf import VIEW
from t2c_ext.types import FloatArray, MotionKind, Painted, Plan, Region
from t2c_ext.ui.live import Live, NoRegion, sent
from t2c_ext.ui.page import Address
from t2c_ext.ui.recent import Recent
from t2c_ext.ui.session import Session
from t2c_ext.ui.studio import Studio
from t2c_ext.ui.task import short
from t2c_ext.wording import PAGE, say
from t2c_ext.workspace import Workspace

SEGMENTED = 512
"""The long side of the segmenter's regions that are sent."""

MOST_REGIONS = 64
"""Regions that can be described at once."""

Reply = dict[str, Any]

_log = logging.getLogger(__name__)


class _Unanswerable(UserError):
    """A refusal of a kind that the page's script tells from others."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Channel:
    """Answers the page's script.

    Attributes:
        studio: the visitors' cinemagraphs.
        address: of a file on the page's server.
    """

    studio: Studio
    address: Address
    _live: Live = field(default_factory=Live)
    _segments: Recent[list[dict[str, Any]]] = field(default_factory=lambda: Recent(8))

    def answer(self, id: str, text: str, values: Mapping[str, object]) -> str:
        """The reply to a request.

        Args:
            id: of the visitor's workspace, or "".
            text: the request, JSON; its own settings win over the page's.
            values: the page's settings by name.

        Returns:
            JSON with the request's number "n", and "ok"; where that is false, "error" (one sentence) and "kind".
        """
        number: object = None
        try:
            request = json.loads(text, parse_constant=_no_number)
            if not isinstance(request, dict):
                raise UserError("the request is no object")
            number = request.get("n")
            kinds: dict[str, Callable[[str, Reply, Mapping[str, object]], Reply]] = {
                "solve": self._solve,
                "parse": self._parse,
                "describe": self._describe,
                "segment": self._segment,
                "preview": self._preview,
                "export": self._export,
            }
            asked = request.get("what")
            if not isinstance(asked, str) or asked not in kinds:
                raise UserError(f"there is no request called {str(asked)[:40]!r}")
            reply = {"n": number, "ok": True, **kinds[asked](id, request, values)}
        except _Unanswerable as error:
            reply = _refusal(number, str(error), error.kind)
        except NoRegion as error:
            reply = _refusal(number, str(error), "no-region")
        except UserError as error:
            reply = _refusal(number, say(error, PAGE))
        except Cancelled:
            reply = _refusal(number, "this was stopped")
        except ValueError:
            reply = _refusal(number, "the request is not JSON")
        except Exception as error:  # a page shows a sentence, whatever went wrong
            _log.exception("a request of the page failed")
            reply = _refusal(
                number, f"this failed in a way that was not foreseen ({type(error).__name__}: {short(error)})"
            )
        return json.dumps(reply, ensure_ascii=False, allow_nan=False)

    # ---- requests ----------------------------------------------------------------------------------------------------

    def _solve(self, id: str, request: Reply, values: Mapping[str, object]) -> Reply:
        start = time.perf_counter()
        session, folder = self._session(id)
        solved = self._live.solve(session, folder, self._recipe(session, request, values))
        assert session.still is not None
        height, width = session.still.size
        reply = sent(solved.flow.field, solved.moving, session.still.size)
        seconds = round(time.perf_counter() - start, 3)
        return reply | {"picture": [width, height], "notes": list(solved.flow.notes), "seconds": seconds}

    def _parse(self, id: str, request: Reply, values: Mapping[str, object]) -> Reply:
        words: dict[str, object] = {name: _text(request, name) for name in ("motion", "prompt") if name in request}
        plan = self._live.plan(Recipe().with_values(words).prompt)
        return {**_plan(plan), "bound": _bound(request.get("regions", []), plan)}

    def _describe(self, id: str, request: Reply, values: Mapping[str, object]) -> Reply:
        text = _text(request, "motion") if "motion" in request else ""
        return {"motion": describe(_stated(request.get("regions", [])), text)}

    def _segment(self, id: str, request: Reply, values: Mapping[str, object]) -> Reply:
        session, _ = self._session(id)
        assert session.still is not None
        settings = ("segmenter", "device", "matte", "feather")
        recipe = self._recipe(session, {}, {name: values[name] for name in settings if name in values})
        still, name = session.still, recipe.region.segmenter
        kind = (still.key, name, recipe.region.matte, recipe.region.feather)
        height, width = fitted_size(still.size, SEGMENTED)

        def find() -> list[dict[str, Any]]:
            picture = fitted(still.read().rgb, SEGMENTED)
            device = recipe.twin.device
            segmenter = make_segmenter(name, device=None if device == "auto" else device)
            try:
                if is_light(segmenter):
                    return [_segmented(picture, region, recipe.region) for region in segmenter.propose(picture)]
                found: list[Region] = []
                self.studio.alone(lambda: found.extend(segmenter.propose(picture)))
                return [_segmented(picture, region, recipe.region) for region in found]
            finally:
                segmenter.close()

        return {"width": width, "height": height, "regions": self._segments.get(kind, find)}

    def _preview(self, id: str, request: Reply, values: Mapping[str, object]) -> Reply:
        session, folder = self._session(id)
        path = folder / VIEW / "preview.webp"
        path.parent.mkdir(exist_ok=True)
        made = self._live.preview(session, folder, self._recipe(session, request, values), path)
        return {"url": self.address(path), **made}

    def _export(self, id: str, request: Reply, values: Mapping[str, object]) -> Reply:
        session, folder = self._session(id)
        if not session.task.over and session.begun:
            raise UserError("a run is in hand; export when it has finished")
        wanted = {name: request[name] for name in ("format", "quality", "side", "max_megabytes") if name in request}
        options = ExportOptions(**wanted).checked()
        target = folder / VIEW
        target.mkdir(exist_ok=True)
        written = export_loop(Workspace.open(folder), options, target)
        notes = list(written.notes)
        return {"url": self.address(written.path), "bytes": written.bytes, "name": written.path.name, "notes": notes}

    # ---- what they need ----------------------------------------------------------------------------------------------

    def _session(self, id: str) -> tuple[Session, Path]:
        session = self.studio.sessions.get(id)
        if session is None and id:
            raise _Unanswerable("this page's session is over; reload the page", "stale")
        if session is None or session.still is None:
            raise _Unanswerable("there is no picture yet; drop one, or try the example", "no-picture")
        return session, self.studio.folder / id

    def _recipe(self, session: Session, request: Reply, values: Mapping[str, object]) -> Recipe:
        """The page's settings, with the request's own in their place."""
        rows = {row.name: row for row in table()}
        given = {name: value for name, value in session.values(values).items() if name in rows}
        given |= {name: value for name, value in request.items() if name in rows and name != "format"}
        hints = request.get("hints")
        if "hints" in request:
            given["hints"] = hints if isinstance(hints, str) else json.dumps(hints) if hints else ""
        own = {row.name for row in self.studio.sampling_rows}
        # a host's own sampler or seed says nothing about the motion
        return Recipe().with_values({name: value for name, value in given.items() if name not in own})


def _no_number(word: str) -> float:
    raise ValueError(word)


def fitted_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """(height, width) with a long side of at most `longest`."""
    share = min(1.0, longest / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _refusal(number: object, sentence: str, kind: str = "") -> Reply:
    return {"n": number, "ok": False, "error": sentence, "kind": kind}


def _text(request: Reply, name: str) -> str:
    value = request[name]
    if not isinstance(value, str):
        raise UserError(f"{name} must be text")
    return value


def _plan(plan: Plan) -> Reply:
    motions = [
        {"region": motion.region, "angle": motion.angle, "kind": motion.kind.value, "speed": motion.speed}
        for motion in plan.motions
    ]
    return {"regions": list(plan.regions), "motions": motions, "notes": list(plan.notes)}


def _bound(names: object, plan: Plan) -> dict[str, int]:
    """Of regions that are painted, by name, which of the plan's motions each will take.

    A single one of an unknown name takes the first; a known thing does not take a stranger's, which is looked for.
    """
    if not isinstance(names, list) or len(names) > MOST_REGIONS or not all(isinstance(name, str) for name in names):
        raise UserError(f"regions must be a list of at most {MOST_REGIONS} names")
    bound = {}
    for name in names:
        only = len(names) == 1 and load_lexicon().find(name) is None
        motion = motion_of(name, plan.motions, only)
        if motion is not None:
            bound[name] = plan.motions.index(motion)
    return bound


def _stated(rows: object) -> Sequence[Stated]:
    """The regions of a request to describe them."""
    if not isinstance(rows, list) or len(rows) > MOST_REGIONS:
        raise UserError(f"regions must be a list of at most {MOST_REGIONS}")
    stated = []
    for number, row in enumerate(rows):
        try:
            angle = None if row.get("angle") is None else float(row["angle"])
            kind = None if row.get("kind") is None else MotionKind(row["kind"])
            speed = float(row.get("speed", 1.0))
            stated.append(Stated(str(row["name"]), angle, kind, speed))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise UserError(f"regions[{number}] is not a region with name, angle, kind and speed") from None
    return stated


def _segmented(picture: FloatArray, region: Region, settings: RegionSettings) -> dict[str, Any]:
    """A region to click on, with the edge that it keeps once it is painted."""
    mask = fitted(region.mask, SEGMENTED)
    return {
        "name": region.name,
        "mask": encode_painted(Painted(to_bytes(found_edge(picture, mask, settings)))),
        "score": round(float(region.score), 3),
        "named": load_lexicon().find(region.name) is not None,
    }
