"""What the page's script asks, and what it is answered."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from t2c_ext.motion.hints import to_document
from t2c_ext.motion.painted import decode_painted
from t2c_ext.region.find import find_regions
from t2c_ext.region.overlay import fitted
from t2c_ext.settings import RegionSettings
from t2c_ext.types import Arrow, Hints, Painted, RegionHint, angle_of
from t2c_ext.ui import page
from t2c_ext.ui.channel import Channel
from t2c_ext.ui.handlers import Handlers
from t2c_ext.ui.live import sent
from t2c_ext.ui.samples import sample
from t2c_ext.ui.studio import Studio

WIDTH, HEIGHT = 240, 160


@pytest.fixture
def handlers(tmp_path: Path) -> Handlers:
    return Handlers(Studio(tmp_path), page.addresses("file="))


@pytest.fixture
def id(handlers: Handlers) -> str:
    levels = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return handlers.studio.register("", Image.fromarray(levels))


def ask(handlers: Handlers, id: str, what: str, **payload: Any) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(handlers.answer(id, json.dumps({"n": 7, "what": what, **payload}), {}))
    assert reply["n"] == 7
    return reply


def painted(angle: float | None = None, arrows: tuple[Arrow, ...] = ()) -> dict[str, Any]:
    levels = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
    levels[HEIGHT // 4 :] = 255
    return to_document(Hints(arrows=arrows, regions=(RegionHint("river", angle, mask=Painted(levels)),)))


def field_of(reply: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    size = reply["height"], reply["width"]
    counts = np.frombuffer(base64.b64decode(reply["flow"]), "<i2").reshape(*size, 2)
    return counts * reply["unit"], np.frombuffer(base64.b64decode(reply["mask"]), np.uint8).reshape(size)


@pytest.mark.parametrize("angle", [0.0, 30.0, 200.0])
def test_the_solved_field_follows_the_drawing(handlers: Handlers, id: str, angle: float) -> None:
    reply = ask(handlers, id, "solve", hints=painted(angle), motion="", prompt="")
    field, mask = field_of(reply)
    assert reply["ok"] and (reply["width"], reply["height"]) == (192, 128) and reply["picture"] == [WIDTH, HEIGHT]
    assert mask[-40:].min() == 255 and mask[:50].max() == 0 and not field[:50].any()
    middle = field[-40:-8, 40:-40].reshape(-1, 2).mean(0)
    assert abs((angle_of(*middle) - angle + 180) % 360 - 180) < 12


def test_speed_and_words_of_the_request_win_over_the_page_s(handlers: Handlers, id: str) -> None:
    slow = field_of(ask(handlers, id, "solve", hints=painted(), motion="river flowing left", speed=1.0))[0]
    fast = field_of(ask(handlers, id, "solve", hints=painted(), motion="river flowing left", speed=2.0))[0]
    assert slow[-20, 96, 0] < 0 and fast[-20, 96, 0] == pytest.approx(2 * slow[-20, 96, 0], rel=0.02)
    page_s = {"motion": "river flowing right", "speed": 3.0, "format": "png"}
    request = json.dumps({"n": 1, "what": "solve", "hints": painted(), "motion": "river flowing left"})
    both = field_of(json.loads(handlers.answer(id, request, page_s)))[0]
    assert both[-20, 96, 0] == pytest.approx(3 * slow[-20, 96, 0], rel=0.02)


def test_the_field_is_that_of_the_run(handlers: Handlers, id: str) -> None:
    arrows = (Arrow((0.3, 0.8), (0.6, 0.75)),)
    document = painted(None, arrows)
    reply = ask(handlers, id, "solve", hints=document)
    list(handlers.animate(id, {"hints": json.dumps(document), "frames": 3}))
    with np.load(handlers.studio.folder / id / "flow.npz") as saved:
        run = saved["flow"]
    field, _ = field_of(reply)
    ours = field[100, 96]
    theirs = run[int(100.5 * HEIGHT / 128), WIDTH // 2]
    assert ours == pytest.approx(theirs, rel=0.1, abs=0.03)


def test_a_field_is_sent_in_the_picture_s_pixels() -> None:
    flow = np.zeros((100, 200, 2), np.float32)
    flow[50:, :, 0], flow[50:, :, 1] = 2.0, -1.0
    moving = (flow[..., 0] > 0).astype(np.float32)
    field, mask = field_of(sent(flow, moving, (400, 800), 50))
    assert field.shape == (25, 50, 2) and mask[:12].max() == 0 and mask[-12:].min() == 255
    assert field[13:] == pytest.approx(np.broadcast_to([8.0, -4.0], field[13:].shape), rel=1e-3)
    assert field[12, 25] == pytest.approx([8.0, -4.0], rel=1e-3), "the mean over what moves"
    still, _ = field_of(sent(flow * 0, moving, (400, 800)))
    assert not still.any()


def test_what_a_run_will_look_for_is_no_mistake_while_one_draws(handlers: Handlers, id: str) -> None:
    document = painted(180.0)
    document["regions"].append({"name": "clouds", "angle": 0.0, "speed": 1.0})
    alone = ask(handlers, id, "solve", hints=painted(180.0), motion="")
    document["arrows"] = [{"from": [0.4, 0.7], "to": [0.5, 0.7], "region": "clouds"}]
    beside = ask(handlers, id, "solve", hints=document, motion="")
    assert beside["notes"] == alone["notes"] and beside["flow"] == alone["flow"]
    document["arrows"] = [{"from": [0.4, 0.1], "to": [0.5, 0.1]}]
    assert "lies outside" in " ".join(ask(handlers, id, "solve", hints=document, motion="")["notes"])


def test_where_nothing_is_painted_it_says_so_until_the_region_stage_has_run(handlers: Handlers, id: str) -> None:
    reply = ask(handlers, id, "solve", hints={"version": 2, "arrows": []}, motion="river flowing left")
    assert not reply["ok"] and reply["kind"] == "no-region" and "paint" in reply["error"]
    list(handlers.animate(id, {"hints": json.dumps(painted()), "motion": "river flowing left", "frames": 3}))
    field, mask = field_of(ask(handlers, id, "solve", hints=None, motion="river flowing right"))
    assert mask[-40:].min() == 255 and field[-20, 96, 0] > 0


def test_words_and_regions_are_one_thing(handlers: Handlers) -> None:
    regions = [{"name": "river", "angle": 181, "kind": "translate", "speed": 0.5}, {"name": "clouds", "angle": None}]
    said = ask(handlers, "", "describe", regions=regions, motion="starry night")
    assert said["motion"] == "starry night, river flowing slowly at 181 degrees, clouds"
    read = ask(handlers, "", "parse", motion=said["motion"], prompt="")
    assert read["regions"] == ["river", "clouds"]
    assert read["motions"] == [{"region": "river", "angle": 181.0, "kind": "translate", "speed": 0.5}]


@pytest.mark.parametrize(
    ("names", "bound"),
    [
        (["water"], {"water": 0}),
        (["stuff"], {"stuff": 0}),
        (["fire"], {}),
        (["water", "stuff"], {"water": 0}),
        (["sky"], {"sky": 1}),
    ],
)
def test_which_painted_regions_take_which_motion(
    handlers: Handlers, id: str, names: list[str], bound: dict[str, int]
) -> None:
    read = ask(handlers, id, "parse", motion="river flowing left, clouds drifting right", regions=names)
    assert read["bound"] == bound


def test_regions_to_click_on(handlers: Handlers, tmp_path: Path) -> None:
    with Image.open(sample(tmp_path / "example").picture) as opened:
        id = handlers.studio.register("", opened)
    reply = ask(handlers, id, "segment")
    assert (reply["width"], reply["height"]) == (512, 341)
    masks = [decode_painted(row["mask"], "x").levels for row in reply["regions"]]
    assert len(masks) >= 2 and {mask.shape for mask in masks} == {(341, 512)}
    assert len({row["name"] for row in reply["regions"]}) == len(masks)
    assert ask(handlers, id, "segment") == reply
    still = handlers.studio.sessions[id].still
    assert still is not None
    found = find_regions(fitted(still.read().rgb, 512), ["clouds"], RegionSettings()).regions[0].mask
    sky = next(mask for mask, row in zip(masks, reply["regions"], strict=True) if row["name"] == "sky")
    assert np.abs(sky - 255 * found).max() < 1, "its edge follows the picture, as that of a region that a run finds"


def test_a_small_loop_of_the_drawing(handlers: Handlers, id: str) -> None:
    reply = ask(handlers, id, "preview", hints=painted(0.0))
    assert (reply["fps"], reply["frames"], reply["width"], reply["height"]) == (15, 30, 240, 160)
    with Image.open(handlers.studio.folder / id / "view" / "preview.webp") as loop:
        assert loop.n_frames == 30 and loop.size == (WIDTH, HEIGHT)
        first = np.asarray(loop.convert("RGB"), np.int32)
        loop.seek(7)
        later = np.asarray(loop.convert("RGB"), np.int32)
    change = np.abs(first - later).mean(axis=(1, 2))
    assert change[-60:].mean() > 10 * change[:60].mean() and reply["url"].startswith("file=")


def test_a_finished_loop_in_another_format_and_size(handlers: Handlers, id: str) -> None:
    assert "no finished loop" in ask(handlers, id, "export", format="gif")["error"]
    list(handlers.animate(id, {"hints": json.dumps(painted(0.0)), "frames": 5}))
    folder = handlers.studio.folder / id
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    reply = ask(handlers, id, "export", format="gif", side=120, quality=60, max_megabytes=0)
    written = folder / "view" / reply["name"]
    assert reply["name"] == "cinemagraph-120x80.gif" and reply["bytes"] == written.stat().st_size
    with Image.open(written) as gif:
        assert gif.size == (120, 80) and gif.n_frames == 5
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert ask(handlers, id, "export", format="webp", side=0)["name"] == "cinemagraph-240x160.webp"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ("{", "not JSON"),
        ("[]", "no object"),
        ('{"what": "fly"}', "no request called 'fly'"),
        ('{"what": "describe", "regions": [{"angle": 3}]}', "Regions[0] is not"),
        ('{"what": "describe", "regions": [{"name": "river", "angle": NaN}]}', "not JSON"),
        ('{"what": "parse", "motion": 3}', "must be text"),
        ('{"what": "solve", "hints": {"version": 2, "arow": []}}', "hints.'arow': unknown"),
        ('{"what": "solve", "speed": 99}', "speed is 99"),
        ('{"what": "export", "format": "exe"}', "format is 'exe'"),
        ('{"what": "export", "side": 3}', "side is 3"),
        ('{"what": "export", "quality": "high"}', "quality is 'high'"),
        ('{"what": "export", "max_megabytes": true}', "Size limit is True"),
    ],
)
def test_every_failure_is_a_sentence(handlers: Handlers, id: str, request_: str, error: str) -> None:
    reply = json.loads(handlers.answer(id, request_, {}))
    assert reply["ok"] is False and error.lower() in reply["error"].lower() and "\n" not in reply["error"]


def test_without_a_picture_or_after_the_session_it_says_which(handlers: Handlers) -> None:
    assert ask(handlers, "", "solve")["kind"] == "no-picture"
    assert ask(handlers, "0" * 32, "solve")["kind"] == "stale"
    assert ask(handlers, "../..", "export")["kind"] == "stale"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # of the machine, where others use it too
@given(
    st.sampled_from(["solve", "parse", "describe", "export"]),
    st.dictionaries(st.sampled_from(["n", "hints", "motion", "prompt", "regions", "speed", "side"]), json_values),
)
def test_anything_is_answered(what: str, payload: dict[str, Any]) -> None:
    channel = Channel(Studio(Path("nowhere")), page.addresses("file="))
    reply = json.loads(channel.answer("", json.dumps({**payload, "what": what}), {}))
    assert reply["ok"] in (True, False) and ("not foreseen" not in reply.get("error", ""))
