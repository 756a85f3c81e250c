"""img2img with the panel: the painting moves, and what is outside the mask stays what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from webui.requests import SIDE, ask, encoded, frames_of, largest_difference, lower_half, moves, panel, strokes, txt2img
from webui.server import Server


@pytest.fixture
def painting() -> Image.Image:
    return strokes()


def _request(painting: Image.Image, **more: object) -> dict[str, object]:
    return txt2img(init_images=[encoded(painting)], denoising_strength=0.5) | more


def test_a_painting_ends_in_a_loop_and_stays_outside_the_mask(server: Server, painting: Image.Image) -> None:
    plain = ask(server, _request(painting), "img2img")
    answer = ask(server, _request(painting, alwayson_scripts=panel(format="webp", quality=100)), "img2img")
    assert largest_difference(plain.pictures[0], answer.pictures[0]) <= 1
    assert moves(answer.loops[0])
    still = np.asarray(Image.open(answer.loops[0].with_suffix(".png")).convert("RGB"))
    assert np.array_equal(still, np.asarray(painting))


@pytest.mark.parametrize(("more", "twins"), [({}, 0), ({"show_twin": True}, 1), ({"mask": "", "region": "river"}, 1)])
def test_a_twin_follows_a_painting_where_it_is_looked_at(
    server: Server, painting: Image.Image, more: dict[str, object], twins: int
) -> None:
    answer = ask(server, _request(painting, alwayson_scripts=panel(**more)), "img2img")
    assert len(server.get("/probe/seen")["sessions"]) == twins
    assert any("natural-looking twin" in note for note in answer.notes) == bool(twins)


def test_the_still_part_of_the_frames_is_the_painting(server: Server, painting: Image.Image) -> None:
    answer = ask(server, _request(painting, alwayson_scripts=panel(format="png", matte="off", feather=0)), "img2img")
    (folder,) = answer.loops
    frames = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))]
    top = np.asarray(painting)[: SIDE // 2 - 8]
    assert len(frames) == 8 and all(np.array_equal(frame[: SIDE // 2 - 8], top) for frame in frames)
    assert not np.array_equal(frames[0][SIDE // 2 + 8 :], frames[4][SIDE // 2 + 8 :])


def test_the_result_moves_where_asked(server: Server, painting: Image.Image) -> None:
    answer = ask(server, _request(painting, alwayson_scripts=panel(moves="result")), "img2img")
    still = np.asarray(Image.open(answer.loops[0].with_suffix(".png")).convert("RGB"))
    assert np.array_equal(still, answer.pictures[0]) and not np.array_equal(still, np.asarray(painting))


def test_inpainting_s_mask_says_what_moves(server: Server, painting: Image.Image) -> None:
    mask = encoded(lower_half())
    request = _request(
        painting, mask=mask, inpainting_fill=1, mask_blur=0, alwayson_scripts=panel(mask="", format="webp")
    )
    plain = ask(server, {**request, "alwayson_scripts": {}}, "img2img")
    answer = ask(server, request, "img2img")
    assert largest_difference(plain.pictures[0], answer.pictures[0]) <= 1 and moves(answer.loops[0])


def test_the_sample_painting_stays_outside_its_river(server: Server, pictures: Path) -> None:
    folder = pictures / "artistic-6"
    painting, mask = Image.open(folder / "art.png").convert("RGB"), Image.open(folder / "mask.png").convert("L")
    values = panel(mask=encoded(mask), format="png", motion="river flowing left", matte="off", feather=0)
    answer = ask(server, _request(painting, alwayson_scripts=values), "img2img")
    (folder,) = answer.loops
    still = np.asarray(mask.resize(painting.size)) == 0
    frames = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))]
    assert len(frames) == 8 and all(np.array_equal(frame[still], np.asarray(painting)[still]) for frame in frames)


def test_two_paintings_are_two_loops(server: Server, painting: Image.Image) -> None:
    other = painting.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    request = _request(
        painting, init_images=[encoded(painting), encoded(other)], batch_size=2, alwayson_scripts=panel()
    )
    answer = ask(server, request, "img2img")
    assert len(answer.pictures) == 2 and len(answer.loops) == 2
    assert all(moves(loop) and len(frames_of(loop)) == 8 for loop in answer.loops)
