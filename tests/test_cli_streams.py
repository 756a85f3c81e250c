"""What the command line says and to whom, with streams that are missing, full, closed or lack the letters."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import numpy as np
import pytest
from PIL import Image

from t2c_ext import console, jit
from t2c_ext.cli import main
from t2c_ext.media.clip import Clip
from t2c_ext.media.frames import read_video
from t2c_ext.media.metadata import read_text
from t2c_ext.types import ByteArray
from t2c_ext.weights import places

SIDE = 48
T2C = [sys.executable, "-m", "t2c_ext"]
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such names or devices")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to be in, with a picture and its mask."""
    rng = np.random.default_rng(5)
    Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(tmp_path / "river.png")
    Image.fromarray(np.repeat(np.uint8([0, 255]), SIDE * SIDE // 2).reshape(SIDE, SIDE)).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def _animate(*arguments: str, picture: str = "river.png", motion: str = "river flowing left") -> int:
    return main(["animate", picture, "--mask", "mask.png", "--motion", motion, "--frames", "3", *arguments])


def _started(*arguments: str, env: dict[str, str] | None = None, **more: object) -> subprocess.CompletedProcess[str]:
    merged = {**os.environ, **(env or {})}
    pipes: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run([*T2C, *arguments], env=merged, text=True, check=False, **pipes)  # type: ignore[call-overload, no-any-return]


# ---- notes ------------------------------------------------------------------------------------------------------


def test_notes_reach_whoever_reads_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert _animate("-o", "x.mp4", motion="river flowing leftt") == 0
    printed = capsys.readouterr()
    assert printed.out == "x.mp4\n" and "direction" in printed.err
    assert all(line.startswith("note: ") for line in printed.err.splitlines())


def test_notes_of_a_workspace_and_of_a_prompt_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert _animate("--workspace", "ws", "--format", "webp", "--fps", "120") == 0
    capsys.readouterr()
    for line in (["run", "ws"], ["run", "ws", "-o", "y.webp", "--fps", "110"]):
        assert main(line) == 0
        assert "frames per second" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "fps", "shown"), [("webp", 120, 11), ("webp", 95, 11), ("apng", 100, 11), ("gif", 60, 20)]
)
def test_no_frame_is_so_short_that_browsers_slow_it_down(
    capsys: pytest.CaptureFixture[str], kind: str, fps: int, shown: int
) -> None:
    assert _animate("--fps", str(fps), "-o", f"x.{kind}") == 0
    assert f"{fps} asked for" in capsys.readouterr().err
    with Image.open(f"x.{kind}") as moving:
        for number in range(3):
            moving.seek(number)
            moving.load()
            assert moving.info["duration"] == pytest.approx(shown)


def test_a_rate_that_browsers_keep_needs_no_note(capsys: pytest.CaptureFixture[str]) -> None:
    for kind, fps in (("webp", 90), ("apng", 90), ("gif", 50), ("mp4", 120), ("webm", 120)):
        assert _animate("--fps", str(fps), "-o", f"x.{kind}") == 0
    assert capsys.readouterr().err == ""


# ---- streams ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_console_without_the_letters_gets_them_escaped(
    here: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy("river.png", "日本.png")
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert _animate(picture="日本.png") == 0 and Path("日本-loop.mp4").exists()
    assert main(["animate", "川.png"]) == 1
    with pytest.raises(SystemExit):
        main(["animate", "川.png", "日"])
    assert out.buffer.getvalue().split() == [b"\\u65e5\\u672c-loop.mp4"]  # type: ignore[attr-defined]
    lines = err.buffer.getvalue().decode(encoding).splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2 and "\\u5ddd.png" in lines[0] and "\\u65e5" in lines[1]


@pytest.mark.parametrize("missing", [("stderr",), ("stdout",), ("stdin", "stdout", "stderr")])
def test_streams_may_be_missing(here: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]) -> None:
    for name in missing:
        monkeypatch.setattr(sys, name, None)
    assert _animate("-o", "x.mp4", motion="river flowing leftt") == 0 and Path("x.mp4").exists()
    assert main(["run", "nowhere"]) == 1
    assert main(["models", "list"]) == 0


@POSIX
def test_what_is_printed_goes_into_no_file_that_is_opened_later(here: Path) -> None:
    code = "from t2c_ext import console; console.prepare(); file = open('x', 'w'); print('said', flush=True)"
    done = subprocess.run(["sh", "-c", '"$@" >&- 2>&- <&-', "sh", sys.executable, "-c", code], check=False)
    assert done.returncode == 0 and Path("x").read_text() == ""


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("arguments", [("--version",), ("animate", "--help"), ("models", "list")])
def test_results_that_cannot_be_printed_are_an_error_of_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = _started(*arguments, stdout=full)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "No space left" in done.stderr
        if arguments == ("--version",):
            assert _started("run", "nowhere", stdout=full, stderr=full).returncode == 1


