"""The parts of the page that are HTML: progress, the loop, the strip of stages, notes. Every text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from t2c_ext.types import Stage

Address = Callable[[Path], str]
"""The address at which the page's server gives out a file."""

VIDEOS = (".mp4", ".webm")

EMPTY = (
    '<div class="t2c-empty"><p>The loop appears here.</p>'
    "<p>Drop a picture, say what moves, and press Animate, or try the example.</p></div>"
)

WORDS = {
    "": "waiting for its turn",
    Stage.PROMPT.value: "reading the words",
    Stage.TWIN.value: "making the picture",
    Stage.REGION.value: "finding what moves",
    Stage.MOTION.value: "finding the motion",
    Stage.LOOP.value: "making the loop",
}


def addresses(prefix: str) -> Address:
    """Addresses below `prefix`; a file that has changed gets a new one, so that no browser shows the old."""

    def address(path: Path) -> str:
        return f"{prefix}{quote(path.resolve().as_posix())}?v={_version(path)}"

    return address


def addresses_within(folders: Mapping[str, Path]) -> Address:
    """Addresses that say nothing about where on the server a file lies.

    Args:
        folders: by what the addresses of their files begin with.
    """

    def address(path: Path) -> str:
        for prefix, folder in folders.items():
            if path.is_relative_to(folder):
                return f"{prefix}{quote(path.relative_to(folder).as_posix())}?v={_version(path)}"
        raise ValueError(f"{path} is not given out")

    return address


def _version(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def progress(reached: tuple[str, int, int], picture: str = "") -> str:
    """How far a run is, and the address of what can be seen of the picture in the making."""
    stage, done, total = reached
    order = [row.value for row in Stage]
    share = 0.0 if stage not in order else (order.index(stage) + min(1.0, done / max(1, total))) / len(order)
    steps = f" ({done} of {total})" if total > 1 and stage else ""
    seen = f'<img src="{picture}" alt="the picture so far">' if picture else ""
    return (
        f'<div class="t2c-progress" role="status">{escape(WORDS.get(stage, stage).capitalize())}{steps}'
        f'<div class="t2c-bar"><div style="width:{100 * share:.0f}%"></div></div>{seen}</div>'
    )


def message(text: str, kind: str = "note") -> str:
    """One sentence; `kind` is "note" or "error"."""
    sentence = text[:1].upper() + text[1:]
    role = "alert" if kind == "error" else "status"
    return f'<div class="t2c-message t2c-{kind}" role="{role}">{escape(sentence)}</div>'


def messages(notes: Sequence[str], first: str = "") -> str:
    """What the stages have to say, below a first sentence."""
    items = "".join(f"<li>{escape(note[:1].upper() + note[1:])}</li>" for note in notes)
    return (message(first) if first else "") + (f'<ul class="t2c-notes">{items}</ul>' if items else "")


def player(loop: Path, poster: Path | None, address: Address, about: str) -> str:
    """The loop playing, and links to save it and its still."""
    shown = moving(loop, address, "controls", poster)
    name = f"cinemagraph{loop.suffix}"
    links = f'<a href="{address(loop)}" download="{name}">Save the loop ({size_of(loop)})</a>'
    if poster is not None:
        links += f' <a href="{address(poster)}" download="cinemagraph.png">Save the still</a>'
    return (
        f'<div class="t2c-player">{shown}<div class="t2c-about"><span>{escape(about)}</span>'
        f'<span class="t2c-links">{links}</span></div></div>'
    )


def figure(title: str, pictures: Mapping[str, str], seconds: float | None, stale: bool = False, about: str = "") -> str:
    """A stage's result in the strip.

    Args:
        title: the stage's name on the page.
        pictures: addresses of its pictures, by what they show.
        seconds: how long it took.
        stale: it no longer fits the settings.
        about: how it was made.
    """
    if not pictures:
        return f'<figure class="t2c-stage t2c-none"><div></div><figcaption>{escape(title)}</figcaption></figure>'
    shown = "".join(
        f'<a href="{where}" target="_blank" rel="noopener" title="{escape(what)}: open large">'
        f'<img src="{where}" alt="{escape(what)}" loading="lazy"></a>'
        for what, where in pictures.items()
    )
    took = "" if seconds is None else f" <small>{seconds:.1f} s</small>"
    mark = '<span class="t2c-mark">out of date</span>' if stale else ""
    made = f'<small class="t2c-about-stage">{escape(about)}</small>' if about else ""
    kind = " t2c-stale" if stale else ""
    return (
        f'<figure class="t2c-stage{kind}"><div>{shown}</div>'
        f"<figcaption>{escape(title)}{took}{mark}{made}</figcaption></figure>"
    )


def choices(names: Sequence[str], pictures: Sequence[str]) -> str:
    """The regions to choose from, each over the picture."""
    figures = "".join(
        f'<figure><img src="{where}" alt="{escape(name)}"><figcaption>{escape(name)}</figcaption></figure>'
        for name, where in zip(names, pictures, strict=True)
    )
    return f'<div class="t2c-choices">{figures}</div>'


def moving(loop: Path, address: Address, controls: str = "", still: Path | None = None) -> str:
    """The loop, playing; a video shows its still, where there is one, until it is there."""
    if loop.suffix in VIDEOS:
        poster = "" if still is None else f' poster="{address(still)}"'
        return f'<video src="{address(loop)}"{poster} loop autoplay muted playsinline {controls}></video>'
    return f'<img src="{address(loop)}" alt="the loop">'


def size_of(path: Path) -> str:
    """A file's size in words."""
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"
