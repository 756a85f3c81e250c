"""How each face words an error: the command line by its options, a page by its widgets, a request by its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from t2c_ext.errors import DOWNLOAD, RUN, UserError, Way
from t2c_ext.settings import Setting, table


@dataclass(frozen=True)
class Face:
    """The words of a face.

    Attributes:
        setting: what a setting is called.
        others: what the face calls what is no setting, such as "mask"; what is left out it does not have.
        instead: what it says in place of a whole way out, by what the way goes by; "{}" stands for the way's value.
    """

    setting: Callable[[Setting], str]
    others: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)

    def name(self, by: str) -> str:
        """What the face calls a setting, or whatever else a way out goes by; "" where it has none."""
        return next((self.setting(row) for row in table() if row.name == by), self.others.get(by, ""))

    def way(self, way: Way) -> str:
        """A way out in the face's words."""
        whole = self.instead.get(way.by)
        return way.said(self.name(way.by)) if whole is None else whole.replace("{}", way.value)


COMMAND_LINE = Face(
    setting=lambda row: row.flag,
    others={name: f"--{name}" for name in ("mask", "workspace", "ray", "cpus", "gigabytes", "gpus", "host", "port")},
    instead={DOWNLOAD: "get it with: t2c models download {}", RUN: "run it with: t2c run {}"},
)
PAGE = Face(
    setting=lambda row: row.label,
    instead={"mask": "paint it on the canvas", DOWNLOAD: 'get {} in the list "Models" of the Cinemagraph page'},
)
REQUEST = Face(setting=lambda row: row.name, others={"mask": "mask"})


def say(error: UserError, face: Face) -> str:
    """An error as a sentence of a face."""
    return error.said(face.name(error.setting) or error.setting, face.way)
