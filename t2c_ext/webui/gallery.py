"""What stands under the galleries of txt2img and img2img: the loops of the pictures in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import Cancelled
from t2c_ext.ui.page import Address, addresses
from t2c_ext.ui.scripts import script_option
from t2c_ext.webui import parameters
from t2c_ext.worker import Worker

if TYPE_CHECKING:
    from t2c_ext.webui.kept import Kept
    from t2c_ext.webui.loops import Finished

POLL = 0.25
"""Seconds between two looks at a run."""

NEWEST = 500
"""So many workspaces are looked through for a loop of which only the file's name is known."""

Rows = Mapping[str, "tuple[Path, Kept]"]


@dataclass
class UnderGallery:
    """What is put under the gallery of one of the host's tabs.

    Attributes:
        tab: the tab's name.
        queued: whether the server has Gradio's queue, which progress needs.
        gallery: the host's.
        loops: our place under it.
        button: sends what was made to the Cinemagraph tab.
        relay: out of sight: the host's own way of sending a picture listens to it.
        text: out of sight: generation parameters that go with a picture.
    """

    tab: str
    queued: bool
    gallery: Any = None
    loops: Any = None
    button: Any = None
    relay: Any = None
    text: Any = None
    _parts: dict[str, Any] = field(default_factory=dict)

    def add_loops(self, gallery: Any) -> None:
        """Make the place for the loops, in the Gradio blocks that are open."""
        import gradio as gr

        from t2c_ext.ui.layout import HIDDEN

        self.gallery = gallery
        self.loops = gr.HTML("", elem_id=f"{self.tab}_cinemagraph_loops")
        prefix, hidden = f"{self.tab}_cinemagraph", {"elem_classes": [HIDDEN]}
        self.text = gr.Textbox(label="Infotext", elem_id=f"{prefix}_infotext", **hidden)
        self._parts["choice"] = gr.Textbox(label="Choice", elem_id=f"{prefix}_choice", **hidden)
        self._parts["show"] = gr.Button("Show", elem_id=f"{prefix}_show", **hidden)
        self._parts["choose"] = gr.Button("Choose", elem_id=f"{prefix}_choose", **hidden)
        self.relay = gr.Button("Send", elem_id=f"{prefix}_relay", **hidden)
        for component in (self.loops, self.text, self.relay, *self._parts.values()):
            component.do_not_save_to_config = True

    def add_button(self) -> None:
        """Make the button beside the host's own."""
        from modules.ui_components import ToolButton

        tip = "Send the cinemagraph, or the picture, and its settings to the Cinemagraph tab."
        self.button = ToolButton("🌊", elem_id=f"{self.tab}_send_to_cinemagraph", tooltip=tip)

    def connect(self, info: Any) -> None:
        """Listen, once the host's own parts are there; the page's script tells of the end of a generation.

        Args:
            info: holds what the host knows of the pictures, as JSON.
        """
        quiet: dict[str, Any] = {"show_progress": "hidden"}
        self._parts["show"].click(self.show, [info], [self.loops], queue=False, **quiet)
        if self.button is not None:
            send = f"(info) => {{ window.t2c?.send('{self.tab}', info); return []; }}"
            self.button.click(None, [info], None, **script_option(send))
        work = self.choose if self.queued else self._chosen
        self._parts["choose"].click(work, [self._parts["choice"], info], [self.loops], **quiet)

    def show(self, info: str) -> str:
        """The loops of the pictures that are shown."""
        from t2c_ext.webui.cards import cards

        return cards(rows_of(info), shown_address, {})

    def choose(self, choice: str, info: str) -> Iterator[str]:
        """A region was chosen for a picture: go on with it, and show how far it is."""
        from t2c_ext.webui.cards import cards
        from t2c_ext.webui.loops import as_a_job, go_on, host_reporter

        id, name = _choice(choice)
        rows = {**rows_of(info), **dict(_by_id([id]))}
        if id not in rows or name not in rows[id][1].candidates:
            yield cards(rows, shown_address, {})
            return
        folder, kept = rows[id]
        worker, ended = Worker(), []
        worker.start(lambda reporter: ended.append(go_on(folder, kept, name, reporter)), as_a_job, host_reporter)
        try:
            while not worker.wait(POLL):
                yield cards(rows, shown_address, {id: worker.reached})
        finally:
            worker.cancel()  # the visitor has left, or it is over and this does nothing
        rows[id] = (folder, self._outcome(folder, kept, worker, ended))
        yield cards(rows, shown_address, {})

    def _chosen(self, choice: str, info: str) -> str:
        return list(self.choose(choice, info))[-1]

    @staticmethod
    def _outcome(folder: Path, kept: Kept, worker: Worker, ended: Sequence[Finished]) -> Kept:
        """What is kept from now on; where no loop was made, the choice stays."""
        from t2c_ext.webui.kept import remember

        found = ended[-1] if ended else None
        if found is None:
            stopped = worker.failure is None or isinstance(worker.failure, Cancelled)
            note = "the loop was stopped" if stopped else f"no loop was made: {worker.failure}"
            return replace(kept, notes=(note,))
        if found.loop is None:
            return replace(kept, notes=found.kept.notes)
        now = replace(found.kept, folder=kept.folder, naming=kept.naming)
        remember(folder, now)
        return now


def rows_of(info: str) -> Rows:
    """The workspaces of the pictures that the host tells of, and what the page shows of them, by id.

    Args:
        info: what the host says about them (JSON), as an API's client gets it; "" before anything was made.
    """
    try:
        said = json.loads(info or "{}")
    except ValueError:
        return {}
    if not isinstance(said, dict):
        return {}
    found = dict(_by_id((said.get("extra_generation_params") or {}).get(parameters.IDS) or []))
    names = [parameters.file_in(str(text)) for text in said.get("infotexts") or []]
    missing = {name for name in names if name} - {Path(kept.saved).name for _, kept in found.values()}
    return found | dict(_by_file(missing))  # a plot tells of its first cell only, but keeps all texts


def _by_id(ids: Sequence[object]) -> Iterator[tuple[str, tuple[Path, Kept]]]:
    from t2c_ext.webui.kept import recall, workspace_of

    for id in ids:
        folder = workspace_of(id)
        kept = None if folder is None else recall(folder)
        if folder is not None and kept is not None:
            yield folder.name, (folder, kept)


def _by_file(names: set[str]) -> Iterator[tuple[str, tuple[Path, Kept]]]:
    """Those whose loops have these names; of several of one name, the newest."""
    from t2c_ext.webui.kept import cinemagraphs_folder, recall, workspace_of

    if not names or not cinemagraphs_folder().is_dir():
        return
    folders = sorted(cinemagraphs_folder().iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    found, left = [], set(names)
    for folder in folders[:NEWEST]:
        kept = recall(folder) if workspace_of(folder.name) else None
        if kept is not None and kept.saved and Path(kept.saved).name in left:
            left.remove(Path(kept.saved).name)
            found.append((folder.name, (folder, kept)))
    yield from reversed(found)


def shown_address(path: Path) -> str:
    """The address of a file of ours on the host's server, which gives out only what it is told of."""
    from modules import shared, ui_tempdir

    ui_tempdir.register_tmp_file(shared.demo, str(path))
    return _address(path)


_address: Address = addresses("file=")


def _choice(text: str) -> tuple[str, str]:
    """(id, region) as the page's script sends them; empty where it is something else."""
    try:
        said = json.loads(text)
        return str(said["id"]), str(said["region"])
    except (ValueError, KeyError, TypeError):
        return "", ""
