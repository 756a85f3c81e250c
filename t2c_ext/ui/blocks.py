"""The Cinemagraph page in Gradio, for the WebUI's tab and the app; only what Gradio 3.41 and later have alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from t2c_ext.types import Stage
from t2c_ext.ui import page
from t2c_ext.ui.fields import Fields, page_fields
from t2c_ext.ui.handlers import STRIP, Handlers, View, empty_strip
from t2c_ext.ui.samples import sample
from t2c_ext.ui.style import CSS
from t2c_ext.ui.widgets import widget

PREFIX = "t2c"
"""Begins the id of every element."""

QUIET: dict[str, Any] = {"show_progress": "hidden"}


@dataclass
class _Page:
    """The components that the buttons read and change."""

    id: Any
    example: Any
    picture: Any
    mask: Any
    settings: dict[str, Any]
    animate: Any
    cancel: Any
    generate: Any | None
    status: Any
    player: Any
    choosing: Any
    choices: Any
    names: Any
    use: Any
    figures: dict[Stage, Any]
    again: dict[Stage, Any]

    @property
    def changed(self) -> list[Any]:
        """What a view changes, in the order of `updates`."""
        return [
            self.id,
            self.status,
            self.player,
            self.choosing,
            self.choices,
            self.names,
            *self.figures.values(),
            self.cancel,
            *self._starts,
            *self.again.values(),
        ]

    @property
    def _starts(self) -> list[Any]:
        """The buttons that begin a run and need no earlier one."""
        return [button for button in (self.animate, self.generate, self.use) if button is not None]

    def updates(self, view: View) -> list[Any]:
        """The changes of a view."""
        asked = {} if view.choices is None else {"visible": bool(view.choices)}
        return [
            view.id,
            view.status,
            _kept(view.player),
            gr.update(**asked),
            _kept(view.choices),
            gr.update() if view.choices is None else gr.update(choices=list(view.names), value=[]),
            *(gr.update() if view.strip is None else view.strip[stage] for stage in self.figures),
            gr.update(interactive=view.running),
            *(gr.update(interactive=not view.running) for _ in self._starts),
            *(gr.update(interactive=bool(view.id) and not view.running) for _ in self.again),
        ]


def cinemagraph_page(handlers: Handlers, from_text: str, queued: bool = True) -> Any:
    """Put the page into the Gradio blocks that are open.

    Args:
        handlers: what the buttons do.
        from_text: a sentence on the "From text" side where nothing can make pictures.
        queued: whether the server has Gradio's queue, which progress needs.

    Returns:
        The component that a picture may be sent to.
    """
    studio = handlers.studio
    fields = page_fields(studio.makes_pictures, studio.sampling_rows)
    gr.HTML(f"<style>{CSS}</style>", elem_id=f"{PREFIX}_style", visible=True)
    with gr.Row(elem_id=f"{PREFIX}_page", elem_classes=["t2c"]):
        with gr.Column(scale=4, min_width=320):
            left = _inputs(fields, studio.makes_pictures, from_text)
        with gr.Column(scale=6, min_width=320):
            right = _outputs()
    built = _Page(id=gr.State(""), **left, **right)
    _connect(built, handlers, fields, queued)
    return built.picture


def _inputs(fields: Fields, with_model: bool, from_text: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    generate = None
    with gr.Tabs(elem_id=f"{PREFIX}_sides"):
        with gr.Tab("From a painting", elem_id=f"{PREFIX}_side_painting"):
            picture = _image("Picture", "picture", 300)
            example = gr.Button("Try the example", elem_id=f"{PREFIX}_example")
        with gr.Tab("From text", elem_id=f"{PREFIX}_side_text"):
            if with_model:
                gr.HTML(page.message("Write the prompt below: what the picture shows, and what moves where."))
                with gr.Accordion("Picture", open=False, elem_id=f"{PREFIX}_sampling"):
                    sampling = {row.name: widget(row, PREFIX) for row in fields.sampling}
                generate = gr.Button("Make the picture and its loop", variant="primary", elem_id=f"{PREFIX}_generate")
            else:
                sampling = {}
                gr.HTML(page.message(from_text), elem_id=f"{PREFIX}_from_text")
    settings |= {row.name: widget(row, PREFIX) for row in fields.first}
    with gr.Accordion("Mask (optional): what moves, in white", open=False):
        mask = _image("Mask", "mask", 240)
    with gr.Row():
        animate = gr.Button("Animate", variant="primary", elem_id=f"{PREFIX}_animate")
        cancel = gr.Button("Cancel", interactive=False, elem_id=f"{PREFIX}_cancel")
    for pair in (fields.main[:2], fields.main[2:]):
        with gr.Row():
            for row in pair:
                with gr.Column(min_width=140):
                    settings[row.name] = widget(row, PREFIX)
    with gr.Accordion("More", open=False, elem_id=f"{PREFIX}_more"):
        for heading, rows in fields.more.items():
            with gr.Accordion(heading, open=False):
                settings |= {row.name: widget(row, PREFIX) for row in rows}
    settings |= sampling
    return {
        "example": example,
        "picture": picture,
        "mask": mask,
        "settings": settings,
        "animate": animate,
        "cancel": cancel,
        "generate": generate,
    }


def _outputs() -> dict[str, Any]:
    player = gr.HTML(page.EMPTY, elem_id=f"{PREFIX}_player")
    status = gr.HTML("", elem_id=f"{PREFIX}_status")
    with gr.Column(visible=False, elem_id=f"{PREFIX}_choosing") as choosing:
        choices = gr.HTML("", elem_id=f"{PREFIX}_choices")
        names = gr.CheckboxGroup(choices=[], label="What moves", elem_id=f"{PREFIX}_names")
        use = gr.Button("Use these regions", variant="primary", elem_id=f"{PREFIX}_use")
    figures: dict[Stage, Any] = {}
    again: dict[Stage, Any] = {}
    with gr.Row(elem_id=f"{PREFIX}_strip"):
        for stage, shown in empty_strip().items():
            with gr.Column(min_width=130):
                figures[stage] = gr.HTML(shown, elem_id=f"{PREFIX}_stage_{stage.value}")
                again[stage] = gr.Button("Run from here", interactive=False, elem_id=f"{PREFIX}_run_{stage.value}")
    return {
        "player": player,
        "status": status,
        "choosing": choosing,
        "choices": choices,
        "names": names,
        "use": use,
        "figures": figures,
        "again": again,
    }


def _connect(built: _Page, handlers: Handlers, fields: Fields, queued: bool) -> None:
    settings = [built.settings[name] for name in fields.names]
    changed = built.changed

    def follow(button: Any, begin: Callable[..., Iterator[View]], inputs: Sequence[Any]) -> None:
        def views(*given: Any) -> Iterator[list[Any]]:
            for view in begin(*given):
                yield built.updates(view)

        def last(*given: Any) -> list[Any]:
            return list(views(*given))[-1]

        button.click(views if queued else last, inputs, changed, **QUIET)

    def animate(id: str, picture: Any, mask: Any, *values: Any) -> Iterator[View]:
        return handlers.animate(id, picture, mask, fields.values(values))

    def generate(id: str, mask: Any, *values: Any) -> Iterator[View]:
        return handlers.generate(id, mask, fields.values(values))

    def run(start: Stage, id: str, mask: Any, *values: Any) -> Iterator[View]:
        return handlers.run(id, mask, fields.values(values), start)

    def use(id: str, names: list[str], *values: Any) -> Iterator[View]:
        return handlers.choose(id, names, fields.values(values))

    follow(built.animate, animate, [built.id, built.picture, built.mask, *settings])
    if built.generate is not None:
        follow(built.generate, generate, [built.id, built.mask, *settings])
    for stage, button in built.again.items():
        follow(button, partial(run, stage), [built.id, built.mask, *settings])
    follow(built.use, use, [built.id, built.names, *settings])

    def example() -> list[Any]:
        given = sample(handlers.studio.folder / "example")
        return [str(given.picture), str(given.mask), given.prompt, given.motion]

    words = [built.settings["prompt"], built.settings["motion"]]
    built.example.click(example, None, [built.picture, built.mask, *words], queue=False, **QUIET)
    built.cancel.click(handlers.studio.cancel, [built.id], None, queue=False, **QUIET)

    figures = list(built.figures.values())

    def marks(id: str, *values: Any) -> list[Any]:
        strip = handlers.marks(id, fields.values(values))
        return [gr.update() if strip is None else strip[stage] for stage in STRIP]

    def new_mask(id: str, *values: Any) -> list[Any]:
        handlers.studio.mask_changed(id)
        return marks(id, *values)

    for component in settings:
        component.change(marks, [built.id, *settings], figures, queue=False, **QUIET)
    built.mask.change(new_mask, [built.id, *settings], figures, queue=False, **QUIET)


def _image(label: str, name: str, height: int) -> Any:
    return gr.Image(
        type="pil", image_mode="RGBA", label=label, height=height, interactive=True, elem_id=f"{PREFIX}_{name}"
    )


def _kept(value: str | None) -> Any:
    return gr.update() if value is None else value
