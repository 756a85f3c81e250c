"""What the small network learns from beside the scenes as they are drawn: odd styles, and a few real pictures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from t2c_ext.region.segmenters.onnx_file import Graph, initialisers
from world import painted, pictures
from world.canvas import KINDS
from world.scenes import make_scene
from world.shards import MIXED, Shard, labels_of
from world.styles import along, recoloured, restyled, toned, warped

ROWS = json.loads(pictures.LIST.read_text(encoding="utf-8"))


def test_an_odd_style_keeps_what_is_where() -> None:
    scene = make_scene(3, 64, 64)
    labels = labels_of(scene.shares)
    for seed in range(24):
        random = np.random.default_rng(seed)
        rgb, owner = restyled(scene.rgb, labels, random)
        assert rgb.shape == (64, 64, 3) and rgb.min() >= 0 and rgb.max() <= 1 and np.isfinite(rgb).all()
        assert owner.shape == (64, 64) and set(np.unique(owner)) <= set(np.unique(labels))
        assert (owner == labels).mean() > 0.75, "outlines move a little"
        again, same = restyled(scene.rgb, labels, np.random.default_rng(seed))
        assert np.array_equal(again, rgb) and np.array_equal(same, owner)


def test_a_warp_moves_picture_and_labels_alike() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[32:] = 2
    rgb = np.repeat((labels / 2).astype(np.float32)[..., None], 3, axis=2)
    for seed in range(8):
        moved, owner = warped(rgb, labels, np.random.default_rng(seed))
        assert ((moved[..., 0] > 0.5) == (owner == 2)).mean() > 0.98


def test_colours_change_by_class_and_by_lightness() -> None:
    labels = np.zeros((32, 32), np.uint8)
    labels[:, 16:] = 5
    grey = np.full((32, 32, 3), 0.5, np.float32)
    apart = [recoloured(grey, labels, np.random.default_rng(seed)) for seed in range(12)]
    assert max(float(np.abs(one[:, 4] - one[:, 28]).max()) for one in apart) > 0.2
    assert all(np.ptp(toned(grey, np.random.default_rng(seed)), axis=(0, 1)).max() < 1e-6 for seed in range(4))


def test_strokes_run_along_their_angle() -> None:
    noise = np.random.default_rng(0).normal(size=(48, 48)).astype(np.float32)
    lying = along(noise, np.zeros((48, 48), np.float32), 6)
    inner = lying[8:-8, 8:-8]
    assert np.abs(np.diff(inner, axis=1)).mean() < 0.4 * np.abs(np.diff(inner, axis=0)).mean()
    flat = np.full((16, 16), 3, np.float32)
    np.testing.assert_allclose(along(flat, np.ones((16, 16), np.float32), 4), flat, rtol=1e-6)


def test_every_real_picture_may_be_learnt_from() -> None:
    assert len(ROWS) >= 10
    for row in ROWS:
        licence = row["licence"].partition(" (")[0]  # who dedicated it may follow
        assert licence in ("CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0", "MIT", "Apache-2.0", "public domain")
        assert row["author"] and row["version"]
        assert len(bytes.fromhex(row["sha256"])) == 32 and row["bytes"] > 5_000
        assert row["most"] in ("", *KINDS)
        for kind, *corners in row["parts"]:
            assert kind in ("", *KINDS) and len(corners) >= 6 and len(corners) % 2 == 0
            assert min(corners) >= 0 and max(corners) <= 100
        left, top, right, bottom = row.get("within", (0, 0, 100, 100))
        assert 0 <= left < right <= 100 and 0 <= top < bottom <= 100


def test_a_real_picture_is_found_by_its_digest_and_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canvas = np.zeros((60, 100, 3), np.uint8)
    canvas[:32] = (200, 120, 40)  # BGR: a blue sky, two rows farther down than it was drawn
    encoded = cv2.imencode(".webp", canvas, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    archive = tmp_path / "a-package" / "some" / "archive.rcc"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"head" + encoded[:8] + b"tail" + encoded + b"end")
    row = {
        "package": "a-package", "version": "1", "file": "some/archive.rcc", "author": "x", "licence": "CC0-1.0",
        "sha256": hashlib.sha256(encoded).hexdigest(), "bytes": len(encoded), "most": "ground",
        "parts": [["sky", 0, 0, 100, 0, 100, 51, 0, 51], ["", 40, 80, 60, 80, 60, 100, 40, 100]],
    }  # fmt: skip
    listed = tmp_path / "pictures.json"
    listed.write_text(json.dumps([row]), encoding="utf-8")
    monkeypatch.setattr(pictures, "LIST", listed)
    ((rgb, labels),) = pictures.labelled_pictures(tmp_path)
    assert rgb.shape == (230, 384, 3) and tuple(rgb[10, 10]) == (40, 120, 200)
    sky, ground = KINDS.index("sky"), KINDS.index("ground")
    assert (labels[:120] == sky).all() and (labels[126:180] == ground).all(), "it ends where the picture's sky does"
    assert labels[220, 192] == MIXED
    listed.write_text(json.dumps([row | {"within": [0, 0, 50, 75]}]), encoding="utf-8")
    ((part, owners),) = pictures.labelled_pictures(tmp_path)
    np.testing.assert_array_equal(part, rgb[:172, :192])
    np.testing.assert_array_equal(owners, labels[:172, :192])
    archive.write_bytes(b"another")
    with pytest.raises(ValueError, match="version 1"):
        pictures.labelled_pictures(tmp_path)


class Blurring:
    """Paints by a blur; the style is the mean colour, over and over."""

    def __init__(self, folder: Path) -> None:
        if folder.name != "a-package":
            raise AssertionError(folder)

    def style(self, rgb: np.ndarray) -> np.ndarray:
        return np.resize(rgb.mean(axis=(0, 1)) / 255, 100).astype(np.float32)

    def paint(self, rgb: np.ndarray, style: np.ndarray) -> np.ndarray:
        square = cv2.resize(rgb, (painted.SEEN, painted.SEEN), interpolation=cv2.INTER_NEAREST)
        return cv2.GaussianBlur(square, (0, 0), 2)


def test_painted_pictures_keep_their_labels_and_are_painted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painted, "COUNT", 12)
    monkeypatch.setattr(painted, "STEADY", 0.0)
    monkeypatch.setattr(painted, "Painter", Blurring)
    labels = np.zeros((60, 90), np.uint8)
    labels[30:] = 2
    real = [(np.repeat(labels[..., None] * 100, 3, axis=2), labels)]
    drawn = Shard(np.full((3, 32, 32, 3), 50, np.uint8), np.full((3, 32, 32), 8, np.uint8), [])
    found = painted.painted_pictures(tmp_path, tmp_path / "a-package", real, [0], [drawn])
    assert found.rgb.shape == (12, painted.KEPT, painted.KEPT, 3) and found.labels.shape == found.rgb.shape[:3]
    scenes = (found.labels == 8).all(axis=(1, 2))
    assert 0 < scenes.sum() < 12 and (found.rgb[scenes] == 50).all()
    bright, water = found.rgb[~scenes][..., 0] > 100, found.labels[~scenes] == 2
    assert (bright == water).mean() > 0.97, "a part is cut out of both alike"
    again = painted.painted_pictures(tmp_path, tmp_path / "no-package", real, [0], [drawn])
    assert np.array_equal(again.rgb, found.rgb)


def test_a_manner_goes_from_a_picture_s_own_to_a_painting_s(monkeypatch: pytest.MonkeyPatch) -> None:
    own, styles = np.zeros(100, np.float32), np.ones((1, 100), np.float32)
    for strength in (0.0, 0.5, 1.2):
        monkeypatch.setattr(painted, "STRENGTHS", (strength, strength))
        np.testing.assert_allclose(painted.manner(own, styles, np.random.default_rng(3)), strength, atol=1e-6)


def test_paintings_are_those_in_the_public_domain() -> None:
    found = pictures.paintings()
    assert len(found) > 30 and all(ROWS[index]["licence"] == "public domain" for index in found)
    assert not any(ROWS[index].get("photograph") for index in found)


def test_what_is_measured_on_is_not_learnt_from() -> None:
    measured = json.loads((Path(__file__).parent.parent / "benchmarks" / "pictures.json").read_text(encoding="utf-8"))
    assert not {row["sha256"] for row in ROWS} & {row["sha256"] for row in measured}


def test_constants_are_read_back_in_their_order() -> None:
    graph, random = Graph(), np.random.default_rng(0)
    weight, bias = random.normal(size=(4, 3, 3, 3)).astype(np.float32), random.normal(size=4).astype(np.float32)
    result = graph.convolve("x", weight, bias)
    content = graph.model(("x", (1, 3, 8, 8)), (result, (1, 4, 8, 8)))
    first, second = initialisers(content)
    np.testing.assert_array_equal(first, weight)
    np.testing.assert_array_equal(second, bias)


def test_a_network_goes_on_from_a_written_file() -> None:
    torch = pytest.importorskip("torch")
    from world.export_segmenter import onnx_of
    from world.network import MaskNetwork, fill

    torch.manual_seed(1)
    first, second = MaskNetwork().eval(), MaskNetwork()
    x = torch.rand(2, 3, 96, 96)
    fill(second, onnx_of(first, 96), x)
    with torch.no_grad():
        torch.testing.assert_close(second.eval()(x), first(x), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(second.train()(x), first(x), atol=1e-3, rtol=1e-3), "in training too, for these"
