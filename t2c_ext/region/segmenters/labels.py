"""From a word to the classes of a closed vocabulary, by name: a model's own list of labels says what it can tell apart.

The table itself is `lexicon.toml` (`ade20k`, `coco`, `near`, `unseen`); any other word counts when it is the name of a
class.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from t2c_ext.lexicon import Thing, load_lexicon, plural

OTHER_SPELLINGS = {"falls": "waterfall", "pool": "swimming pool", "window": "windowpane"}
"""Names of one class in different releases of a vocabulary."""

TELLING = {"ade20k": "swimming pool", "coco": "water other"}
"""A class that only this vocabulary has."""


@dataclass(frozen=True)
class Classes:
    """The classes that stand for a word, as indices into the model's labels.

    Attributes:
        own: what the word means; a region is all of them together.
        near: what models take it for; they count only where none of its own is in the picture.
    """

    own: tuple[int, ...]
    near: tuple[int, ...] = ()


class Vocabulary:
    """The labels of one model."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Index the labels (of class 0, 1, ...) by each of their names."""
        self.labels = tuple(labels)
        self._names = [names_of(label) for label in labels]
        known = set().union(*self._names) if self._names else set()
        self._tables = [table for table, name in TELLING.items() if name in known] or list(TELLING)

    def find(self, word: str) -> Classes | None:
        """The classes that stand for a word, or None when the vocabulary has none.

        A word of the lexicon goes by its row; of any other, the longest ending that is a class's name counts, in the
        singular or the plural.
        """
        thing = load_lexicon().find(word)
        if thing is None:
            own = self._called(word)
            return Classes(own) if own else None
        if thing.unseen:
            return None
        own = self._indices(self._row(thing))
        near = tuple(index for index in self._indices(thing.near) if index not in own)
        return Classes(own, near) if own or near else None

    def name(self, index: int) -> str:
        """The plain first name of a class."""
        return _plain(self.labels[index].split(",")[0])

    def movers(self) -> tuple[tuple[int, ...], ...]:
        """Groups of classes that move of their own accord and can stand for one another, in the lexicon's order."""
        groups: dict[str, set[int]] = {}
        for thing in load_lexicon():
            if not thing.shy and not thing.unseen:
                groups.setdefault(thing.appearance, set()).update(self._indices(self._row(thing)))
        taken: set[int] = set()
        disjoint = []
        for group in groups.values():
            disjoint.append(tuple(sorted(group - taken)))
            taken |= group
        return tuple(group for group in disjoint if group)

    def _row(self, thing: Thing) -> list[str]:
        return [name for table in self._tables for name in getattr(thing, table)]

    def _indices(self, names: Iterable[str]) -> tuple[int, ...]:
        wanted = set().union(*(names_of(name) for name in names)) if names else set()
        return tuple(index for index, own in enumerate(self._names) if own & wanted)

    def _called(self, word: str) -> tuple[int, ...]:
        parts = _spaced(word).split()
        for start in range(len(parts)):
            ending = " ".join(parts[start:])
            found = tuple(
                index for index, names in enumerate(self._names) if any(ending in (n, plural(n)) for n in names)
            )
            if found:
                return found
        return ()


def labels_of(id2label: Mapping[int | str, str]) -> tuple[str, ...]:
    """The labels of class 0, 1, ... from a configuration's `id2label`."""
    by_index = {int(index): label for index, label in id2label.items()}
    return tuple(by_index.get(index, "") for index in range(max(by_index, default=-1) + 1))


def names_of(label: str) -> frozenset[str]:
    """Every name of a label such as "waterfall, falls" or "sky-other-merged", in lower case with single spaces."""
    full = {_spaced(part) for part in label.split(",")}
    names = full | {_plain(part) for part in full}
    for short, long in OTHER_SPELLINGS.items():
        if names & {short, long}:
            names |= {short, long}
    return frozenset(names - {""})


def _spaced(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.strip().lower()))


def _plain(text: str) -> str:
    """Without what COCO panoptic adds to the names of its merged classes."""
    return re.sub(r"( other| merged| stuff)+$", "", _spaced(text))
