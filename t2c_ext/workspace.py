"""The folder of one cinemagraph: each stage's result in files that a person can look at and change by hand.

plan.json  art.png  natural.png  attention.npz  regions/*.png  mask.png  flow.npz  hints.json  loop.*  recipe.json
segmentation/   the regions as they were found in the twin, where the attention redrew them
input/          the picture, the masks and the flow that the user gave
workspace.json  what each stage was made from (a fingerprint), how long it took, and what it had to say
report.json     the last run in short
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from t2c_ext.atomic import replacing, write_text
from t2c_ext.errors import UserError
from t2c_ext.media.pictures import read_own_mask, read_picture, write_mask, write_picture
from t2c_ext.recipe import Recipe, recipe_from_json
from t2c_ext.twin.maps import attention_picture, read_attention, write_attention
from t2c_ext.types import FloatArray, Flow, Motion, MotionKind, Picture, Plan, Region, Regions, Stage, Twin

VERSION = 1


@dataclass(frozen=True)
class StageRecord:
    """What is remembered of a stage's last run.

    Attributes:
        fingerprint: of everything that the result was made from; "" while the result is being written.
        seconds: how long it took.
        notes: what it had to say.
        result: a digest of the result where a change by hand must be noticed.
    """

    fingerprint: str
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    result: str = ""


def fingerprint(*parts: object) -> str:
    """A digest of arrays (by shape, type and bytes) and of anything else (by its repr)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.shape}{part.dtype}".encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


