"""The five stages in order, with progress, cancellation, and resumption from a workspace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.extents import bands, extent_of, whole_of
from t2c_ext.loop.choose import make_rendering
from t2c_ext.loop.render import Rendering
from t2c_ext.media.limits import check_loop
from t2c_ext.media.posters import poster_beside, poster_path
from t2c_ext.media.videos import format_of, write_video
from t2c_ext.motion.choose import Equipment, choose_model, make_flow
from t2c_ext.motion.field import prepare_flow
from t2c_ext.motion.hints import parse_hints, to_json, what_moves
from t2c_ext.motion.holds import without_frozen
from t2c_ext.outputs import check_output, copy_loop, is_workspaces_own, own_name
from t2c_ext.progress import Reporter
from t2c_ext.prompt.parse import parse
from t2c_ext.prompt.syntax import plain
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import find_regions, fit_mask
from t2c_ext.region.matte import refine_matte
from t2c_ext.region.painted import beside_mask_file, painted_regions
from t2c_ext.region.refine import refine_regions
from t2c_ext.settings import MotionSettings
from t2c_ext.twin.choose import choose_source
from t2c_ext.twin.source import GivenTwin, TwinSource
from t2c_ext.types import FloatArray, Flow, Hints, Loop, Picture, Plan, Regions, Stage, Twin
from t2c_ext.workspace import StageRecord, Workspace, fingerprint

if TYPE_CHECKING:
    from t2c_ext.motion.text_context import TextEncoder

T = TypeVar("T", Plan, Twin, Regions, Flow, Loop)


@dataclass(frozen=True)
class Job:
    """One cinemagraph to make.

    Attributes:
        recipe: the settings.
        source: makes the picture and its twin.
        regions: the masks that the user gave, or None to find the regions by words. A single one without a name is
            shared out by the words. Regions that the recipe's hints paint take their place.
        flow: float32 [h, w, 2] that the user gave, of any size, or None to solve for it.
        output: the file (or folder of frames) to write; None: the workspace's own `loop.<format>`, or no file.
        sources: the files that the user gave, which no output may replace.
        painting: the picture that the user gave and a model makes the twin of; the workspace keeps it.
        keep_twin: take the workspace's pictures as they are, whatever they were made from.
        encoder: a text encoder that is loaded already (a host's), for the network that reads the text.
    """

    recipe: Recipe
    source: TwinSource
    regions: Regions | None = None
    flow: FloatArray | None = None
    output: Path | None = None
    painting: Picture | None = None
    keep_twin: bool = False
    encoder: TextEncoder | None = None
    sources: tuple[Path, ...] = ()

    def check(self, workspace: Path | None = None) -> None:
        """Refuse, before any work, an output that would cost the user something or that its format cannot hold.

        Args:
            workspace: the folder of the run's workspace, there or not.

        Raises:
            UserError: one line that says what is wrong with it.
        """
        if self.output is not None:
            check_output(self.output, self.sources, workspace)
        kind = self._format(workspace)
        if kind is not None:
            check_loop(kind, self._size(), self.recipe.loop.fps)

    def _format(self, workspace: Path | None) -> str | None:
        if self.output is not None:
            return format_of(self.output)
        return None if workspace is None else self.recipe.loop.format

    def _size(self) -> tuple[int, int]:
        if isinstance(self.source, GivenTwin):
            return self.source.twin.art.size
        if self.painting is not None:
            return self.painting.size
        return max(1, self.recipe.twin.height), max(1, self.recipe.twin.width)  # 0: the model's own, which is small


@dataclass
class Cinemagraph:
    """The result of each stage that has run; `moving` is the regions' union without what the hints freeze."""

    plan: Plan | None = None
    twin: Twin | None = None
    regions: Regions | None = None
    moving: FloatArray | None = None
    flow: Flow | None = None
    rendering: Rendering | None = None
    loop: Loop | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the stages have to say, each sentence once."""
        parts = (self.plan, self.twin, self.regions, self.flow, self.loop)
        return tuple(dict.fromkeys(note for part in parts if part is not None for note in part.notes))


class Pipeline:
    """Runs a job's stages; with a workspace, only those that are out of date."""

    def __init__(self, job: Job, workspace: Workspace | None = None, reporter: Reporter | None = None) -> None:
        """Keep the job; nothing runs yet."""
        self.job = job
        self.workspace = workspace
        self.reporter = reporter or Reporter()
        self.result = Cinemagraph()
        self.hints = Hints()

    def run(self, until: Stage = Stage.LOOP) -> Cinemagraph:
        """Run every stage up to `until`, and return all results.

        Raises:
            UserError: the job cannot be done as asked; finished stages stay in the workspace.
            Cancelled: the user stopped it; likewise.
        """
        steps: dict[Stage, Callable[[], None]] = {
            Stage.PROMPT: self._prompt,
            Stage.TWIN: self._twin,
            Stage.REGION: self._region,
            Stage.MOTION: self._motion,
            Stage.LOOP: self._loop,
        }
        self.hints = parse_hints(self.job.recipe.motion.hints)
        self.job.check(None if self.workspace is None else self.workspace.root)
        if self.workspace is not None:
            self.workspace.save_recipe(self.job.recipe)
        for stage, step in steps.items():
            self.reporter.check()
            if stage is Stage.TWIN and until is not Stage.TWIN:
                self._check_that_something_moves()
            step()
            if stage is until:
                break
        if self.workspace is not None:
            self.workspace.save_report(self._report())
        return self.result

    def _stage(
        self,
        stage: Stage,
        made_from: tuple[object, ...],
        make: Callable[[], T],
        load: Callable[[Workspace], T],
        save: Callable[[Workspace, T], None],
    ) -> T:
        print_ = fingerprint(*made_from) if self.workspace is not None else ""
        if self.workspace is not None and self.workspace.is_current(stage, print_):
            self.reporter.step(stage.value, 1, 1)
            self.result.seconds[stage.value] = self.workspace.records[stage].seconds
            return load(self.workspace)
        start = time.perf_counter()
        result = make()
        seconds = self.result.seconds[stage.value] = round(time.perf_counter() - start, 3)
        if self.workspace is not None:
            self.workspace.begin(stage)
            save(self.workspace, result)
            digest = fingerprint(result.mask) if isinstance(result, Regions) else ""
            self.workspace.finish(stage, StageRecord(print_, seconds, tuple(result.notes), digest))
        return result

    def _prompt(self) -> None:
        settings = self.job.recipe.prompt
        self.result.plan = self._stage(
            Stage.PROMPT, (settings,), lambda: parse(settings), Workspace.load_plan, Workspace.save_plan
        )

    def _check_that_something_moves(self) -> None:
        """Refuse before minutes of sampling what would be refused after it, when nothing keeps the pictures."""
        job = self.job
        kept = self.workspace is not None or isinstance(job.source, GivenTwin)
        named = _made(self.result.plan).regions or job.recipe.region.region.strip()
        if not (kept or named or job.regions or self.hints.painted):
            raise UserError(
                "nothing in the prompt can move; name it (--motion), paint a mask (--mask), or keep the pictures "
                "(--workspace) and choose afterwards"
            )

    def _twin(self) -> None:
        plan, source = _made(self.result.plan), self.job.source

        def make() -> Twin:
            twin = source.make(plan, self.reporter)
            natural = None if twin.natural is None else _eight_bit(twin.natural)
            return replace(twin, art=_eight_bit(twin.art), natural=natural)

        if self.job.keep_twin and self.workspace is not None and Stage.TWIN in self.workspace.records:
            self.reporter.step(Stage.TWIN.value, 1, 1)
            self.result.seconds[Stage.TWIN.value] = self.workspace.records[Stage.TWIN].seconds
            self.result.twin = self.workspace.load_twin()
            return
        self.result.twin = self._stage(Stage.TWIN, source.key(plan), make, Workspace.load_twin, Workspace.save_twin)

    def _region(self) -> None:
        plan, twin, settings = _made(self.result.plan), _made(self.result.twin), self.job.recipe.region
        picture = twin.art if twin.natural is None else twin.natural
        seed, attention = self.job.recipe.prompt.seed, twin.attention
        looked = () if attention is None else (seed, attention.self_attention, *attention.words.values())

        def make() -> Regions:
            found = self._found(picture, plan)
            if self.job.regions is None and not self.hints.painted:
                found = refine_regions(found, twin.attention, twin.art.rgb, settings, seed)
            return _visible(found, twin.art.alpha)

        self.result.regions = self._stage(
            Stage.REGION,
            (
                plan.regions,
                picture.rgb,
                twin.art.rgb,
                twin.art.alpha,
                settings,
                *looked,
                *_parts(self.job.regions),
                *(part for hint in self.hints.painted if hint.mask for part in (hint.name, hint.mask.levels)),
                *_besides(self.hints, self.job.regions),
            ),
            make,
            lambda workspace: workspace.load_regions(picture.size),
            Workspace.save_regions,
        )

    def _found(self, picture: Picture, plan: Plan) -> Regions:
        given, settings = self.job.regions, self.job.recipe.region
        device = self.job.recipe.twin.device
        if self.hints.painted:
            painted = painted_regions(
                picture.rgb,
                self.hints.painted,
                settings,
                besides=_besides(self.hints, given),
                reporter=self.reporter,
                device=device,
            )
            return painted if given is None else beside_mask_file(painted, given)
        if given is not None and (len(given.regions) > 1 or given.regions[0].name):
            fitted = (replace(row, mask=fit_mask(row.mask, *picture.size)) for row in given.regions)
            return replace(
                given,
                regions=tuple(replace(row, mask=refine_matte(picture.rgb, row.mask, settings)) for row in fitted),
            )
        mask = None if given is None else given.regions[0].mask
        found = find_regions(picture.rgb, plan.regions, settings, mask=mask, reporter=self.reporter, device=device)
        return found if given is None else replace(found, notes=(*given.notes, *found.notes))

    def _motion(self) -> None:
        plan, twin, regions = _made(self.result.plan), _made(self.result.twin), _made(self.result.regions)
        settings = self.job.recipe.motion
        picture = twin.art if twin.natural is None else twin.natural
        words, hints = plain(plan.art_prompt).text, self.hints
        moving = without_frozen(regions, hints, *picture.size).mask
        self.result.moving = moving
        equipment = Equipment(encoder=self.job.encoder, device=self.job.recipe.twin.device)
        model = None if self.job.flow is not None else choose_model(settings, plan, hints, equipment).model

        def make() -> Flow:
            if self.job.flow is not None:
                return prepare_flow(self.job.flow, moving, settings)
            return make_flow(
                picture.rgb, regions, plan, hints, settings, equipment, prompt=words, reporter=self.reporter
            )

        self.result.flow = self._stage(
            Stage.MOTION,
            (plan.motions, words, picture.rgb, *_parts(regions), *_drawn(hints, settings), self.job.flow, model),
            make,
            Workspace.load_flow,
            Workspace.save_flow,
        )

    def _loop(self) -> None:
        twin, moving, flow = _made(self.result.twin), self.result.moving, _made(self.result.flow)
        if moving is None:
            raise RuntimeError("the stages have to run in their order")
        settings, seed = self.job.recipe.loop, self.job.recipe.prompt.seed
        self.result.rendering = rendering = make_rendering(
            twin.art.rgb,
            moving,
            flow.field,
            settings,
            seed=seed,
            reporter=self.reporter,
            device=self.job.recipe.twin.device,
        )
        path = self._loop_path()
        if path is None:
            return
        made_from = (twin.art.rgb, twin.art.alpha, moving, flow.field, settings, seed, path.suffix)
        if self.workspace is not None and not path.exists():
            self.workspace.records.pop(Stage.LOOP, None)
        self.result.loop = self._stage(
            Stage.LOOP,
            made_from,
            lambda: self._write_loop(path, rendering, twin.art, moving),
            lambda workspace: self._load_loop(workspace, path),
            lambda workspace, loop: None,
        )
        output, root = self.job.output, None if self.workspace is None else self.workspace.root
        if output is not None and root is not None and not is_workspaces_own(output, root):
            poster = poster_path(output, self.job.sources) if output.suffix else None
            with poster_beside(poster, twin.art, self._texts(path, twin.art)):
                copy_loop(path, output, self.job.sources, root)
            self.result.loop = replace(self.result.loop, path=output, poster=poster)

    def _loop_path(self) -> Path | None:
        output = self.job.output
        if self.workspace is None:
            return output
        kind = self.job.recipe.loop.format if output is None else format_of(output)
        return self.workspace.root / own_name(kind)

    def _texts(self, path: Path, art: Picture) -> dict[str, str]:
        """What travels in a loop and its still: the format is the one that was written, whatever the recipe says."""
        recipe = self.job.recipe
        return texts(replace(recipe, loop=replace(recipe.loop, format=format_of(path))), art.infotext)

    def _write_loop(self, path: Path, rendering: Rendering, art: Picture, mask: FloatArray) -> Loop:
        settings, start, text = self.job.recipe.loop, time.perf_counter(), self._texts(path, art)
        owned, poster = self.workspace is not None, self._poster(path)
        if not owned:
            check_output(path, self.job.sources)
        with poster_beside(poster, art, text):
            written = write_video(
                path,
                rendering.frames,
                size=art.size,
                count=rendering.count,
                fps=settings.fps,
                quality=settings.quality,
                max_megabytes=settings.max_megabytes,
                alpha=art.alpha,
                mask=None if settings.renderer == "paper" else mask,  # the paper's decoder repaints the rest too
                text=text,
                reporter=self.reporter,
                owned=owned,
            )
        notes = (*rendering.notes, *written.notes)
        return Loop(path, poster, rendering.count, rendering.holes, round(time.perf_counter() - start, 3), notes)

    def _poster(self, path: Path) -> Path | None:
        """Where the loop's still goes, to be asked before the loop is replaced; a folder of frames has none."""
        if not path.suffix:
            return None
        return path.with_suffix(".png") if self.workspace is not None else poster_path(path, self.job.sources)

    def _load_loop(self, workspace: Workspace, path: Path) -> Loop:
        record, poster = workspace.records[Stage.LOOP], self._poster(path)
        count = self.job.recipe.loop.frames
        kept = poster if poster is not None and poster.exists() else None
        return Loop(path, kept, count, 0.0, record.seconds, record.notes)

    def _report(self) -> dict[str, object]:
        loop, flow = self.result.loop, self.result.flow
        return {
            "seconds": self.result.seconds,
            "notes": list(self.result.notes),
            "regions": [
                {"name": region.name, "score": round(region.score, 3), "source": region.source}
                for region in (self.result.regions.regions if self.result.regions else ())
            ],
            "flow": None if flow is None else flow.source,
            "loop": None if loop is None else {"file": loop.path.name, "frames": loop.frames, "holes": loop.holes},
        }


def texts(recipe: Recipe, infotext: str) -> dict[str, str]:
    """What travels in a file: the recipe as it may be passed on, and the generation parameters with it added.

    Args:
        recipe: that the file is made by.
        infotext: the generation parameters of its picture, or "".
    """
    recipe = recipe.shareable()
    parameters = ", ".join(part for part in (infotext, recipe.to_infotext()) if part)
    return {"recipe": recipe.to_json()} | ({"parameters": parameters} if parameters else {})


def _made(result: T | None) -> T:
    if result is None:
        raise RuntimeError("the stages have to run in their order")
    return result


def _drawn(hints: Hints, settings: MotionSettings) -> tuple[object, ...]:
    """What a fingerprint of hints and settings is made from: not the text, and nothing that does not move."""
    moving = what_moves(hints)
    text = "" if moving == Hints() else to_json(moving)
    return (replace(settings, hints=text), *(() if hints.still is None else (hints.still.levels,)))


def _parts(regions: Regions | None) -> tuple[object, ...]:
    """What a fingerprint of regions is made from."""
    return () if regions is None else tuple(part for row in regions.regions for part in (row.name, row.mask))


def _besides(hints: Hints, given: Regions | None) -> tuple[str, ...]:
    """The regions that the hints name beside painted ones; none where a mask file says all that moves."""
    return hints.besides if given is None else ()


def _eight_bit(picture: Picture) -> Picture:
    """The picture as it will be saved, so that a run that resumes sees the same numbers."""
    return replace(
        picture, rgb=_quantised(picture.rgb), alpha=None if picture.alpha is None else _quantised(picture.alpha)
    )


def _quantised(values: FloatArray) -> FloatArray:
    """As 8 bits hold it: the very array where that is so already."""
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


def _visible(regions: Regions, alpha: FloatArray | None) -> Regions:
    """The regions without the transparent part of the picture, as they will be saved."""
    masks = [region.mask if alpha is None else _where_opaque(region.mask, alpha) for region in regions.regions]
    kept = tuple(replace(region, mask=_quantised(mask)) for region, mask in zip(regions.regions, masks, strict=True))
    if not any(region.mask.any() for region in kept):
        raise UserError("the region lies wholly in the transparent part of the picture")
    return replace(regions, regions=kept)


def _where_opaque(mask: FloatArray, alpha: FloatArray) -> FloatArray:
    window, result = extent_of(mask), np.zeros(mask.shape, np.float32)
    np.copyto(window.of(result), window.of(mask), where=window.of(alpha) > 0)
    return result


def open_job(workspace: Workspace, recipe: Recipe | None = None, output: Path | None = None) -> Job:
    """The job that a workspace holds.

    Raises:
        UserError: the workspace lacks its recipe or its picture.
    """
    regions, flow = workspace.load_inputs()
    recipe = recipe or workspace.load_recipe()
    painting = workspace.load_painting()
    if recipe.twin.model:
        source = choose_source(recipe.twin, recipe.prompt.seed, painting)
    else:
        source = GivenTwin(workspace.load_twin())
    return Job(recipe, source, regions, flow, output, painting)
