"""The models that improve results, as the page lists them, each with a button that gets it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.progress import Reporter
from t2c_ext.ui.page import message
from t2c_ext.weights.download import download_models
from t2c_ext.weights.listing import Row, list_models
from t2c_ext.wording import PAGE, say
from t2c_ext.worker import Worker

POLL = 0.3
"""Seconds between two looks at a download."""


NOT_HERE = (
    "Others can reach this page, so nothing is downloaded from it; put a model into the folder for models by hand, or "
    "start where only you reach it (in the WebUI also with --enable-insecure-extension-access)"
)


@dataclass
class Models:
    """The list, and the one download that may be in hand.

    Attributes:
        gets: whether models may be downloaded from here.
    """

    gets: bool = True
    _name: str = ""
    _worker: Worker = field(default_factory=Worker)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def html(self, said: str = "") -> str:
        """The list.

        Args:
            said: HTML that stands before it.
        """
        rows = "".join(self._row(row) for row in list_models())
        said = said or ("" if self.gets else message(NOT_HERE))
        return f'{said}<ul class="t2c-models">{rows}</ul>'

    def get(self, name: str) -> Iterator[str]:
        """Download a model: the list, again and again until it is here, or could not be got."""
        if not self.gets:
            yield self.html(message(NOT_HERE, "error"))
            return
        with self._lock:
            if self._name:
                yield self.html(message(f"{self._name} is being downloaded; wait for it, or stop it", "error"))
                return
            self._name, self._worker = name, Worker()
            worker = self._worker

        def work(reporter: Reporter) -> None:
            download_models([name], reporter=reporter)

        worker.start(work)
        try:
            while not worker.wait(POLL):
                yield self.html()
        finally:
            worker.cancel()  # the visitor has left: what has arrived is kept, and taken up again
            self._name = ""
        yield self.html(_outcome(name, worker.failure))

    def stop(self) -> None:
        """Stop the download in hand."""
        self._worker.cancel()

    def _row(self, row: Row) -> str:
        model = row.model
        size = f"{model.megabytes:.0f} MB" if model.megabytes else "size unknown"
        facts = " · ".join(escape(fact) for fact in (size, model.licence, model.notes) if fact)
        about = f"<b>{escape(model.name)}</b> <span>{escape(model.purpose)}</span><small>{facts}</small>"
        return f'<li data-t2c-name="{escape(model.name)}"><div>{about}</div>{self._state(row)}</li>'

    def _state(self, row: Row) -> str:
        name = escape(row.model.name)
        if row.here:
            return '<span class="t2c-here">here</span>'
        if row.model.name == self._name:
            _, done, total = self._worker.reached
            share = min(1.0, done / total) if total > 1 else 0.0
            told = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if total > 1 else "connecting"
            bar = f'<div class="t2c-bar"><div style="width:{100 * share:.0f}%"></div></div>'
            stop = '<button type="button" class="t2c-button t2c-worded" data-t2c-stop="">Stop</button>'
            return f'<div class="t2c-getting" role="status">{told}{bar}{stop}</div>'
        if not self.gets:
            return '<span class="t2c-here">not here</span>'
        return (
            f'<button type="button" class="t2c-button t2c-worded" data-t2c-model="{name}" '
            f'aria-label="Download {name}">Download</button>'
        )


def _outcome(name: str, failure: BaseException | None) -> str:
    """What became of a download, as a sentence."""
    if failure is None:
        return message(f"the model {name} is here, whole; runs use it where it is asked for, and where auto takes it")
    if isinstance(failure, Cancelled):
        return message(f"the download of {name} was stopped; what has arrived is kept, and taken up again")
    if isinstance(failure, UserError):
        return message(say(failure, PAGE), "error")
    return message(f"{name} could not be downloaded ({type(failure).__name__})", "error")
