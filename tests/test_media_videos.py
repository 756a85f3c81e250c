"""Loops in every format: what is written is what is read, and nothing is left when something fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.media.clip import Clip, Remembered
from t2c_ext.media.frames import read_video
from t2c_ext.media.metadata import read_text, write_poster
from t2c_ext.media.palette import Ditherer, blue_noise, choose_palette
from t2c_ext.media.planes import to_planes
from t2c_ext.media.videos import format_of, write_video
from t2c_ext.progress import Reporter
from t2c_ext.types import Picture

NAMES = ["a.mp4", "a.webm", "a.gif", "a.webp", "a.apng", "frames"]
LOSSLESS = ("a.apng", "frames")
CLEAR = ["a.webm", "a.gif", "a.webp", "a.apng", "frames"]
TEXT = {
    "parameters": "river, ünïcode 川\nSteps: 20, Size: 512x512",
    "recipe": '{"version": 1, "ä": "%s"}' % ("x" * 900),
}


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth colourful picture, uint8 [height, width, 3]."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    large = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(large.filter(ImageFilter.GaussianBlur(1)))


def loop(height: int = 48, width: int = 64, count: int = 8) -> list[np.ndarray]:
    """The left half stands still, the right one turns around once in the loop."""
    still, moving = texture(height, width), texture(height, width, 1)
    frames = []
    for number in range(count):
        frame = still.copy()
        part = slice(width // 2, None)
        frame[:, part] = np.roll(moving, number * height // count, axis=0)[:, part]
        frames.append(frame)
    return frames


def write(path: Path, frames: list[np.ndarray], **more: Any) -> Any:
    options: dict[str, Any] = {"size": frames[0].shape[:2], "count": len(frames), "fps": 25.0, **more}
    return write_video(path, lambda: iter(frames), **options)


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    error = np.mean((first.astype(np.float64) - second) ** 2)
    return 100.0 if error == 0 else 10 * np.log10(255**2 / error)


def luma(frame: np.ndarray) -> np.ndarray:
    """Brightness, which every format keeps at full resolution."""
    return frame @ np.array([0.299, 0.587, 0.114])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(48, 64), (47, 63), (9, 33)])
def test_round_trip(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    frames = loop(*size)
    written = write(tmp_path / name, frames)
    read = list(read_video(tmp_path / name))
    assert len(read) == len(frames)
    height, width = size
    if name == "a.mp4":
        assert read[0].shape == (height + height % 2, width + width % 2, 3)
        assert bool(written.notes) == bool(height % 2 or width % 2)
    else:
        assert read[0].shape == (*size, 3)
    for before, after in zip(frames, read, strict=True):
        if name in LOSSLESS:
            np.testing.assert_array_equal(after, before)
        else:
            assert psnr(luma(after[:height, :width]), luma(before)) > 30
    total = sum(file.stat().st_size for file in (tmp_path / name).iterdir()) if name == "frames" else None
    assert written.bytes == (total or (tmp_path / name).stat().st_size)
    assert [entry.name for entry in tmp_path.iterdir()] == [name], "nothing else is left in the folder"


@pytest.mark.parametrize("name", NAMES)
def test_one_frame(tmp_path: Path, name: str) -> None:
    frames = loop(count=1)
    write(tmp_path / name, frames)
    read = list(read_video(tmp_path / name))
    assert len(read) == 1 and psnr(read[0], frames[0]) > 26


@given(height=st.integers(1, 40), width=st.integers(1, 40), count=st.integers(1, 4), name=st.sampled_from(NAMES))
@settings(max_examples=40, deadline=None)
def test_any_size(tmp_path_factory: pytest.TempPathFactory, height: int, width: int, count: int, name: str) -> None:
    path = tmp_path_factory.mktemp("any") / name
    rng = np.random.default_rng(height * 41 + width)
    frames = list(rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8))
    write(path, frames)
    read = list(read_video(path))
    assert len(read) == count
    assert read[0].shape[0] - height in ((0, 1) if name == "a.mp4" else (0,))
    assert read[0].shape[1] - width in ((0, 1) if name == "a.mp4" else (0,))
    if name in LOSSLESS:
        np.testing.assert_array_equal(read, frames)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (255, 255, 255), (200, 30, 40), (20, 180, 60), (10, 50, 220), (128,) * 3]
)
def test_colours_survive(tmp_path: Path, name: str, colour: tuple[int, int, int]) -> None:
    frames = [np.full((32, 32, 3), colour, np.uint8)] * 2
    write(tmp_path / name, frames)
    for frame in read_video(tmp_path / name):
        assert np.abs(frame.astype(int) - colour).max() <= 4
    if name in ("a.mp4", "a.webm"):
        with av.open(str(tmp_path / name)) as container:
            plain = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert np.abs(plain.astype(int) - colour).max() <= 5, (
            "a decoder that is told nothing gets the colours right too"
        )


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_still_stays_the_same(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, loop(96, 128, 12))
    read = np.stack(list(read_video(tmp_path / name)))[:, :, :48]
    if name in ("a.mp4", "a.webm"):
        assert psnr(read[1:], np.broadcast_to(read[0], read[1:].shape)) > 55
        assert np.abs(read.astype(int) - read[0]).max() <= 12
    else:
        np.testing.assert_array_equal(read, np.broadcast_to(read[0], read.shape))


def test_mp4_seam_is_like_any_other_step(tmp_path: Path) -> None:
    """Thirty frames that turn around once: the step from the last to the first is as large as the others."""
    frames = loop(120, 160, 30)
    write(tmp_path / "a.mp4", frames)
    read = np.stack(list(read_video(tmp_path / "a.mp4"))).astype(np.float64)[:, :, 96:]
    steps = [np.abs(read[(number + 1) % 30] - read[number]).mean() for number in range(30)]
    assert steps[-1] / np.median(steps[:-1]) < 1.10


def test_mp4_is_ready_to_stream(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", loop(count=30))
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert sum(packet.is_keyframe for packet in container.demux(stream) if packet.size) == 1


@pytest.mark.parametrize("name", [name for name in NAMES if name != "frames"])
@pytest.mark.parametrize(("fps", "count"), [(30.0, 30), (23.976, 24), (12.5, 10), (50.0, 25)])
def test_durations(tmp_path: Path, name: str, fps: float, count: int) -> None:
    write(tmp_path / name, loop(16, 16, count), fps=fps)
    if name in ("a.mp4", "a.webm"):
        with av.open(str(tmp_path / name)) as container:
            rate = container.streams.video[0].average_rate
            assert rate is not None and float(rate) == pytest.approx(fps, rel=1e-3)
            stamps = [float(frame.time) for frame in container.decode(video=0)]
            assert stamps[-1] == pytest.approx((count - 1) / fps, abs=0.002)
        return
    with Image.open(tmp_path / name) as image:
        total = 0.0
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            total += image.info["duration"]
        assert image.n_frames == count
        assert total == pytest.approx(1000 * count / fps, abs=10 if name == "a.gif" else 1)
        assert image.info.get("loop") == 0, "it plays for ever"


@pytest.mark.parametrize("name", CLEAR)
def test_transparency(tmp_path: Path, name: str) -> None:
    frames = loop(32, 48, 4)
    alpha = np.ones((32, 48), np.float32)
    alpha[:12] = 0
    alpha[12:16, :] = 0.25
    write(tmp_path / name, frames, alpha=alpha)
    for number, opacity in enumerate(opacities(tmp_path / name)):
        expected = (alpha >= 0.5).astype(np.float32) if name == "a.gif" else alpha
        assert np.abs(opacity / 255 - expected).mean() < 0.02, number
        assert opacity[:10].max() <= 4 and opacity[20:].min() >= 250
    assert number == 3
    for before, after in zip(frames, read_video(tmp_path / name), strict=True):
        assert psnr(after[18:], before[18:]) > 26


def opacities(path: Path) -> Iterator[np.ndarray]:
    if path.suffix == ".webm":
        with av.open(str(path)) as container:
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            for packet in container.demux(video=0):
                for frame in decoder.decode(packet if packet.size else None):
                    plane = frame.planes[3]
                    yield np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    elif path.is_dir():
        for file in sorted(path.iterdir()):
            with Image.open(file) as image:
                yield np.asarray(image.convert("RGBA"))[..., 3]
    else:
        with Image.open(path) as image:
            for number in range(image.n_frames):
                image.seek(number)
                yield np.asarray(image.convert("RGBA"))[..., 3]


def test_mp4_puts_transparency_on_white_and_says_so(tmp_path: Path) -> None:
    alpha = np.zeros((32, 32), np.float32)
    alpha[16:] = 1
    written = write(tmp_path / "a.mp4", [np.zeros((32, 32, 3), np.uint8)] * 2, alpha=alpha)
    frame = next(iter(read_video(tmp_path / "a.mp4")))
    assert frame[:12].min() > 245 and frame[20:].max() < 10
    assert any("transparency" in note for note in written.notes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [{}, {"parameters": "Steps: 20"}, TEXT, {"recipe": "{}"}])
def test_texts_travel(tmp_path: Path, name: str, text: dict[str, str]) -> None:
    write(tmp_path / name, loop(16, 16, 2), text=text)
    assert read_text(tmp_path / name) == text


@pytest.mark.parametrize("name", NAMES)
def test_long_texts_travel(tmp_path: Path, name: str) -> None:
    text = {"parameters": "river, " * 1500, "recipe": "x" * 20_000}
    write(tmp_path / name, loop(16, 16, 2), text=text)
    assert read_text(tmp_path / name) == text


def test_chroma_is_averaged() -> None:
    """Red and blue columns side by side: each colour sample is the mean of the two, and luma keeps them apart."""
    frame = np.zeros((4, 4, 3), np.uint8)
    frame[:, 0::2] = (255, 0, 0)
    frame[:, 1::2] = (0, 0, 255)
    y, cb, cr = to_planes(frame)
    assert np.unique(y[:, 0::2]).tolist() == [81] and np.unique(y[:, 1::2]).tolist() == [41]
    assert np.abs(cb.astype(int) - 165).max() <= 1, "of red 90 and blue 240"
    assert np.abs(cr.astype(int) - 175).max() <= 1, "of red 240 and blue 110"


def test_poster(tmp_path: Path) -> None:
    still = Picture((texture(16, 24) / np.float32(255)).astype(np.float32))
    write(tmp_path / "a.mp4", loop(16, 24, 2))
    poster = write_poster(tmp_path / "a.mp4", still, TEXT)
    assert poster == tmp_path / "a.png" and read_text(poster) == TEXT
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    other = write_poster(tmp_path / "b.mp4", still, TEXT)
    assert other.name == "b-poster.png", "a picture of the user's is not overwritten"


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp"])
def test_size_limit(tmp_path: Path, name: str) -> None:
    frames = loop(96, 96, 8)
    free = write(tmp_path / name, frames, quality=90)
    limit = free.bytes * 0.7 / 1e6
    tight = write(tmp_path / name, frames, quality=90, max_megabytes=limit)
    assert limit * 1e6 * 0.4 < tight.bytes <= limit * 1e6
    assert any("quality" in note for note in tight.notes)
    generous = write(tmp_path / name, frames, quality=90, max_megabytes=free.bytes * 1.01 / 1e6)
    assert (generous.bytes, generous.notes) == (free.bytes, ())


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_that_cannot_be_kept_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as error:
        write(tmp_path / name, loop(), max_megabytes=0.0001)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_quality_matters(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.webm", "a.webp"):
        sizes = [write(tmp_path / name, loop(), quality=quality).bytes for quality in (1, 50, 100)]
        assert sizes == sorted(sizes) and sizes[0] < sizes[2]


@pytest.mark.parametrize("name", NAMES)
def test_same_input_same_file(tmp_path: Path, name: str) -> None:
    contents = []
    for folder in ("one", "two"):
        path = tmp_path / folder / name
        write(path, loop(), text=TEXT)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]


def failing(kind: type[Exception], after: int = 3) -> Callable[[], Iterator[np.ndarray]]:
    def frames() -> Iterator[np.ndarray]:
        yield from loop()[:after]
        raise kind("stop")

    return frames


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [RuntimeError, Cancelled, UserError])
@pytest.mark.parametrize("there", [False, True])
def test_failure_leaves_what_was_there(tmp_path: Path, name: str, kind: type[Exception], there: bool) -> None:
    path = tmp_path / name
    before = {}
    if there:
        write(path, loop(count=2))
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(kind):
        write_video(path, failing(kind), size=(48, 64), count=8, fps=25)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("name", NAMES)
def test_cancelling_leaves_nothing(tmp_path: Path, name: str) -> None:
    seen: list[tuple[str, int, int]] = []
    reporter = Reporter(lambda *step: seen.append(step), lambda: len(seen) > 3)
    with pytest.raises(Cancelled):
        write(tmp_path / name, loop(), reporter=reporter)
    assert list(tmp_path.iterdir()) == []
    seen.clear()
    write(tmp_path / name, loop(count=2), reporter=Reporter(lambda *step: seen.append(step)))
    assert seen == [("loop", 0, 2), ("loop", 1, 2), ("loop", 2, 2)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("given", "promised"), [(3, 4), (4, 3), (0, 2)])
def test_another_number_of_frames_is_refused(tmp_path: Path, name: str, given: int, promised: int) -> None:
    with pytest.raises(UserError, match="frames"):
        write_video(tmp_path / name, lambda: iter(loop()[:given]), size=(48, 64), count=promised, fps=25)
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="frame 0"):
        write(tmp_path / "a.mp4", loop(), size=(32, 32))
    assert list(tmp_path.iterdir()) == []


def test_endings() -> None:
    assert [format_of(Path(name)) for name in NAMES] == ["mp4", "webm", "gif", "webp", "apng", "png"]
    assert format_of(Path("A.MP4")) == "mp4"
    for name in ("a.avi", "a.png", "a.mp4x"):
        with pytest.raises(UserError) as error:
            format_of(Path(name))
        assert ".webm" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_unwritable_places(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "file" / name, loop(count=2))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write anywhere")
def test_folders_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "a.mp4", loop(count=2))


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    write(folder, loop(count=4))
    write(folder, loop(count=2))
    assert sorted(file.name for file in folder.iterdir()) == ["frame_0000.png", "frame_0001.png"]
    (folder / "diary.txt").write_text("mine")
    with pytest.raises(UserError, match="other things"):
        write(folder, loop(count=2))
    assert (folder / "diary.txt").read_text() == "mine"
    (tmp_path / "b.mp4").mkdir()
    with pytest.raises(UserError, match="folder"):
        write(tmp_path / "b.mp4", loop(count=2))


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "a.apng", "a.xyz"])
@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_unreadable_videos_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (lambda path: list(read_video(path)), read_text):
        with pytest.raises(UserError) as error:
            read(tmp_path / name)
        assert "\n" not in str(error.value) and name in str(error.value)
    with pytest.raises(UserError, match="cannot find"):
        list(read_video(tmp_path / "nowhere.mp4"))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError, match="no frames"):
        list(read_video(tmp_path / "nothing"))


def test_remembered_frames_are_made_once() -> None:
    made = []

    def frames() -> Iterator[np.ndarray]:
        for number in range(4):
            made.append(number)
            yield np.full((2, 2, 3), number, np.uint8)

    source = Remembered(frames)
    first = source()
    assert [int(next(first)[0, 0, 0]) for _ in range(2)] == [0, 1]
    assert [int(frame[0, 0, 0]) for frame in source()] == [0, 1, 2, 3]
    assert [int(frame[0, 0, 0]) for frame in first] == [2, 3]
    assert made == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.webp", "a.apng", "frames"])
def test_frames_are_a_stream(tmp_path: Path, name: str) -> None:
    """No frame is asked for before the one before it was taken, and each pass makes each frame once."""
    made = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal made
        for frame in loop():
            made += 1
            yield frame

    write_video(tmp_path / name, frames, size=(48, 64), count=8, fps=25)
    assert made == 8


@given(fps=st.floats(1, 120), count=st.integers(1, 500))
@settings(max_examples=50, deadline=None)
def test_rounded_durations_do_not_drift(fps: float, count: int) -> None:
    clip = Clip(lambda: iter(()), (8, 8), count, fps, 80)
    assert sum(clip.durations(1000)) == pytest.approx(1000 * count / fps, abs=0.51)
    assert min(clip.durations(1000)) >= 8


def test_palette_of_few_colours_is_exact() -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 40], [20, 180, 60]], np.uint8)
    frame = np.repeat(np.repeat(colours.reshape(2, 2, 3), 8, axis=0), 8, axis=1)
    palette = choose_palette(frame.reshape(-1, 3), 255)
    shown = palette[Ditherer(palette, (16, 16)).index(frame)]
    assert np.abs(shown.astype(int) - frame).max() <= 4


def test_dithering_keeps_the_mean_colour() -> None:
    palette = np.array([[0, 0, 0], [255, 255, 255], [128, 128, 128]], np.uint8)
    for level in (40, 64, 100, 200):
        shown = palette[Ditherer(palette, (64, 64)).index(np.full((64, 64, 3), level, np.uint8))]
        assert abs(float(shown.mean()) - level) < 30
        assert len(np.unique(shown)) == 2


def test_blue_noise_has_no_low_frequencies() -> None:
    noise = blue_noise()
    assert sorted(np.unique(noise)) == pytest.approx((np.arange(4096) + 0.5) / 4096)
    power = np.abs(np.fft.fft2(noise - noise.mean())) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    assert power[(radius > 0) & (radius < 0.1)].mean() < 0.1 * power[radius > 0.3].mean()
