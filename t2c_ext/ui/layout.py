"""Where things stand on the page, and how a view changes them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from t2c_ext.settings import Setting
from t2c_ext.types import Stage
from t2c_ext.ui import page
from t2c_ext.ui.fields import HEADINGS, Fields
from t2c_ext.ui.handlers import View, empty_strip
from t2c_ext.ui.state import STRIP, state_text
from t2c_ext.ui.uploads import taken_in
from t2c_ext.ui.widgets import widget

PREFIX = "t2c"
"""Begins the id of every element."""

WRITE = "Write the prompt below: what the picture shows, and what moves where."

HIDDEN = "t2c-hidden"
"""The class of what only the page's script uses; it is in the page, but not seen."""

CANVAS = (
    '<div class="t2c-canvas"><p class="t2c-late">The drawing tools have not loaded. Reload the page, or go on with '
    "words and a mask file.</p></div>"
)


@dataclass
class Page:
    """The components that listeners read and change.

    Attributes:
        id: of the visitor's workspace.
        picture, mask, depth: what may be put in.
        example: the button that fills the page with the example.
        settings: the widgets of the settings by name; that of the hints is the script's.
        ask, go, answer, state: the script's request, its button, the reply, and what the page shows.
        wanted, open: the id of a workspace that is to be opened, and the button that does it; the script's.
        delete: the button that deletes it, likewise.
        recent, shelf: the tab with the list of what was kept, and the list; None where there is none.
        side_models, models, download, stop: the same for the models, and the buttons that get one and
            stop that.
        animate, generate, cancel, use, again: the buttons of runs.
        status, player, figures, choosing, choices, names: what a run shows without the script.
    """

    id: Any
    picture: Any
    mask: Any
    depth: Any
    example: Any
    settings: dict[str, Any]
    ask: Any
    go: Any
    answer: Any
    state: Any
    wanted: Any
    open: Any
    delete: Any
    recent: Any | None
    shelf: Any | None
    side_models: Any
    models: Any
    download: Any
    stop: Any
    animate: Any
    generate: Any | None
    cancel: Any
    status: Any
    player: Any
    choosing: Any
    choices: Any
    names: Any
    use: Any
    figures: dict[Stage, Any]
    again: dict[Stage, Any]

    @property
    def marked(self) -> list[Any]:
        """What a mark changes."""
        return [*self.figures.values(), self.state]

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
            *self.marked,
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
        if view.left:
            return [gr.update() for _ in self.changed]
        asked = {} if view.choices is None else {"visible": bool(view.choices)}
        return [
            view.id,
            _kept(view.status),
            _kept(view.player),
            gr.update(**asked),
            _kept(view.choices),
            gr.update() if view.choices is None else gr.update(choices=list(view.names), value=[]),
            *(gr.update() if view.strip is None else view.strip[stage] for stage in self.figures),
            _kept(view.state),
            gr.update(interactive=view.running),
            *(gr.update(interactive=not view.running) for _ in self._starts),
            *(gr.update(interactive=view.begun and not view.running) for _ in self.again),
        ]


def inputs(fields: Fields, with_model: bool, from_text: str, lists: bool) -> dict[str, Any]:
    """The left side: picture, words, canvas, and the settings that are always in view.

    Args:
        fields: the rows of the page.
        with_model: something can make pictures from text here.
        from_text: a sentence on the "From text" side.
        lists: whether what was kept is listed.
    """
    made: dict[str, Any] = {"generate": None} | dict.fromkeys(("recent", "shelf"))
    settings: dict[str, Any] = {}
    with gr.Tabs(elem_id=f"{PREFIX}_sides"):
        with gr.Tab("From a painting", elem_id=f"{PREFIX}_side_painting"):
            made["picture"] = _later(_image("Picture", "picture", 200), "picture")
            made["example"] = gr.Button("Try the example", elem_id=f"{PREFIX}_example")
        with gr.Tab("From text", elem_id=f"{PREFIX}_side_text"):
            if with_model:
                gr.HTML(
                    page.message(" ".join([WRITE, *([from_text] if from_text else [])])), elem_id=f"{PREFIX}_from_text"
                )
                made_by = f"{PREFIX}_settings_{Stage.TWIN.value}"
                with gr.Accordion("How the picture is made", open=False, elem_id=made_by):
                    settings |= _widgets(fields.sampling)
            else:
                gr.HTML(page.message(from_text), elem_id=f"{PREFIX}_from_text")
        if lists:
            with gr.Tab("Recent", elem_id=f"{PREFIX}_side_recent") as made["recent"]:
                made["shelf"] = _bare("", "shelf")
        with gr.Tab("Models", elem_id=f"{PREFIX}_side_models") as made["side_models"]:
            made["models"] = _bare("", "models")
    settings |= _widgets(fields.first)
    _bare(CANVAS, "canvas")
    with gr.Row(elem_id=f"{PREFIX}_bar"):  # two stand side by side on a phone, too
        if with_model:
            made["generate"] = gr.Button(
                "Make the picture and its loop", variant="primary", elem_id=f"{PREFIX}_generate", min_width=120
            )
        made["animate"] = gr.Button("Animate", variant="primary", elem_id=f"{PREFIX}_animate", min_width=120)
        made["cancel"] = gr.Button("Cancel", interactive=False, elem_id=f"{PREFIX}_cancel", min_width=120)
    for pair in (fields.main[:2], fields.main[2:]):
        with gr.Row():
            for row in pair:
                with gr.Column(min_width=140):
                    settings |= _widgets([row])
    with gr.Accordion("A mask file (optional): what moves, in white", open=False, elem_id=f"{PREFIX}_mask_file"):
        made["mask"] = _later(_image("Mask", "mask", 240), "mask")
    with gr.Accordion("A depth picture (optional): bright is near", open=False, elem_id=f"{PREFIX}_depth_file"):
        made["depth"] = _later(_image("Depth", "depth", 240), "depth")
    settings["hints"] = _unseen("document")
    made |= {"ask": _unseen("ask"), "answer": _unseen("answer"), "state": _unseen("state", _nothing())}
    made["wanted"] = _unseen("wanted")
    made["open"] = gr.Button("Open", elem_id=f"{PREFIX}_open", elem_classes=[HIDDEN])
    made["delete"] = gr.Button("Delete", elem_id=f"{PREFIX}_delete", elem_classes=[HIDDEN])
    made["download"] = gr.Button("Download", elem_id=f"{PREFIX}_download", elem_classes=[HIDDEN])
    made["stop"] = gr.Button("Stop", elem_id=f"{PREFIX}_stop", elem_classes=[HIDDEN])
    made["go"] = gr.Button("Ask", elem_id=f"{PREFIX}_ask_go", elem_classes=[HIDDEN])
    return made | {"settings": settings}


