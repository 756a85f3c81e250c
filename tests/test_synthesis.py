"""The video network's loop: what is decoded, what stays, and what is refused. Networks here have few channels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from fill_rule import filled_state, state_shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.loop.synthesis import decoder as decoder_module
from t2c_ext.loop.synthesis.areas import Area, DecoderPlan, bounds, cover, make_plan, whole
from t2c_ext.loop.synthesis.decoder import Decoder
from t2c_ext.loop.synthesis.euler import Particles, displacements, reversed_displacements
from t2c_ext.loop.synthesis.folded import fold_decoder
from t2c_ext.loop.synthesis.glue import truncated_bytes
from t2c_ext.loop.synthesis.layers import PartialConv2d, known_share
from t2c_ext.loop.synthesis.network import VideoNetwork, load_video_network
from t2c_ext.loop.synthesis.render import make_scene, synthesize_loop
from t2c_ext.loop.synthesis.sequence import Clip, Engine, Scene
from t2c_ext.loop.synthesis.splatting import splat_sum, splat_sum_by_index
from t2c_ext.loop.synthesis.tile import TileDecoder
from t2c_ext.progress import Reporter
from t2c_ext.settings import LoopSettings

CPU = torch.device("cpu")
ENCODER = (3, 4, 4, 4, 6, 6, 6, 6, 7)
DECODER = (6, 6, 8, 10, 10, 8, 8, 8, 3)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """For pictures this small more threads only cost."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small_network(encoder: tuple[int, ...] = ENCODER, decoder: tuple[int, ...] = DECODER) -> VideoNetwork:
    network = VideoNetwork(encoder, decoder).requires_grad_(False)
    network.load_state_dict(filled_state(state_shapes(network), "small/"), strict=True)
    return network


NETWORK = small_network()


