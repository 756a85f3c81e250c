"""The video network, its splatting, integration and what the paper does around it, against the fixtures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fill_rule import filled_state, state_shapes

from t2c_ext.loop.synthesis.areas import whole
from t2c_ext.loop.synthesis.euler import Particles, displacements, reversed_displacements
from t2c_ext.loop.synthesis.folded import encode, fold_decoder, fold_encoder
from t2c_ext.loop.synthesis.glue import signed, truncated_bytes
from t2c_ext.loop.synthesis.network import VideoNetwork
from t2c_ext.loop.synthesis.sequence import Clip, Engine, Frame, Scene
from t2c_ext.loop.synthesis.splatting import blend_sum, divide, splat_sum, splat_sum_by_index, weigh_
from t2c_ext.loop.synthesis.tile import TileDecoder
from t2c_ext.motion.paper import clamped_flow
from t2c_ext.progress import Reporter

pytestmark = pytest.mark.parity

OWN_MANIFESTS = Path(__file__).parent / "fixtures" / "manifests"
CPU = torch.device("cpu")
NETWORKS: dict[str, VideoNetwork] = {}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For pictures this small more threads only cost."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def network_for(salt: str) -> VideoNetwork:
    """The network with weights by the fill rule, made once for each salt."""
    if salt not in NETWORKS:
        network = VideoNetwork().requires_grad_(False)
        network.load_state_dict(filled_state(state_shapes(network), salt), strict=True)
        NETWORKS[salt] = network
    return NETWORKS[salt]


def clips(fixtures: Any) -> list[str]:
    """The entries that are clips through the whole network."""
    names = [name for name in fixtures.named("video_") if {"input", "index"} <= set(fixtures.index[name]["arrays"])]
    if not names:
        pytest.skip("this set has no clips of the video network")
    return names


def arrays_of(fixtures: Any, name: str) -> dict[str, np.ndarray]:
    if name not in fixtures.named(name):
        pytest.skip(f"this set has no {name}")
    return fixtures.arrays(name)


def difference(found: Any, wanted: np.ndarray) -> float:
    return float(np.abs(np.asarray(found) - wanted).max())


def last(values: np.ndarray) -> Any:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, 0, -1), np.float32))


def scene_of(data: dict[str, np.ndarray], wanted: np.ndarray | None = None) -> Scene:
    start, end, flow = (torch.from_numpy(data["input"][0, part]) for part in (slice(3), slice(3, 6), slice(6, None)))
    pixels = np.ones(flow.shape[1:], np.bool_) if wanted is None else wanted
    count = int(data["index"][0, 2] - data["index"][0, 0]) + 1
    return Scene(
        start,
        None if torch.equal(start, end) else end,
        flow.movedim(0, -1).contiguous(),
        torch.from_numpy(pixels),
        count,
    )


def frames_of(
    network: VideoNetwork, scene: Scene, rows: Any, largest: int, engine: Engine | None = None
) -> Iterator[tuple[int, Frame]]:
    numbers = [int(middle - start) for start, middle, _ in rows]
    clip = Clip(network, scene, engine or Engine(CPU, torch.float32, largest), Reporter())
    made = dict(zip(sorted(set(numbers)), clip.frames(set(numbers)), strict=True))
    return ((row, made[number]) for row, number in enumerate(numbers))


def test_state_dict_layout(fixtures: Any) -> None:
    folders = (fixtures.folder.parent / "manifests", fixtures.folder / "manifests", OWN_MANIFESTS)
    path = next(folder / "video.json" for folder in folders if (folder / "video.json").exists())
    entries = json.loads(path.read_text(encoding="utf-8"))["entries"]
    rows = [(row["key"], tuple(row["shape"])) for row in entries]
    assert list(state_shapes(VideoNetwork()).items()) == rows


def test_frames_one_by_one(fixtures: Any) -> None:
    for name in clips(fixtures):
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        network = network_for(fixtures.index[name]["salt"])
        for row, index in enumerate(data["index"]):
            start, middle, end = (int(part) for part in index)
            frame = network(torch.from_numpy(data["input"]), (start, middle, end))[0].numpy()
            assert difference(frame, data["output"][row]) <= tolerance
            if f"k{middle}/frame_uint8" in data:
                found, wanted = truncated_bytes(np.moveaxis(frame, 0, -1)), data[f"k{middle}/frame_uint8"]
                assert difference(found.astype(int), wanted.astype(int)) <= 1


def test_encoder(fixtures: Any) -> None:
    for name in clips(fixtures):
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        network = network_for(fixtures.index[name]["salt"])
        picture = torch.from_numpy(data["input"][:, :3])
        folded = fold_encoder(network.encoder, CPU, torch.float32)
        for found in (network.encoder(picture), encode(folded, picture)):
            if "Z" in data:
                assert difference(found[:, -1:], data["Z"]) <= tolerance
            for key in (key for key in data if key.startswith("features")):
                assert difference(found[:, : data[key].shape[1]], data[key]) <= tolerance


@pytest.mark.parametrize("parts", [1, 3])
def test_stream(fixtures: Any, parts: int) -> None:
    for name in clips(fixtures):
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        height, width = data["input"].shape[2:]
        network, scene = network_for(fixtures.index[name]["salt"]), scene_of(data)
        for row, frame in frames_of(network, scene, data["index"], height * width // parts):
            full, seen = whole(height, width), np.zeros((height, width), int)
            assert len(frame.parts) >= parts
            for area, part in frame.parts:
                inside = area.within(full)
                assert difference(part, data["output"][row][(slice(None), *inside)]) <= tolerance
                seen[inside] += 1
            assert (seen == 1).all()
            weights = data.get(f"k{data['index'][row, 1]}/splat_weight_sum")
            if weights is not None:
                # the stored sum has the floor of the division, where next to nothing is as little as nothing
                least = int((weights <= np.float32(1e-8)).sum())
                assert 0 <= least - frame.holes <= 0.005 * height * width


def test_only_a_part_of_the_picture(fixtures: Any) -> None:
    for name in clips(fixtures):
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        height, width = data["input"].shape[2:]
        wanted = np.zeros((height, width), np.bool_)
        wanted[height // 3 : height // 2, width // 4 : width // 2] = True
        network, scene = network_for(fixtures.index[name]["salt"]), scene_of(data, wanted)
        for row, frame in frames_of(network, scene, data["index"][:2], height * width):
            ((area, part),) = frame.parts
            inside = (slice(None), *area.within(whole(height, width)))
            assert (area.height, area.width) == (height // 2 - height // 3, width // 2 - width // 4)
            assert difference(part, data["output"][row][inside]) <= tolerance


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_stream_on_a_gpu(fixtures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    for name in clips(fixtures):
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        engine = Engine(torch.device("cuda"), torch.float32, 10**6)
        network, scene = network_for(fixtures.index[name]["salt"]), scene_of(data)
        for row, frame in frames_of(network, scene, data["index"], 0, engine):
            ((_, part),) = frame.parts
            assert difference(part, data["output"][row]) <= tolerance


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float16, 0.005), (torch.bfloat16, 0.05)])
def test_half_precision(fixtures: Any, dtype: torch.dtype, allowed: float) -> None:
    name = clips(fixtures)[0]
    data = fixtures.arrays(name)
    height, width = data["input"].shape[2:]
    wanted = np.zeros((height, width), np.bool_)
    wanted[height // 3 : height // 2, width // 4 : width // 2] = True
    engine = Engine(torch.device("cuda") if torch.cuda.is_available() else CPU, dtype, 10**6)
    network, scene = network_for(fixtures.index[name]["salt"]), scene_of(data, wanted)
    for row, frame in frames_of(network, scene, data["index"][-1:], 0, engine):
        ((area, part),) = frame.parts
        inside = (slice(None), *area.within(whole(height, width)))
        assert difference(part, data["output"][-1:][row][inside]) <= allowed


def test_blended_features(fixtures: Any) -> None:
    for name in clips(fixtures):
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        network, scene = network_for(fixtures.index[name]["salt"]), scene_of(data)
        ends = [scene.start] if scene.end is None else [scene.start, scene.end]
        weighed = [weigh_(network.encoder(part[None])[0].movedim(0, -1).contiguous()) for part in ends]
        for middle in (int(row[1]) for row in data["index"]):
            if f"k{middle}/flow_f" not in data:
                continue
            ahead, back = last(data[f"k{middle}/flow_f"][0]), last(data[f"k{middle}/flow_p"][0])
            share = float(data[f"k{middle}/alpha"].ravel()[0])
            total = blend_sum(weighed, (ahead, back), share)
            sums = total[..., -1].clamp_min(1e-8)
            assert difference(sums, data[f"k{middle}/splat_weight_sum"][0, 0]) <= tolerance
            for key in (key for key in data if key.startswith(f"k{middle}/blended_features")):
                wanted = data[key][0]
                assert difference(divide(total).movedim(-1, 0)[: len(wanted)], wanted) <= tolerance


def test_decoder(fixtures: Any) -> None:
    names = [name for name in fixtures.named("video_decoder") if "output_before_tanh" in fixtures.index[name]["arrays"]]
    if not names:
        pytest.skip("this set has no decoder alone")
    for name in names:
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        decoder, x = network_for(fixtures.index[name]["salt"]).projector, torch.from_numpy(data["input"])
        seen: dict[Any, Any] = {}
        hooks = [
            module.register_forward_hook(lambda made, _, out, seen=seen: seen.update({made: out}))
            for module in decoder.modules()
        ]
        assert difference(decoder(x), data["output_before_tanh"]) <= tolerance
        for hook in hooks:
            hook.remove()
        for key in (key for key in data if key.startswith("mid/")):
            path, what = key.removeprefix("mid/").rsplit("_mask", 1)[0].split("_features")[0], data[key]
            features, mask = seen[decoder.get_submodule(path)]
            if "_mask" in key:
                assert np.array_equal(mask[:, :1].numpy(), what)
            else:
                assert difference(features[:, : what.shape[1]], what) <= tolerance
        size = whole(*x.shape[2:])
        everything = np.ones(x.shape[2:], np.bool_)
        folded = TileDecoder(fold_decoder(decoder, CPU, torch.float32), size, everything, size)
        assert difference(folded.decode(x), data["output_before_tanh"]) <= tolerance


def test_sizes(fixtures: Any) -> None:
    if "video_sizes" not in fixtures.index:
        pytest.skip("this set has no list of sizes")
    decoder = network_for("").projector
    for case, result in fixtures.index["video_sizes"].items():
        if not result.startswith("ok"):
            continue
        height, width = (int(side) for side in case.rsplit(" ", 1)[1].split("x"))
        wanted = tuple(int(side) for side in result.rsplit(" ", 1)[1].split("x"))
        with torch.inference_mode():
            assert tuple(decoder(torch.ones(1, 64, height, width)).shape[2:]) == wanted


def test_euler(fixtures: Any) -> None:
    names = fixtures.named("euler_")
    if not names:
        pytest.skip("this set has no integration")
    for name in names:
        data = fixtures.arrays(name)
        batch = len(data["flow"]) > 1
        for row, steps in enumerate(data["steps"]):
            flow = last(data["flow"][row if batch else 0])
            for key, field in (("forward", flow), ("backward", -flow)):
                if key not in data:
                    continue
                particles = Particles(field)
                *_, found = displacements(particles, int(steps))
                assert np.array_equal(found.movedim(-1, 0).numpy(), data[key][row])
                assert np.array_equal(particles.visible.numpy(), data[f"{key}_visible"][row, 0].astype(bool))
                if steps:
                    again = next(reversed_displacements(Particles(field), int(steps)))
                    assert torch.equal(again, found)


@pytest.mark.parametrize("mode", ["summation", "average", "linear", "softmax"])
def test_softsplat(fixtures: Any, mode: str) -> None:
    data, tolerance = arrays_of(fixtures, "softsplat"), fixtures.tolerance("softsplat")
    for values, flow, metric, wanted in zip(
        data["input"], data["flow"], data["metric"], data["out_" + mode], strict=True
    ):
        weight = {"linear": np.abs(metric), "softmax": np.exp(metric)}.get(mode, np.ones_like(metric))
        for splat in (splat_sum, splat_sum_by_index):
            total = splat(last(np.concatenate([values * weight, weight])), last(flow)).movedim(-1, 0)
            divisor = 1 if mode == "summation" else total[-1].masked_fill(total[-1] == 0, 1)
            assert difference(total[:-1] / divisor, wanted) <= tolerance


def test_symmetric_blend(fixtures: Any) -> None:
    names = fixtures.named("symmetric_blend")
    if not names:
        pytest.skip("this set has no symmetric_blend")
    for name in names:
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        count, flow = fixtures.index[name]["n_frames"], last(data["motion"][0])
        both = [weigh_(last(np.concatenate([f, z]))) for f, z in zip(data["features"], data["Z"], strict=True)]
        wanted = {int(frame): row for row, frame in enumerate(data["k"])}
        pairs = zip(
            displacements(Particles(flow), count - 1), reversed_displacements(Particles(-flow), count), strict=True
        )
        for frame, (ahead, back) in enumerate(pairs):
            if frame not in wanted:
                continue
            row = wanted[frame]
            assert np.array_equal(ahead.movedim(-1, 0), data["flow_f"][row])
            assert np.array_equal(back.movedim(-1, 0), data["flow_p"][row])
            blended = divide(blend_sum(both, (ahead, back), 1 - frame / count))
            assert difference(blended.movedim(-1, 0), data["blended"][row]) <= tolerance


def test_around_the_network(fixtures: Any) -> None:
    rows = [
        (name, case)
        for name in fixtures.named("stage_glue")
        for case in fixtures.index[name]["cases"]
        if case["stage"].startswith("s6")
    ]
    if not rows:
        pytest.skip("this set has nothing of the last stage")
    for file, case in rows:
        data = fixtures.arrays(file)
        name, side = case["stage"], case["fineSize"]
        if f"{name}/motion_full" in data:
            motion = data[f"{name}/motion_full"]
        else:
            samples = data[f"{name}/motion_nearest_source_every_8th"]
            motion = samples.repeat(8, axis=2).repeat(8, axis=3)
        given = data[f"{name}/network_input"][0]
        assert np.array_equal(clamped_flow(torch.from_numpy(motion), case["speed"], side, side)[0], given[-2:])
        if len(given) == 8:
            picture = np.moveaxis(signed(data[f"{name}/image_uint8"].astype(np.float32) / 255), -1, 0)
            assert np.array_equal(picture, given[:3])
            assert np.array_equal(picture, given[3:6])
        assert [list(row) for row in data[f"{name}/index"]] == [
            [0, frame, case["n_frames"] - 1] for frame in range(case["n_frames"])
        ]
        first = data[f"{name}/network_output_frame0"][0]
        for frame, wanted in enumerate(data[f"{name}/frames_uint8"]):
            output = first * np.float32(1 - 0.2 * frame)
            assert np.array_equal(truncated_bytes(np.moveaxis(output, 0, -1)), wanted)
