"""Where loops go: nothing is replaced but what this product wrote, and a refusal comes before the work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_loops import NAMES, loop, write

from t2c_ext import animate
from t2c_ext.cli import main
from t2c_ext.cli.animate import _folder_for
from t2c_ext.errors import UserError
from t2c_ext.jobs import open_job
from t2c_ext.media.metadata import read_text
from t2c_ext.media.ownership import lies_in, same_place
from t2c_ext.media.videos import write_video
from t2c_ext.outputs import check_output
from t2c_ext.pipeline import Pipeline
from t2c_ext.workspace import Workspace

SIDE = 48
SETTINGS = {"motion": "river flowing left", "frames": 3}
LINE = ("--motion", "river flowing left", "--frames", "3")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to be in, with a picture and its mask."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "here"
    folder.mkdir()
    Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(folder / "river.png")
    Image.fromarray(np.repeat(np.uint8([0, 255]), SIDE * SIDE // 2).reshape(SIDE, SIDE)).save(folder / "mask.png")
    monkeypatch.chdir(folder)
    yield folder


def _snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def _webp(path: Path) -> Path:
    with Image.open("river.png") as picture:
        picture.save(path, "WEBP", lossless=True)
    return path


def _run(*arguments: str) -> int:
    try:
        return main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)


def _animate(*arguments: str, picture: str = "river.png", mask: str = "mask.png") -> int:
    return _run("animate", picture, "--mask", mask, *LINE, *arguments)


def _no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def stage(*_: object) -> None:
        raise AssertionError("a stage ran before the refusal")

    monkeypatch.setattr(Pipeline, "_stage", stage)


def _thesis(name: str) -> Callable[[], None]:
    def make() -> None:
        Path(name).mkdir(parents=True, exist_ok=True)
        (Path(name) / "thesis.txt").write_text("years of work")

    return make


def _foreign(name: str) -> Callable[[], None]:
    def make() -> None:
        Path(name).write_bytes(b"someone's film")

    return make


def _linked(name: str, to: str, hard: bool = False) -> Callable[[], None]:
    def make() -> None:
        _webp(Path("pond.webp"))
        (os.link if hard else os.symlink)(to, name)

    return make


def _foreign_frames() -> None:
    Path("frames").mkdir()
    shutil.copy("river.png", "frames/frame_0000.png")


REFUSED: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "a folder with other things": (_thesis("docs"), ("-o", "docs/")),
    "the same beside a workspace": (_thesis("docs"), ("-o", "docs/", "--workspace", "ws")),
    "the folder one is in": (lambda: None, ("-o", ".", "--workspace", "ws")),
    "the folder above": (_thesis("../other"), ("-o", "..", "--workspace", "ws")),
    "the root": (lambda: None, ("-o", "/", "--workspace", "ws")),
    "an empty folder that one is in": (lambda: None, ("-o", "../here/.")),
    "frames that are not ours": (_foreign_frames, ("-o", "frames")),
    "a file of another program": (_foreign("film.mp4"), ("-o", "film.mp4")),
    "the same beside a workspace's": (_foreign("film.mp4"), ("-o", "film.mp4", "--workspace", "ws")),
    "the picture": (lambda: _webp(Path("pond.webp")), ("-o", "pond.webp")),
    "the picture, by a longer way": (lambda: _webp(Path("pond.webp")), ("-o", "../here/pond.webp")),
    "the picture, by a link": (_linked("link.webp", "pond.webp"), ("-o", "link.webp")),
    "the picture, by a hard link": (_linked("twin.webp", "pond.webp", hard=True), ("-o", "twin.webp")),
    "the workspace": (lambda: None, ("-o", "ws", "--workspace", "ws")),
    "a folder that will hold the workspace": (lambda: None, ("-o", "all", "--workspace", "all/ws")),
    "a place that the workspace reads": (lambda: None, ("-o", "ws/natural.mp4", "--workspace", "ws")),
    "a folder that the workspace clears": (lambda: None, ("-o", "ws/input", "--workspace", "ws")),
    "a device": (lambda: os.symlink(os.devnull, "null.mp4"), ("-o", "null.mp4")),
    "no name": (lambda: None, ("-o", ".mp4")),
    "a file as a folder": (_foreign("film"), ("-o", "film/loop.mp4")),
    "a file as a folder of frames": (_foreign("film"), ("-o", "film")),
    "a link to itself": (lambda: os.symlink("round.mp4", "round.mp4"), ("-o", "round.mp4")),
    "a name that no disk takes": (lambda: None, ("-o", f"{'a' * 4000}.mp4")),
    "a path that no disk takes": (lambda: None, ("-o", f"{'a/' * 4000}.mp4", "--workspace", "ws")),
}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there, and devices have other names")
@pytest.mark.parametrize("case", REFUSED)
def test_an_output_that_would_cost_something_is_refused_before_the_work(
    here: Path, case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, arguments = REFUSED[case]
    prepare()
    picture = "pond.webp" if Path("pond.webp").exists() else "river.png"
    before = _snapshot(here.parent)
    _no_work(monkeypatch)
    assert _animate(*arguments, picture=picture) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("t2c: ") and len(lines[0]) < 500
    assert _snapshot(here.parent) == before


@pytest.mark.parametrize("output", ["ws", "ws/", ".", "..", "ws/regions", "ws/input/", "ws/art.mp4", "ws/../ws"])
def test_a_workspace_is_not_replaced_by_its_own_loop(here: Path, output: str) -> None:
    assert _animate("--workspace", "ws", "-o", "first.mp4") == 0
    before = _snapshot(here.parent)
    assert _run("run", "ws", "-o", output, "--speed", "2") == 1
    assert _snapshot(here.parent) == before


def test_another_workspace_is_no_place_either(here: Path) -> None:
    assert _animate("--workspace", "ws", "-o", "first.mp4") == 0
    for output in ("ws", "ws/regions", "ws/mask.webp"):
        assert _animate("-o", output) == 1 and _animate("-o", output, "--workspace", "second") == 1


@pytest.mark.parametrize("more", [(), ("--workspace", "ws")])
@pytest.mark.parametrize("name", NAMES)
def test_an_earlier_loop_of_ours_is_replaced(here: Path, name: str, more: tuple[str, ...]) -> None:
    for speed in ("1", "2"):
        assert _animate("-o", name, "--speed", speed, *more) == 0
        assert f'"speed": {speed}' in read_text(here / name)["recipe"]
        poster = here / "a.png"
        assert poster.exists() == (name != "frames")
        assert not poster.exists() or f'"speed": {speed}' in read_text(poster)["recipe"]
    assert not list(here.glob("*-poster*")) and not list(here.glob(".*"))


def test_a_workspaces_own_loop_may_be_asked_for(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _animate("--workspace", "ws", "-o", "ws/loop.gif") == 0
    assert _run("run", "ws", "-o", "../here/ws/loop.gif") == 0
    assert _run("run", "ws", "-o", "ws/best.webp") == 0, "what the workspace does not know may lie in it"
    assert {path.name for path in Path("ws").glob("*.*")} >= {"loop.gif", "best.webp", "best.png", "loop.webp"}


def test_a_damaged_loop_in_a_workspace_is_made_again(here: Path) -> None:
    assert _animate("--workspace", "ws", "-o", "ws/loop.gif") == 0
    Path("ws/loop.gif").write_bytes(b"")
    assert _run("run", "ws", "--from", "loop", "--format", "gif") == 0
    assert Path("ws/loop.gif").stat().st_size > 100


def test_a_frame_that_the_user_put_there_keeps_the_folder(here: Path) -> None:
    assert _animate("-o", "frames") == 0
    shutil.copy("river.png", "frames/frame_0001.png")
    before = _snapshot(here)
    assert _animate("-o", "frames") == 1
    assert _snapshot(here) == before


def test_a_frame_of_the_folder_as_the_picture_keeps_it(here: Path) -> None:
    assert _animate("-o", "frames") == 0
    before = _snapshot(here)
    assert _animate("-o", "frames", picture="frames/frame_0001.png") == 1
    assert _animate("-o", "frames", mask="frames/frame_0001.png") == 1
    assert _snapshot(here) == before


def test_an_empty_folder_takes_frames(here: Path) -> None:
    Path("frames").mkdir()
    assert _animate("-o", "frames") == 0
    assert len(list(Path("frames").iterdir())) == 3


def test_a_still_of_another_loop_stays(here: Path) -> None:
    assert _animate("-o", "a.mp4") == 0
    still = Path("a.png").read_bytes()
    assert _animate("-o", "a.gif", "--speed", "2") == 0
    assert Path("a.png").read_bytes() == still and '"speed": 2' in read_text(Path("a-poster.png"))["recipe"]
    assert _animate("-o", "a.gif", "--speed", "3") == 0
    assert Path("a.png").read_bytes() == still and '"speed": 3' in read_text(Path("a-poster.png"))["recipe"]
    Path("a.mp4").unlink()
    assert _animate("-o", "a.mp4", "--speed", "2") == 0
    assert Path("a.png").read_bytes() == still, "its loop is gone, so nothing says that it may go"
    assert '"speed": 3' in read_text(Path("a-poster.png"))["recipe"] and Path("a-poster-2.png").exists()


@pytest.mark.parametrize("more", [(), ("--workspace", "ws")])
def test_a_still_as_the_picture_or_the_mask_stays(here: Path, more: tuple[str, ...]) -> None:
    shutil.copy("river.png", "loop.png")
    assert _animate("-o", "loop.mp4", *more) == 0
    assert Path("loop.png").read_bytes() == Path("river.png").read_bytes()
    poster = Path("loop-poster.png")
    still = poster.read_bytes()
    shutil.copy(poster, "x.png")
    for picture, mask in (("loop-poster.png", "mask.png"), ("river.png", "loop-poster.png")):
        assert _animate("-o", "loop.mp4", *more, picture=picture, mask=mask) == 0
        assert poster.read_bytes() == still


def test_the_api_has_the_same_door(here: Path) -> None:
    _thesis("docs")()
    _foreign("film.gif")()
    pond = _webp(here / "pond.webp")
    before = _snapshot(here)
    for output, more in (("docs", {"workspace": "ws"}), ("docs", {}), ("film.gif", {}), (pond, {}), (".", {})):
        with pytest.raises(UserError) as refused:
            animate(pond, output, mask="mask.png", **more, **SETTINGS)  # type: ignore[arg-type]
        assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="made from"):
        animate("river.png", "pond.webp", mask={"river": pond}, **SETTINGS)
    assert _snapshot(here) == before


def test_a_job_opened_from_a_workspace_has_it_too(here: Path) -> None:
    animate("river.png", mask="mask.png", workspace="ws", **SETTINGS)
    _thesis("docs")()
    workspace = Workspace.open(Path("ws"))
    for output in ("docs", ".", "ws", "river.png"):
        with pytest.raises(UserError):
            Pipeline(open_job(workspace, output=Path(output)), workspace).run()
    assert Path("docs/thesis.txt").exists() and Path("ws/recipe.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_written_through(here: Path) -> None:
    Path("store").mkdir()
    for target in ("store/there.mp4", "store/not there yet.mp4"):
        link = Path(f"{Path(target).stem}-link.mp4")
        if target == "store/there.mp4":
            assert _animate("-o", target) == 0
        link.symlink_to(target)
        assert _animate("-o", str(link), "--speed", "2") == 0
        assert link.is_symlink() and '"speed": 2' in read_text(Path(target))["recipe"]


@pytest.mark.parametrize("name", NAMES)
def test_a_bare_loop_is_known_as_ours(tmp_path: Path, name: str) -> None:
    for count in (4, 2):
        write(tmp_path / name, loop(16, 16, count))
        assert read_text(tmp_path / name) == {}


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_found_early(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("locked").mkdir(mode=0o500)
    _no_work(monkeypatch)
    assert _animate("-o", "locked/deep/a.mp4") == 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_places_are_compared_by_where_they_lead(here: Path) -> None:
    Path("link").symlink_to(here)
    Path("river-2.png").symlink_to("river.png")
    assert same_place(Path("link/river.png"), Path("river.png")) and same_place(Path("river-2.png"), Path("river.png"))
    assert lies_in(Path("river.png"), Path("link")) and not lies_in(Path("river.png"), Path("river.png"))
    assert not same_place(Path("nothing"), Path("else"))
    check_output(Path("new.mp4"), [Path("river.png")])


# ---- batches ------------------------------------------------------------------------------------------------------


def _batch(here: Path, *names: str) -> Path:
    folder = here / "in"
    folder.mkdir()
    with Image.open("river.png") as picture:
        for name in names:
            ending = name.rsplit(".", 1)[1].lower()
            kind = {"jpg": "JPEG", "jfif": "JPEG", "pgm": "PPM", "ppm": "PPM"}.get(ending, ending.upper())
            picture.save(folder / name, kind)
    return folder


@pytest.mark.thorough
def test_each_picture_of_a_batch_has_its_own_loop(here: Path) -> None:
    folder = _batch(here, "IMG_1.JPG", "img_1.png", "IMG_1.webp", "photo.jfif", "plain.ppm", "img_1-png.bmp")
    (folder / "._IMG_1.JPG").write_bytes(b"\0\5\x16\7AppleDouble")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "deeper.png").mkdir()
    arguments = ("--workspace", "ws", "-o", "out/", "--format", "gif")
    names = {"IMG_1-jpg", "img_1-png-2", "IMG_1-webp", "photo", "plain", "img_1-png"}
    for _ in range(2):
        assert _animate(*arguments, picture="in") == 0
        assert {path.stem for path in Path("out").glob("*.gif")} == names
        assert {path.name for path in Path("ws").iterdir()} == names
        assert {path.stem for path in Path("out").glob("*.png")} == names


@pytest.mark.parametrize("output", ["in", "in/", "./in/../in", "link"])
def test_the_folder_of_the_pictures_is_not_that_of_the_loops(here: Path, output: str) -> None:
    folder = _batch(here, "pond.webp")
    if output == "link":
        Path("link").symlink_to(folder)
    before = _snapshot(here)
    assert _animate("-o", output, "--format", "webp", picture="in") == 1
    assert _snapshot(here) == before


@pytest.mark.thorough
def test_one_may_be_in_the_folder_of_the_pictures(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_batch(here, "pond.webp", "v1.2 of the pond.png"))
    assert _animate(picture=".", mask="../mask.png") == 0
    assert {path.name for path in Path("in-loops").glob("*.mp4")} == {"pond.mp4", "v1.2 of the pond.mp4"}
    assert _animate("--format", "png", "-o", "../frames", picture=".", mask="../mask.png") == 0
    folders = {path.name for path in Path("../frames").iterdir() if path.is_dir()}
    assert folders == {"pond", "v1_2 of the pond"}


@pytest.mark.thorough
def test_a_loop_of_another_program_stops_only_its_own_picture(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _batch(here, "a.png", "b.png")
    Path("out").mkdir()
    Path("out/a.mp4").write_bytes(b"someone's film")
    assert _animate("-o", "out", picture="in") == 1
    assert "a.png" in capsys.readouterr().err
    assert Path("out/b.mp4").exists() and Path("out/a.mp4").read_bytes() == b"someone's film"


def test_frames_do_not_replace_the_folder_of_their_pictures(here: Path) -> None:
    folder = _batch(here, "in.png")
    assert _animate("-o", ".", "--format", "png", picture="in") == 1
    assert (folder / "in.png").exists()


@pytest.mark.parametrize("kind", ["mp4", "png"])
def test_a_picture_with_a_name_as_long_as_names_get(here: Path, kind: str) -> None:
    name = "川" * 83 + ".png"
    shutil.copy("river.png", name)
    for _ in range(2):
        assert _animate("--format", kind, picture=name) == 0
    assert len(list(here.glob("川*-loop*"))) >= 2


@pytest.mark.parametrize("name", ["late.gif", "late"])
def test_what_was_saved_there_while_the_loop_was_made_stays(tmp_path: Path, name: str) -> None:
    place = tmp_path / name

    def frames() -> Iterator[np.ndarray]:
        for _ in range(2):
            yield np.zeros((16, 16, 3), np.uint8)
        mine = place if place.suffix else place / "mine.txt"
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("mine")

    with pytest.raises(UserError, match=r"is there already|other things than frames"):
        write_video(place, frames, size=(16, 16), count=2, fps=10)
    assert (place if place.suffix else place / "mine.txt").read_text() == "mine"


def test_a_workspace_is_no_folder_of_pictures(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Workspace.create(here / "kept")
    (here / "kept" / "recipe.json").write_text("{}")
    assert main(["animate", str(here / "kept")]) == 1
    assert capsys.readouterr().err.endswith(f"run it with: t2c run {here / 'kept'}\n")


def test_a_folder_of_loops_may_end_like_a_loop(tmp_path: Path) -> None:
    assert _folder_for(tmp_path / "pictures", "loops.mp4/") == Path("loops.mp4")
    with pytest.raises(UserError, match="end it with /"):
        _folder_for(tmp_path / "pictures", "loops.mp4")
