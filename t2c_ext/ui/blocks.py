"""The Cinemagraph page in Gradio, for the WebUI's tab and the app; only what Gradio 3.41 and later have alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils

from t2c_ext.types import Stage
from t2c_ext.ui.fields import Fields, page_fields
from t2c_ext.ui.handlers import Handlers, View
from t2c_ext.ui.layout import PREFIX, Page, inputs, outputs
from t2c_ext.ui.style import CSS

Below = Callable[[Any, Fields, Sequence[Any]], None]
"""Is given the component with the workspace's id, the page's fields, and their widgets in their order."""

QUIET: dict[str, Any] = {"show_progress": "hidden"}


def cinemagraph_page(handlers: Handlers, from_text: str, queued: bool = True, below: Below | None = None) -> Page:
    """Put the page into the Gradio blocks that are open.

    Args:
        handlers: what the buttons do.
        from_text: a sentence on the "From text" side where nothing can make pictures, or about what does.
        queued: whether the server has Gradio's queue, which progress needs.
        below: adds to the page below its results.

    Returns:
        Its components; a picture may be sent to `picture`.
    """
    studio = handlers.studio
    fields = page_fields(studio.makes_pictures, studio.sampling_rows, studio.defaults)
    gr.HTML(f"<style>{CSS}</style>", elem_id=f"{PREFIX}_style", visible=True)
    id = gr.State("")
    with gr.Row(elem_id=f"{PREFIX}_page", elem_classes=["t2c", "t2c-studio"]):
        with gr.Column(scale=6, min_width=320, elem_id=f"{PREFIX}_left"):
            left = inputs(fields, studio.makes_pictures, from_text, studio.lists)
        with gr.Column(scale=5, min_width=320, elem_id=f"{PREFIX}_right"):
            right = outputs(fields)
            settings = left.pop("settings") | right.pop("settings")
            if below is not None:
                below(id, fields, [settings[name] for name in fields.names])
    built = Page(id=id, settings=settings, **left, **right)
    _Wiring(built, handlers, fields, queued).connect()
    return built


class _Wiring:
    """What happens when something on the page is pressed or changed."""

    def __init__(self, page: Page, handlers: Handlers, fields: Fields, queued: bool) -> None:
        self.page, self.handlers, self.fields, self.queued = page, handlers, fields, queued
        self.settings = [page.settings[name] for name in fields.names]

    def connect(self) -> None:
        """Give every element its listener."""
        self._runs()
        self._put_in()
        self._shelf()
        self._script()
        for component in self.settings:
            component.change(self._marks, [self.page.id, *self.settings], self.page.marked, queue=False, **QUIET)

    def _runs(self) -> None:
        page, handlers, values = self.page, self.handlers, self.fields.values

        def animate(id: str, *given: Any) -> Iterator[View]:
            return handlers.animate(id, values(given))

        def generate(id: str, *given: Any) -> Iterator[View]:
            return handlers.generate(id, values(given))

        def run(start: Stage, id: str, *given: Any) -> Iterator[View]:
            return handlers.run(id, values(given), start)

        def use(id: str, names: list[str], *given: Any) -> Iterator[View]:
            return handlers.choose(id, names, values(given))

        self._follow(page.animate, animate, [page.id, *self.settings])
        if page.generate is not None:
            self._follow(page.generate, generate, [page.id, *self.settings])
        for stage, button in page.again.items():
            self._follow(button, partial(run, stage), [page.id, *self.settings])
        self._follow(page.use, use, [page.id, page.names, *self.settings])
        page.cancel.click(handlers.studio.cancel, [page.id], None, queue=False, **QUIET)

    def _follow(self, button: Any, begin: Callable[..., Iterator[View]], given: Sequence[Any]) -> None:
        def views(*values: Any) -> Iterator[list[Any]]:
            for view in begin(*values):
                yield self.page.updates(view)

        def last(*values: Any) -> list[Any]:
            return list(views(*values))[-1]

        run = button.click(views if self.queued else last, given, self.page.changed, **QUIET)
        run.then(self._settle, [self.page.id], self.page.changed, queue=False, **QUIET)

    def _settle(self, id: str) -> list[Any]:
        return self.page.updates(self.handlers.settle(id))

    def _put_in(self) -> None:
        page, handlers = self.page, self.handlers

        def register(id: str, picture: Any, mask: Any, depth: Any) -> list[Any]:
            return page.updates(handlers.register(id, picture, mask, depth))

        def put_mask(id: str, mask: Any, *given: Any) -> list[Any]:
            return page.updates(handlers.put_mask(id, mask, self.fields.values(given)))

        def put_depth(id: str, depth: Any, *given: Any) -> list[Any]:
            return page.updates(handlers.put_depth(id, depth, self.fields.values(given)))

        def example(id: str) -> list[Any]:
            view, given = handlers.example(id)
            return [*page.updates(view), str(given.picture), None, None, given.prompt, given.motion, given.hints]

        def opened(id: str, wanted: str) -> list[Any]:
            view, found = handlers.open(id, wanted)
            if found is None:
                return [*page.updates(view), *(gr.update() for _ in [*put, *self.settings])]
            places = zip(put, (found.picture, found.mask, found.depth), strict=True)
            return [*page.updates(view), *starmap(_handed_over, places), *self.fields.shown(found.values)]

        put = [page.picture, page.mask, page.depth]
        words = [page.settings[name] for name in ("prompt", "motion", "hints")]
        filled = [*page.changed, *put, *words]
        page.picture.change(register, [page.id, *put], page.changed, queue=False, **QUIET)
        page.mask.change(put_mask, [page.id, page.mask, *self.settings], page.changed, queue=False, **QUIET)
        page.depth.change(put_depth, [page.id, page.depth, *self.settings], page.changed, queue=False, **QUIET)
        everything = [*page.changed, *put, *self.settings]
        page.open.click(opened, [page.id, page.wanted], everything, queue=False, **QUIET)
        page.example.click(example, [page.id], filled, queue=False, **QUIET)

    def _shelf(self) -> None:
        page, handlers = self.page, self.handlers
        if page.recent is not None:
            page.recent.select(handlers.recent, None, page.shelf, queue=False, **QUIET)
            page.delete.click(handlers.delete, [page.wanted], page.shelf, queue=False, **QUIET)
        models = handlers.models
        page.side_models.select(models.html, None, page.models, queue=False, **QUIET)
        get = models.get if self.queued else lambda name: list(models.get(name))[-1]
        page.download.click(get, [page.wanted], page.models, **QUIET)
        page.stop.click(models.stop, None, None, queue=False, **QUIET)

    def _script(self) -> None:
        page = self.page

        def answer(id: str, request: str, *given: Any) -> str:
            return self.handlers.answer(id, request, self.fields.values(given))

        page.go.click(answer, [page.id, page.ask, *self.settings], page.answer, queue=False, **QUIET)

    def _marks(self, id: str, *given: Any) -> list[Any]:
        view = self.handlers.marks(id, self.fields.values(given))
        if view is None or view.strip is None:
            return [gr.update() for _ in self.page.marked]
        return [*(view.strip[stage] for stage in self.page.figures), view.state]


def _handed_over(field: Any, place: Path | None) -> str | None:
    """A file of a workspace as a field takes it: newer Gradios show only what lies in their own folder, or below the
    working directory, where a workspace need not be."""
    save = getattr(processing_utils, "save_file_to_cache", None)
    if place is None or save is None:
        return None if place is None else str(place)
    return str(save(str(place), field.GRADIO_CACHE))