def outputs(fields: Fields) -> dict[str, Any]:
    """The right side: player, stages, what a run says (below what may not jump), and the stages' settings."""
    _bare('<div class="t2c-player-root"></div>', "player_root")
    made: dict[str, Any] = {"player": _bare(page.EMPTY, "player")}
    figures, again = _strip()
    made["status"] = _bare("", "status")
    with gr.Column(visible=False, elem_id=f"{PREFIX}_choosing") as made["choosing"]:
        made["choices"] = gr.HTML("", elem_id=f"{PREFIX}_choices")
        made["names"] = gr.CheckboxGroup(choices=[], label="What moves", elem_id=f"{PREFIX}_names")
        made["use"] = gr.Button("Use these regions", variant="primary", elem_id=f"{PREFIX}_use")
    settings: dict[str, Any] = {}
    for stage, heading in HEADINGS.items():
        rows = fields.more.get(heading, ())
        if rows:
            title = f"{heading}: settings" if stage in STRIP else f"{heading}: how they are read"
            with gr.Accordion(title, open=False, elem_id=f"{PREFIX}_settings_{stage.value}"):
                settings |= _widgets(rows)
    return made | {"figures": figures, "again": again, "settings": settings}


def _strip() -> tuple[dict[Stage, Any], dict[Stage, Any]]:
    """Each stage's figure and button, and the place where the script shows them better."""
    _bare('<div class="t2c-strip-root"></div>', "strip_root")
    figures: dict[Stage, Any] = {}
    again: dict[Stage, Any] = {}
    with gr.Row(elem_id=f"{PREFIX}_strip"):
        for stage, shown in empty_strip().items():
            with gr.Column(min_width=130):
                figures[stage] = _bare(shown, f"stage_{stage.value}")
                again[stage] = gr.Button("Run from here", interactive=False, elem_id=f"{PREFIX}_run_{stage.value}")
    return figures, again


def _widgets(rows: Sequence[Setting]) -> dict[str, Any]:
    return {row.name: widget(row, PREFIX) for row in rows}


def _bare(value: str, name: str) -> Any:
    """HTML without the styles that later Gradios lay over buttons and texts in it, and without their margins."""
    known = inspect.signature(gr.HTML.__init__).parameters
    plain = {option: False for option in ("apply_default_css", "padding") if option in known}
    return gr.HTML(value, elem_id=f"{PREFIX}_{name}", **plain)


def _unseen(name: str, value: str = "") -> Any:
    return gr.Textbox(value=value, label=name, elem_id=f"{PREFIX}_{name}", elem_classes=[HIDDEN], lines=1, max_lines=1)


def _nothing() -> str:
    """The state of a page on which nothing is yet."""
    return state_text("", None, str)


def _image(label: str, name: str, height: int) -> Any:
    """A place for a picture, which is read by the same readers as files, not by Gradio's."""
    made = gr.Image(
        type="pil", image_mode="RGBA", label=label, height=height, interactive=True, elem_id=f"{PREFIX}_{name}"
    )
    made.preprocess = lambda given: taken_in(given, name)
    return made


def _later(place: Any, name: str) -> Any:
    """The same, but what is put in is read only when its turn has come, by whoever knows how large it may be."""
    place.preprocess = lambda given: None if given is None else partial(taken_in, given, name)
    return place


def _kept(value: str | None) -> Any:
    return gr.update() if value is None else value