def river(height: int, width: int, speed: float = 1.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture of noise, the mask of an oblong in it with soft sides, and a curving flow inside."""
    random = np.random.default_rng(height * 1000 + width)
    picture = random.random((height, width, 3), np.float32)
    mask = np.zeros((height, width), np.float32)
    mask[height // 3 : height // 3 * 2, width // 5 : width // 2] = 0.5
    mask[height // 3 + 1 : height // 3 * 2 - 1, width // 5 + 1 : width // 2 - 1] = 1
    turn = np.arange(width, dtype=np.float32) / width * 3
    flow = np.broadcast_to(np.stack([np.cos(turn), np.sin(turn)], -1), (height, width, 2)) * np.float32(speed)
    return picture, mask, np.ascontiguousarray(flow * (mask > 0)[..., None], np.float32)


# ---- layers


def test_partial_convolution_by_hand() -> None:
    layer = PartialConv2d(1, 1)
    with torch.no_grad():
        layer.weight_orig.fill_(1.0)
        layer.weight_u.fill_(1.0)
        layer.weight_v.copy_(torch.full((9,), 1.0))  # sigma is 9, every weight 1/9
        layer.bias.fill_(10.0)
    x, mask = torch.arange(16.0).reshape(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    mask[0, 0, 0, 0] = mask[0, 0, 0, 1] = 1
    y, new = layer(x, mask)
    # the mean of what is known, plus the bias; nothing where nothing is known
    assert torch.allclose(y[0, 0, :2, :3], torch.tensor([[10.5, 10.5, 11.0], [10.5, 10.5, 11.0]]))
    assert y[0, 0, 2:].abs().sum() == 0
    assert new[0, 0].tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("channels", [1, 3, 64, 128])
def test_counting_on_one_channel_gives_the_same_bits(channels: int) -> None:
    one = (torch.rand(1, 1, 9, 11, generator=torch.Generator().manual_seed(channels)) > 0.6).float()
    ratio, new = known_share(one)
    many, ones = one.expand(1, channels, 9, 11), torch.ones(1, channels, 3, 3)
    count = torch.nn.functional.conv2d(many, ones, padding=1)
    known = count.clamp(0, 1)
    assert torch.equal(ratio, channels * 9 / (count + 1e-8) * known)
    assert torch.equal(new, known)
    assert all(torch.equal(part, whole) for part, whole in zip(known_share(many), (ratio, new), strict=True))


def test_a_hole_in_one_channel_counts_as_that_channel_only() -> None:
    mask = torch.ones(1, 4, 3, 3)
    mask[0, 2, 1, 1] = 0
    ratio, new = known_share(mask)
    assert float(ratio[0, 0, 1, 1]) == pytest.approx(36 / 35)
    assert bool(new.all())


# ---- splatting and integration


def test_both_ways_to_splat_agree() -> None:
    random = torch.Generator().manual_seed(2)
    values, flow = torch.randn(9, 13, 5, generator=random), torch.randn(9, 13, 2, generator=random) * 4
    flow[0, 0], flow[1, 1], flow[2, 2] = torch.tensor([3.0, 2.0]), torch.tensor([1e9, 0.0]), torch.zeros(2)
    assert torch.allclose(splat_sum(values, flow), splat_sum_by_index(values, flow), atol=1e-5)
    assert torch.equal(splat_sum(values, flow), splat_sum(values, flow))


def test_splat_moves_a_pixel_between_four() -> None:
    values, flow = torch.zeros(3, 4, 1), torch.zeros(3, 4, 2)
    values[0, 1], flow[0, 1] = 8.0, torch.tensor([1.25, 0.5])
    for found in (splat_sum(values, flow), splat_sum_by_index(values, flow)):
        assert found[..., 0].tolist() == [[0, 0, 3, 1], [0, 0, 3, 1], [0, 0, 0, 0]]


@given(steps=st.integers(1, 30), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_reversed_displacements_are_those_forward(steps: int, seed: int) -> None:
    flow = torch.randn(7, 8, 2, generator=torch.Generator().manual_seed(seed))
    forward = list(displacements(Particles(flow), steps))
    backward = list(reversed_displacements(Particles(flow), steps))
    assert len(backward) == steps
    assert all(torch.equal(a, b) for a, b in zip(forward[:0:-1], backward, strict=True))


def test_a_part_of_the_field_moves_as_in_the_whole() -> None:
    flow = torch.zeros(12, 14, 2)
    flow[3:8, 5:9] = torch.tensor([0.7, -0.6])
    part = Area(1, 3, 10, 12)
    found = Particles(flow[part.within(whole(12, 14))], (part.top, part.left), (12, 14))
    wanted = Particles(flow)
    for _ in range(6):
        found.step()
        wanted.step()
    assert torch.equal(found.displacement(), wanted.displacement()[part.within(whole(12, 14))])


# ---- areas


@given(
    boxes=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 50), st.integers(1, 20), st.integers(1, 20)), max_size=4
    ),
    largest=st.integers(50, 4000),
)
@settings(max_examples=60)
def test_cover_holds_the_mask_once(boxes: list[tuple[int, int, int, int]], largest: int) -> None:
    mask = np.zeros((48, 60), np.bool_)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = True
    seen = np.zeros(mask.shape, int)
    for area in cover(mask, largest):
        assert 0 < area.height * area.width <= largest
        seen[area.within(whole(48, 60))] += 1
    assert seen.max(initial=0) <= 1
    assert (seen[mask] == 1).all()


def test_two_far_regions_are_two_areas() -> None:
    mask = np.zeros((100, 300), np.bool_)
    mask[10:30, 5:40] = mask[60:90, 250:290] = True
    assert set(cover(mask, 10**6)) == {Area(10, 5, 30, 40), Area(60, 250, 90, 290)}


def test_bounds_of_nothing_is_empty() -> None:
    assert bounds(np.zeros((4, 5), np.bool_)).empty


def test_a_plan_reads_no_more_than_the_receptive_field() -> None:
    size, needed = whole(400, 400), Area(160, 160, 240, 240)
    far = make_plan(needed, size, size).blocks[0].inputs.fresh
    assert far.intersect(needed.grow(44)) == far
    near = make_plan(needed, needed, size)
    assert near.blocks[0].inputs.fresh == needed
    # what the frame needs and what moves meet half way
    assert max(step.inner.fresh.height * 400 // step.inner.size.height for step in near.blocks) <= 80 + 2 * 28


def multiplications(plan: DecoderPlan) -> int:
    """Of the 3 x 3 convolutions of the paper's decoder, for one frame."""
    pairs = zip(plan.blocks, pairwise(decoder_module.WIDTHS), strict=True)
    return 9 * sum(
        outputs * (inputs * step.inner.fresh.pixels + outputs * step.summed.fresh.pixels)
        for step, (inputs, outputs) in pairs
    )


def test_a_third_of_the_picture_costs_less_than_half() -> None:
    size, third = whole(256, 256), Area(54, 54, 202, 202)
    full = multiplications(make_plan(size, size, size))
    assert full == 9 * 256 * 256 * 109_961
    # more than the third itself, for what is around it, and less than what a receptive field around it would cost
    assert 0.36 < multiplications(make_plan(third, third.grow(2), size)) / full < 0.44
    assert multiplications(make_plan(third, size, size)) / full > 0.55


# ---- decoding a part


@given(data=st.data())
@settings(max_examples=30)
def test_a_part_is_exactly_that_part_of_the_whole(data: st.DataObject) -> None:
    height, width = (4 * data.draw(st.integers(1, 24)) for _ in range(2))
    decoder = NETWORK.projector
    random = torch.Generator().manual_seed(data.draw(st.integers(0, 9)))

    def box() -> Area:
        top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        return Area(top, left, data.draw(st.integers(top + 1, height)), data.draw(st.integers(left + 1, width)))

    def picture() -> torch.Tensor:
        x = torch.randn(1, DECODER[0], height, width, generator=random)
        for _ in range(data.draw(st.integers(0, 3))):
            hole = box().within(size)
            x[(0, slice(None), *hole)] = 0
        if data.draw(st.booleans()):
            x[(0, 1, *box().within(size))] = 0  # in one channel only
        return x

    size, area, moving = whole(height, width), box(), box()
    frames = [picture() for _ in range(3)]
    changing = np.zeros((height, width), np.bool_)
    changing[moving.within(size)] = True
    for frame in frames[1:]:
        frame[..., ~torch.from_numpy(changing)] = frames[0][..., ~torch.from_numpy(changing)]
    tile = TileDecoder(fold_decoder(decoder, CPU, torch.float32), area, changing, size)
    with torch.inference_mode():
        found = [tile.prepare(frames[0][(..., *tile.reads_once.within(size))]).clone()]
        if tile.constant:
            assert torch.allclose(decoder(frames[1])[(..., *area.within(size))], found[0], atol=1e-5)
            return
        found += [tile.decode(frame[(..., *tile.reads.within(size))]).clone() for frame in (*frames[1:], frames[0])]
        for frame, part in zip((*frames, frames[0]), found, strict=True):
            wanted = decoder(frame)[(..., *area.within(size))]
            assert part.shape == wanted.shape
            assert torch.allclose(part, wanted, atol=1e-5)


def test_a_part_where_nothing_moves_is_decoded_once() -> None:
    height, width = 24, 160
    picture, flow = np.random.default_rng(1).random((height, width, 3), np.float32), np.zeros((height, width, 2))
    flow[4:14, 6:20] = 1.0
    wanted = np.zeros((height, width), np.bool_)
    wanted[4:14, 6:20] = wanted[8:20, 130:150] = True
    scene = make_scene(picture, flow.astype(np.float32), wanted, 4)
    frames = list(Clip(NETWORK, scene, Engine(CPU, torch.float32, 10**6), Reporter()).frames())
    inputs = torch.cat([scene.start, scene.start, scene.flow.movedim(-1, 0)])[None]
    for number, frame in enumerate(frames):
        assert [area.left for area, _ in frame.parts] == [6, 130]
        whole_frame = NETWORK(inputs, (0, number, 3))[0]
        for area, part in frame.parts:
            assert torch.allclose(part, whole_frame[(slice(None), *area.within(whole(height, width)))], atol=1e-5)
    assert frames[1].parts[1][1] is frames[2].parts[1][1]


def test_pictures_of_two_ends_are_both_encoded() -> None:
    random = torch.Generator().manual_seed(4)
    start, end = torch.rand(2, 3, 16, 20, generator=random) * 2 - 1
    flow = torch.randn(16, 20, 2, generator=random)
    scene = Scene(start, end, flow, torch.ones(16, 20, dtype=torch.bool), 5)
    frames = list(Clip(NETWORK, scene, Engine(CPU, torch.float32, 10**6), Reporter()).frames())
    given_ = torch.cat([start, end, flow.movedim(-1, 0)])[None]
    assert len(frames) == 5
    for number, frame in enumerate(frames):
        ((_, part),) = frame.parts
        assert torch.allclose(part, NETWORK(given_, (0, number, 4))[0], atol=1e-5)


# ---- loops


@pytest.mark.parametrize(("height", "width"), [(48, 64), (45, 62), (31, 33), (6, 9)])
def test_outside_the_mask_nothing_changes(height: int, width: int) -> None:
    picture, mask, flow = river(height, width, speed=1.2)
    loop = synthesize_loop(picture, mask, flow, LoopSettings(frames=4, renderer="network"), NETWORK, device="cpu")
    frames = list(loop.frames())
    still = np.rint(picture * 255).astype(np.uint8)
    assert [frame.shape for frame in frames] == [(height, width, 3)] * 4
    for frame in frames:
        assert frame.dtype == np.uint8
        assert np.array_equal(frame[mask == 0], still[mask == 0])
    assert any((frame[mask > 0] != frames[0][mask > 0]).any() for frame in frames[1:])


def test_inside_it_is_the_whole_decoding() -> None:
    picture, mask, flow = river(48, 64)
    one, other = (
        list(synthesize_loop(picture, mask, flow, LoopSettings(frames=5, renderer=way), NETWORK, device="cpu").frames())
        for way in ("network", "paper")
    )
    inside = mask == 1
    for mine, paper in zip(one, other, strict=True):
        # rounded and cut off: at most one level apart
        assert np.abs(mine[inside].astype(int) - paper[inside].astype(int)).max() <= 1


def test_paper_is_the_network_frame_by_frame() -> None:
    picture, mask, flow = river(32, 36)
    loop = synthesize_loop(picture, mask, flow, LoopSettings(frames=4, renderer="paper"), NETWORK, device="cpu")
    scene = make_scene(picture, flow, mask > 0, 4)
    inputs = torch.cat([scene.start, scene.start, scene.flow.movedim(-1, 0)])[None]
    for number, frame in enumerate(loop.frames()):
        wanted = NETWORK(inputs, (0, number, 3))[0].movedim(0, -1).numpy()
        assert np.abs(frame.astype(int) - truncated_bytes(wanted).astype(int)).max() <= 1


@pytest.mark.parametrize(("count", "speed"), [(1, 1.0), (3, 0.0)])
def test_paper_paints_also_what_does_not_move(count: int, speed: float) -> None:
    picture, mask, flow = river(16, 20, speed=1.0)
    loop = synthesize_loop(
        picture, mask, flow * np.float32(speed), LoopSettings(frames=count, renderer="paper"), NETWORK, device="cpu"
    )
    frames = list(loop.frames())
    assert len(frames) == count
    wanted = torch.tanh(NETWORK.projector(NETWORK.encoder(make_scene(picture, flow, mask > 0, 1).start[None])[:, :-1]))
    # the splat divides by the weight that it multiplied with, which costs a few last digits
    for frame in frames:
        assert np.abs(frame.astype(int) - truncated_bytes(wanted[0].movedim(0, -1).numpy())).max() <= 1


def test_parts_and_repetition_change_nothing() -> None:
    picture, mask, flow = river(60, 72)
    options = LoopSettings(frames=4, renderer="network")
    loop = synthesize_loop(picture, mask, flow, options, NETWORK, device="cpu")
    once, again = list(loop.frames()), list(loop.frames())
    parts = list(synthesize_loop(picture, mask, flow, options, NETWORK, device="cpu", largest=200).frames())
    for first, second, third in zip(once, again, parts, strict=True):
        assert np.array_equal(first, second)
        assert np.abs(first.astype(int) - third.astype(int)).max() <= 1


def test_frames_are_made_while_they_are_taken() -> None:
    picture, mask, flow = river(32, 32)
    asked: list[int] = []
    reporter = Reporter(cancelled=lambda: bool(asked.append(1)) or len(asked) > 4)
    options = LoopSettings(frames=50, renderer="network")
    frames = synthesize_loop(picture, mask, flow, options, NETWORK, device="cpu", reporter=reporter).frames()
    taken = []
    with pytest.raises(Cancelled):
        for frame in frames:
            taken.append(frame)
            assert not torch.is_inference_mode_enabled()
    assert 0 < len(taken) < 5


def test_holes_are_told() -> None:
    picture, mask, flow = river(48, 48, speed=3.0)
    mask[:] = 1
    flow[:] = [3.0, 0.0]
    loop = synthesize_loop(picture, mask, flow, LoopSettings(frames=24, renderer="network"), NETWORK, device="cpu")
    list(loop.frames())
    # half way all has gone 36 pixels of 48 to either side: the two warps leave half of the picture between them
    assert 0.4 < loop.holes < 0.6
    still_flow = synthesize_loop(picture, mask, flow * 0, LoopSettings(frames=3, renderer="network"), NETWORK)
    assert [np.array_equal(frame, np.rint(picture * 255)) for frame in still_flow.frames()] == [True] * 3
    assert still_flow.holes == 0
    assert still_flow.notes


@pytest.mark.parametrize("spoil", ["mask", "flow", "picture"])
def test_what_is_no_loop_is_refused(spoil: str) -> None:
    parts = dict(zip(("picture", "mask", "flow"), river(24, 24), strict=True))
    parts[spoil] = parts[spoil][1:]
    with pytest.raises(UserError):
        synthesize_loop(**parts, settings=LoopSettings(renderer="network"), network=NETWORK)


def test_numbers_that_are_none_are_refused() -> None:
    network = small_network()
    network.projector.blocks[7].conv_ab.bias.fill_(float("nan"))
    loop = synthesize_loop(*river(24, 24), LoopSettings(frames=3, renderer="network"), network, device="cpu")
    with pytest.raises(UserError, match="no numbers"):
        next(loop.frames())


def test_devices_that_are_not_here_or_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no device 'abacus'"):
        synthesize_loop(*river(24, 24), LoopSettings(renderer="network"), NETWORK, device="abacus")

    def lack(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("t2c_ext.loop.synthesis.sequence.encode", lack)
    loop = synthesize_loop(*river(24, 24), LoopSettings(renderer="network"), NETWORK, device="cpu")
    with pytest.raises(UserError, match="more memory than the GPU has"):
        next(loop.frames())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_close(dtype: torch.dtype) -> None:
    picture, mask, flow = river(32, 40)
    full, half = (
        list(
            synthesize_loop(
                picture, mask, flow, LoopSettings(frames=3, renderer="network"), NETWORK, device="cpu", dtype=kind
            ).frames()
        )
        for kind in (torch.float32, dtype)
    )
    worst = max(np.abs(a.astype(int) - b.astype(int)).max() for a, b in zip(full, half, strict=True))
    assert worst <= (4 if dtype is torch.float16 else 24)


# ---- weights


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_checkpoints_load(tmp_path: Path, prefix: str, ending: str) -> None:
    state = filled_state(state_shapes(VideoNetwork()), "")
    path = tmp_path / f"latest_net_G.{ending}"
    save({prefix + key: value for key, value in state.items()}, path)
    loaded = load_video_network(path).state_dict()
    assert list(loaded) == list(state)
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def save(state: dict[str, torch.Tensor], path: Path) -> None:
    if path.suffix == ".pth":
        torch.save(state, path)
    else:
        pytest.importorskip("safetensors.torch").save_file(state, str(path))


def test_checkpoints_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    state = filled_state(state_shapes(VideoNetwork()), "")
    key = "projector.eblocks.3.conv_ab.weight_orig"
    path = tmp_path / "latest_net_G.pth"
    for spoiled in ({k: v for k, v in state.items() if k != key}, state | {key: state[key][:-1]}):
        torch.save(spoiled, path)
        with pytest.raises(UserError, match=key) as caught:
            load_video_network(path)
        assert "\n" not in str(caught.value)


def test_a_decoder_without_motion_keeps_the_size() -> None:
    decoder = Decoder(DECODER)
    with torch.inference_mode():
        assert decoder(torch.ones(1, DECODER[0], 12, 20)).shape == (1, 3, 12, 20)
        assert decoder(torch.ones(1, DECODER[0], 10, 18)).shape == (1, 3, 12, 20)
