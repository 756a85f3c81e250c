"""The things that move, read from `lexicon.toml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from t2c_ext.tables import packaged_table
from t2c_ext.types import MotionKind


@dataclass(frozen=True)
class Thing:
    """One kind of thing that moves.

    Attributes:
        name: its canonical name, a singular noun.
        words: every form, lower case, singular and plural, the name's included; may hold spaces.
        family: things of one family can stand for one another in a picture ("lake" and "water").
        appearance: the weight-free segmenter's model of how it looks: "sky", "low water", "falling water", "fire",
            "pale vapour", "falling specks", "ground cover" or "glow".
        angle: default direction in degrees, or None where only its axis or its texture tells.
        kind: default kind of motion.
        speed: default speed factor.
        structure: 0..1, how far its large shapes stay while the texture on them travels (see `loop.structure`).
        root: of what sways, which side is fast: "below", "above", "beside" (a pole) or "within" (all over, as grass).
        streams: it may flow too, though by itself it does not.
        ground: it lies on the ground plane, so that near parts move faster than far ones.
        shy: it moves only when words say that it does (grass stands still unless it is told to stream left).
        ade20k, coco: class names in ADE20K-150 and COCO panoptic; together they are the thing.
        near: class names of either that stand for it where none of those is in the picture.
        unseen: neither vocabulary has a class that means it; `ade20k` and `coco` then name what they make of it, and
            only a model that takes any word can find it.
    """

    name: str
    words: tuple[str, ...]
    family: str
    appearance: str
    angle: float | None = None
    kind: MotionKind = MotionKind.TRANSLATE
    speed: float = 1.0
    structure: float = 0.8
    root: str = "within"
    streams: bool = False
    ground: bool = False
    shy: bool = False
    ade20k: tuple[str, ...] = ()
    coco: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    unseen: bool = False

    def is_like(self, other: Thing | None) -> bool:
        """Whether both mean the same in a picture: one family, and alike to look at ("lake" and "water")."""
        return other is not None and (self.family, self.appearance) == (other.family, other.appearance)


class Lexicon:
    """Finds things by word."""

    def __init__(self, things: tuple[Thing, ...], idioms: frozenset[str] = frozenset()) -> None:
        """Index `things` by each of their words; `idioms` hold such words and mean none."""
        self.things = things
        self.idioms = idioms
        self._by_word = {word: thing for thing in things for word in thing.words}

    def __iter__(self) -> Iterator[Thing]:
        """Every thing, in the file's order."""
        return iter(self.things)

    def exactly(self, phrase: str) -> Thing | None:
        """The thing one of whose words is exactly `phrase` (lower case, single spaces), or None."""
        return self._by_word.get(phrase)

    @property
    def longest(self) -> int:
        """The number of parts of the longest word."""
        return max(len(word.split()) for word in (*self._by_word, *self.idioms))

    def find(self, word: str) -> Thing | None:
        """The thing that `word` names (any case, singular or plural), or None.

        Of several words, such as "mountain river", the longest ending that is known counts.
        """
        parts = word.lower().replace("-", " ").split()
        for start in range(len(parts)):
            ending = " ".join(parts[start:])
            if ending in self.idioms:
                return None
            thing = self._by_word.get(ending)
            if thing is not None:
                return thing
        return None


def plural(word: str) -> str:
    """The regular English plural of a noun's last word."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def _thing(row: dict[str, Any]) -> Thing:
    singular = [row["name"], *row.get("synonyms", [])]
    forms = [form for word in singular for form in (word, plural(word))] + list(row.get("irregular", []))
    return Thing(
        name=row["name"],
        words=tuple(dict.fromkeys(forms)),
        family=row["family"],
        appearance=row["appearance"],
        angle=row.get("angle"),
        kind=MotionKind(row.get("kind", "translate")),
        speed=row.get("speed", 1.0),
        structure=row["structure"],
        root=row.get("root", "within"),
        streams=row.get("streams", False),
        ground=row.get("ground", False),
        shy=row.get("shy", False),
        ade20k=tuple(row.get("ade20k", ())),
        coco=tuple(row.get("coco", ())),
        near=tuple(row.get("near", ())),
        unseen=row.get("unseen", False),
    )


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """The lexicon that comes with the package."""
    document = packaged_table("t2c_ext", "lexicon.toml")
    idioms = frozenset(form for idiom in document["idioms"] for form in (idiom, plural(idiom)))
    return Lexicon(tuple(_thing(row) for row in document["thing"]), idioms)


@lru_cache(maxsize=1)
def load_flowing() -> Lexicon:
    """Of the lexicon that comes with the package, what can flow."""
    lexicon = load_lexicon()
    return Lexicon(tuple(thing for thing in lexicon if thing.kind.flows or thing.streams), lexicon.idioms)