@dataclass
class Workspace:
    """Reads and writes one cinemagraph's folder."""

    root: Path
    records: dict[Stage, StageRecord] = field(default_factory=dict)

    @classmethod
    def create(cls, root: Path) -> Workspace:
        """Open the folder, making it when it is not there.

        Raises:
            UserError: it holds other things, cannot be made, or was written by a newer version.
        """
        if (root / "workspace.json").exists():
            return cls.open(root)
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise UserError(f"{root} is not empty and is no workspace; name another folder")
        workspace = cls(root)
        workspace._save_records()
        return workspace

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Open an existing workspace.

        Raises:
            UserError: there is none, it is damaged, or it was written by a newer version.
        """
        document = _read_json(root / "workspace.json", f"{root} is no workspace")
        if document.get("version") != VERSION:
            raise UserError(f"{root} is of version {document.get('version')!r}, but this program reads {VERSION}")
        try:
            records = {
                Stage(name): StageRecord(**{**record, "notes": tuple(record["notes"])})
                for name, record in document["stages"].items()
            }
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{root / 'workspace.json'} is damaged; delete it to start afresh") from None
        return cls(root, records)

    def _save_records(self) -> None:
        document = {"version": VERSION, "stages": {stage.value: asdict(self.records[stage]) for stage in self.records}}
        write_text(self.root / "workspace.json", json.dumps(document, indent=2, ensure_ascii=False))

    def is_current(self, stage: Stage, print_: str) -> bool:
        """Whether the stage's saved result was made from just this."""
        record = self.records.get(stage)
        return record is not None and record.fingerprint == print_

    def begin(self, stage: Stage) -> None:
        """Forget the stage's result before it is overwritten."""
        self.records[stage] = StageRecord("")
        self._save_records()

    def finish(self, stage: Stage, record: StageRecord) -> None:
        """Remember what the stage's saved result was made from."""
        self.records[stage] = record
        self._save_records()

    def forget_from(self, stage: Stage) -> None:
        """Mark this stage and all after it as out of date."""
        order = list(Stage)
        for later in order[order.index(stage) :]:
            self.records.pop(later, None)
        self._save_records()

    # --- recipe and inputs ------------------------------------------------------------------------------------------

    def save_recipe(self, recipe: Recipe) -> None:
        """Write recipe.json, and hints.json when there are hints."""
        write_text(self.root / "recipe.json", recipe.to_json())
        hints = self.root / "hints.json"
        if recipe.motion.hints:
            write_text(hints, recipe.motion.hints)
        else:
            hints.unlink(missing_ok=True)

    def load_recipe(self) -> Recipe:
        """Read recipe.json; hints.json, which people edit, takes the place of its hints."""
        path = self.root / "recipe.json"
        try:
            recipe = recipe_from_json(path.read_text(encoding="utf-8"))
        except OSError:
            raise UserError(f"{self.root} has no recipe.json to run from") from None
        hints = self.root / "hints.json"
        text = hints.read_text(encoding="utf-8") if hints.exists() else ""
        return replace(recipe, motion=replace(recipe.motion, hints=text))

    def save_inputs(self, regions: Regions | None, flow: FloatArray | None, painting: Picture | None = None) -> None:
        """Keep (or clear) the picture, the masks and the flow that the user gave."""
        folder = self.root / "input"
        shutil.rmtree(folder, ignore_errors=True)
        if regions is not None:
            _write_regions(folder, regions)
        if flow is not None:
            _write_flow(folder / "flow.npz", flow)
        if painting is not None:
            _write(folder / "art.png", painting)

    def load_inputs(self) -> tuple[Regions | None, FloatArray | None]:
        """The masks and the flow that the user gave."""
        folder = self.root / "input"
        flow = folder / "flow.npz"
        regions = _read_regions(folder, None) if (folder / "regions.json").exists() else None
        return regions, _read_flow(flow) if flow.exists() else None

    def load_painting(self) -> Picture | None:
        """The picture that the user gave, where a model was to make its twin."""
        path = self.root / "input" / "art.png"
        return read_picture(path) if path.exists() else None

    # --- results ----------------------------------------------------------------------------------------------------

    def save_plan(self, plan: Plan) -> None:
        """Write plan.json."""
        write_text(self.root / "plan.json", json.dumps(plan_to_document(plan), indent=2, ensure_ascii=False))

    def load_plan(self) -> Plan:
        """Read plan.json, which a person may have changed."""
        path = self.root / "plan.json"
        try:
            return plan_from_document(_read_json(path, f"{path} is missing"))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is damaged: {error}") from None

    def save_twin(self, twin: Twin) -> None:
        """Write art.png and, where there are any, natural.png and attention.npz (attention.png shows it)."""
        _write(self.root / "art.png", twin.art)
        natural, attention = self.root / "natural.png", self.root / "attention.npz"
        for path in (natural, attention, attention.with_suffix(".png")):
            path.unlink(missing_ok=True)
        if twin.natural is not None:
            _write(natural, twin.natural)
        if twin.attention is not None:
            write_attention(attention, twin.attention)
            write_picture(attention.with_suffix(".png"), attention_picture(twin.attention, *twin.art.size))

    def load_twin(self) -> Twin:
        """Read art.png, natural.png and attention.npz."""
        natural, attention = self.root / "natural.png", self.root / "attention.npz"
        return Twin(
            read_picture(self.root / "art.png"),
            read_picture(natural) if natural.exists() else None,
            read_attention(attention) if attention.exists() else None,
            self.records.get(Stage.TWIN, StageRecord("")).notes,
        )

    def save_regions(self, regions: Regions) -> None:
        """Write regions/*.png, their index, mask.png and, where the attention redrew it, segmentation/*.png."""
        for name, rows in (("regions", regions.regions), ("segmentation", regions.segmentation)):
            shutil.rmtree(self.root / name, ignore_errors=True)
            if rows:
                _write_regions(self.root / name, replace(regions, regions=rows))
        write_mask(self.root / "mask.png", regions.mask)

    def load_regions(self, shape: tuple[int, int]) -> Regions:
        """Read the regions; where mask.png was repainted by hand, they follow it.

        Args:
            shape: (height, width) of the picture.
        """
        regions = _read_regions(self.root / "regions", shape)
        found = self.root / "segmentation"
        if found.exists():
            regions = replace(regions, segmentation=_read_regions(found, shape).regions)
        mask = read_own_mask(self.root / "mask.png", shape)
        record = self.records.get(Stage.REGION)
        if record is not None and fingerprint(mask) != record.result:
            return repaint(regions, mask)
        return regions

    def save_flow(self, flow: Flow) -> None:
        """Write flow.npz."""
        _write_flow(self.root / "flow.npz", flow.field)

    def load_flow(self) -> Flow:
        """Read flow.npz."""
        record = self.records.get(Stage.MOTION, StageRecord(""))
        return Flow(_read_flow(self.root / "flow.npz"), "workspace", record.notes)

    def save_report(self, report: dict[str, Any]) -> None:
        """Write report.json."""
        write_text(self.root / "report.json", json.dumps(report, indent=2, ensure_ascii=False))


