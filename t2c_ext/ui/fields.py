"""Which settings the page shows, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from t2c_ext.settings import Setting, Value, table
from t2c_ext.types import Stage

FIRST = ("prompt", "motion")
"""Said in words, on top."""

MAIN = ("frames", "fps", "speed", "format")
"""Always in view."""

DRAWN = ("hints",)
"""Written by the canvas."""

OF_A_MODEL = ("natural_terms", "natural_prompt", "refine", "clusters", "overlap", "erosion")
"""Have a meaning only where a model made the picture."""

OF_THE_SERVER = ("model", "lora_folder", "embeddings_folder", "device", "precision", "memory", "painting")
"""Not a visitor's to choose."""

HEADINGS = {Stage.PROMPT: "Words", Stage.REGION: "Region", Stage.MOTION: "Motion", Stage.LOOP: "Loop"}
"""The groups under "More"."""


@dataclass(frozen=True)
class Fields:
    """The rows of the page's widgets.

    Attributes:
        first: the words.
        main: always in view.
        drawn: what the canvas writes.
        more: the rest, by heading.
        sampling: how a picture is made from text; empty where nothing makes one.
    """

    first: tuple[Setting, ...]
    main: tuple[Setting, ...]
    drawn: tuple[Setting, ...]
    more: dict[str, tuple[Setting, ...]]
    sampling: tuple[Setting, ...]

    @property
    def rows(self) -> tuple[Setting, ...]:
        """All of them, in the order of their widgets."""
        more = (row for rows in self.more.values() for row in rows)
        return (*self.first, *self.main, *self.drawn, *more, *self.sampling)

    @property
    def names(self) -> tuple[str, ...]:
        """The settings' names in the order of their widgets."""
        return tuple(row.name for row in self.rows)

    def values(self, given: Sequence[object]) -> dict[str, object]:
        """The widgets' values by name."""
        return dict(zip(self.names, given, strict=True))

    def shown(self, values: Mapping[str, object]) -> list[Any]:
        """What sets the widgets to these values, in their order; a widget keeps what it has where there is none."""
        import gradio as gr

        found = []
        for row in self.rows:
            fits = row.name in values and (not row.choices or values[row.name] in row.choices)
            found.append(gr.update(value=values[row.name]) if fits else gr.update())
        return found


def page_fields(
    with_model: bool, sampling_rows: Sequence[Setting] = (), defaults: Mapping[str, Value] | None = None
) -> Fields:
    """The fields of a page.

    Args:
        with_model: something can make pictures from text here.
        sampling_rows: what it is set by, in place of the table's rows for the twin and the seed; the words on top are
            not shown twice.
        defaults: what suits the model that makes pictures, in place of the table's.
    """
    rows = {row.name: row for row in table()}
    rows |= {name: replace(rows[name], default=value) for name, value in (defaults or {}).items()}
    # a page shows one file, not a folder of frames
    kinds = tuple(kind for kind in rows["format"].choices if kind != "png")
    rows["format"] = replace(rows["format"], choices=kinds, help="Kind of file.")
    own = [row for row in sampling_rows if row.name not in (*FIRST, *MAIN)]
    hidden = {*FIRST, *MAIN, *DRAWN, *OF_THE_SERVER, *(() if with_model else OF_A_MODEL)}
    if not with_model or own:
        hidden |= {row.name for row in rows.values() if row.stage is Stage.TWIN} | {row.name for row in own}
    rest = [row for row in rows.values() if row.name not in hidden]
    return Fields(
        tuple(rows[name] for name in FIRST),
        tuple(rows[name] for name in MAIN),
        tuple(rows[name] for name in DRAWN),
        {
            heading: tuple(row for row in rest if row.stage is stage and (row.name != "seed" or not with_model))
            for stage, heading in HEADINGS.items()
        },
        tuple(own or [row for row in rest if row.stage is Stage.TWIN or row.name == "seed"]) if with_model else (),
    )