@POSIX
@pytest.mark.parametrize("arguments", [("--version",), ("models", "list")])
def test_a_closed_pipe_ends_it_quietly(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = _started(*arguments, stdout=writing)
    os.close(writing)
    assert done.returncode == 1 and done.stderr == ""


def test_messages_are_one_line_whatever_they_name() -> None:
    assert console.one_line("a\nb\x1b[31m\u2028\tc日本é") == "a\\nb\\x1b[31m\\u2028\\tc日本é"


@POSIX
@pytest.mark.parametrize(
    "name", ["a\nb.png", "\x1b[31mred.png", "a" * 4000, b"\xff\xfe.png".decode("utf-8", "surrogateescape")]
)
def test_names_in_refusals_do_not_break_the_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["animate", name], ["animate", "river.png", "--mask", name], ["run", name], ["evaluate", name]):
        assert main(line) == 1
        error = capsys.readouterr().err
        assert error.startswith("t2c: ") and error.count("\n") == 1 and "\x1b" not in error
    with pytest.raises(SystemExit) as end:
        main(["animate", "river.png", name])
    assert end.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_failures_of_the_system_are_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = {
        OSError(errno.EIO, "Input/output error", "disk"): "t2c: disk: Input/output error\n",
        MemoryError(): "t2c: there is not enough memory for this; make the picture smaller\n",
    }
    for failure, message in failures.items():

        def fails(*_: object, error: BaseException = failure, **__: object) -> None:
            raise error

        monkeypatch.setattr("t2c_ext.api.animate", fails)
        assert _animate() == 1 and capsys.readouterr().err == message


# ---- names ------------------------------------------------------------------------------------------------------

NAMES = [
    "2024-05-01T12:30:00",
    "http://x/y",
    "100%d %03d",
    "-dash",
    "new\nline",
    "日本 ünï",
    "a'b\"c",
    "#?&",
    "file:a",
    " ",
]


@POSIX
@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "webp", "apng", "png"])
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_written_to_and_read_from(here: Path, kind: str, name: str) -> None:
    output = Path("pipe:1 50%") / (name if kind == "png" else f"{name}.{kind}")
    assert _animate(f"--output={output}") == 0
    assert len(list(read_video(output))) == 3 and "recipe" in read_text(output)


@POSIX
def test_a_picture_of_any_name_is_animated(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*(f"{name}.png" for name in NAMES if "/" not in name), "no ending", ".png"):
        shutil.copy("river.png", f"./{name}")
        assert main(["animate", "--mask", "mask.png", "--motion", "left", "--frames", "2", "--", name]) == 0
        written = Path(capsys.readouterr().out.removesuffix("\n"))
        assert written.exists() and written.name == f"{Path(name).stem}-loop.mp4"


# ---- places that are not there -------------------------------------------------------------------------------


@POSIX
def test_a_user_without_a_home(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("HOME", raising=False)

    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert places.expanded("~/models") == Path("~/models") and not places.home_folder().exists()
    assert _animate("-o", "x.mp4") == 0
    assert main(["models", "list", "--t2c-models-path", "~/x"]) == 0 and main(["parse", "a river"]) == 0
    assert not Path("~").exists()


@pytest.mark.parametrize("reason", ["no place", "no home"])
def test_without_a_place_for_compiled_code_it_is_compiled_anew(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_ = numba.njit

    def no_place(**options: object) -> Callable[..., object]:
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")
        return compile_(**options)  # type: ignore[no-any-return]

    if reason == "no place":
        monkeypatch.setattr(numba, "njit", no_place)
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)
        monkeypatch.setitem(vars(numba.config), "CACHE_DIR", "")
    assert jit.njit(cache=True, nogil=True)(lambda x: x + 1)(2) == 3


# ---- signals ------------------------------------------------------------------------------------------------------


@POSIX
@pytest.mark.usefixtures("signals_heard")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("output", ["x.mp4", "frames", "ws"])
def test_a_run_that_is_asked_to_end_cleans_up(
    here: Path, name: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tracked = getattr(signal, name), Clip.tracked

    def asked(self: Clip) -> Iterator[ByteArray]:
        for place, frame in enumerate(tracked(self)):
            if place == 1:
                assert list(here.rglob(".*-t2c*")), "there is something to clean up"
                os.kill(os.getpid(), number)
            yield frame

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(Clip, "tracked", asked)
        arguments = ("--workspace", "ws") if output == "ws" else ("-o", output)
        assert _animate(*arguments) == (130 if name == "SIGINT" else 128 + number)
    assert capsys.readouterr().err == "t2c: stopped\n" and signal.getsignal(number) == before
    assert not list(here.rglob(".*")) and not Path("x.mp4").exists() and not Path("frames").exists()
    assert _animate(*arguments) == 0, "it can be done again"


@POSIX
def test_a_signal_that_is_ignored_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    tracked = Clip.tracked

    def asked(self: Clip) -> Iterator[ByteArray]:
        os.kill(os.getpid(), signal.SIGHUP)
        yield from tracked(self)

    monkeypatch.setattr(Clip, "tracked", asked)
    try:
        assert _animate("-o", "x.mp4") == 0
    finally:
        signal.signal(signal.SIGHUP, before)