def repaint(regions: Regions, mask: FloatArray) -> Regions:
    """Cut the regions to a repainted mask; what it adds goes to the nearest region.

    Args:
        regions: the regions before the repainting.
        mask: float32 [H, W], the new union.
    """
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


def plan_to_document(plan: Plan) -> dict[str, Any]:
    """The plan as `t2c parse --json` prints it, with its notes."""
    motions = [
        {"region": motion.region, "angle": motion.angle, "kind": motion.kind.value, "speed": motion.speed}
        for motion in plan.motions
    ]
    return {
        "art_prompt": plan.art_prompt,
        "natural_prompt": plan.natural_prompt,
        "regions": list(plan.regions),
        "motions": motions,
        "notes": list(plan.notes),
    }


def plan_from_document(document: dict[str, Any]) -> Plan:
    """The inverse of `plan_to_document`.

    Raises:
        KeyError, TypeError, ValueError: something is missing or of another type.
    """
    motions = tuple(
        Motion(
            str(row["region"]),
            None if row["angle"] is None else float(row["angle"]),
            MotionKind(row["kind"]),
            float(row.get("speed", 1.0)),
        )
        for row in document["motions"]
    )
    return Plan(
        str(document["art_prompt"]),
        str(document["natural_prompt"]),
        tuple(str(name) for name in document["regions"]),
        motions,
        tuple(str(note) for note in document.get("notes", ())),
    )


def _read_json(path: Path, missing: str) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(missing) from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
    if not isinstance(document, dict):
        raise UserError(f"{path} is damaged")
    return document


def _write_regions(folder: Path, regions: Regions) -> None:
    rows: list[dict[str, Any]] = []
    for number, region in enumerate(regions.regions):
        slug = re.sub(r"[^a-z0-9]+", "-", region.name.lower()).strip("-")[:40] or "region"
        taken = any(row["file"] == f"{slug}.png" for row in rows)
        file = f"{slug}-{number}.png" if taken else f"{slug}.png"
        write_mask(folder / file, region.mask)
        rows.append({"name": region.name, "file": file, "score": region.score, "source": region.source})
    document = {"regions": rows, "notes": regions.notes}
    write_text(folder / "regions.json", json.dumps(document, indent=2, ensure_ascii=False))


def _read_regions(folder: Path, shape: tuple[int, int] | None) -> Regions:
    path = folder / "regions.json"
    document = _read_json(path, f"{path} is missing")
    try:
        return Regions(
            tuple(
                Region(row["name"], read_own_mask(_inside(folder, row["file"]), shape), row["score"], row["source"])
                for row in document["regions"]
            ),
            tuple(document["notes"]),
        )
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged: {error}") from None


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise UserError(f"{folder / 'regions.json'} names a file outside its folder: {name!r}")
    return folder / name


def _write(path: Path, picture: Picture) -> None:
    write_picture(path, picture.rgb, picture.alpha, {"parameters": picture.infotext} if picture.infotext else {})


def _write_flow(path: Path, flow: FloatArray) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, flow=flow)


def _read_flow(path: Path) -> FloatArray:
    try:
        with np.load(path, allow_pickle=False) as data:
            return np.asarray(data["flow"], np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
