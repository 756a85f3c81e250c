"""Checkpoints: what opens, what is refused, what fits a module."""

from __future__ import annotations

import json
import os
import pickle
import tarfile
from collections import OrderedDict
from pathlib import Path

import pytest

from t2c_ext.errors import UserError
from t2c_ext.weights.convert import convert_file
from t2c_ext.weights.states import fill_module, load_content, load_state

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402


class Code:
    """A pickle of this would make a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.utils.spectral_norm(nn.Linear(4, 2)))


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return dict(network().state_dict())


def write(kind: str, state: dict[str, torch.Tensor], path: Path) -> None:
    """A checkpoint as tools write them."""
    parallel = {"module." + key: value for key, value in state.items()}
    contents: dict[str, object] = {
        "bare": OrderedDict(state),
        "legacy": OrderedDict(state),
        "nested": {"state_dict": state, "epoch": 7},
        "parallel": OrderedDict(parallel),
        "parallel twice": {"module." + key: value for key, value in parallel.items()},
    }
    if kind.startswith("safetensors"):
        save_file(parallel if kind.endswith("parallel") else state, str(path))
    else:
        torch.save(contents[kind], path, _use_new_zipfile_serialization=kind != "legacy")


KINDS = ("bare", "legacy", "nested", "parallel", "parallel twice", "safetensors", "safetensors parallel")


@pytest.mark.parametrize("kind", KINDS)
def test_every_layout_gives_the_same_tensors(kind: str, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "latest_net_G.pth"  # content decides, not the name
    write(kind, state, path)
    loaded = load_state(path)
    assert set(loaded) == set(state)
    assert all(torch.equal(loaded[key], state[key]) for key in state)
    module = network()
    with torch.no_grad():
        for value in module.state_dict().values():
            value.zero_()
    fill_module(module, loaded, path)
    assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())


def test_a_key_that_merely_has_the_prefix_among_others_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"module.a": torch.zeros(1), "b": torch.zeros(1)}, path)
    assert set(load_state(path)) == {"module.a", "b"}


def test_a_module_on_the_meta_device_takes_the_tensors_over(state: dict[str, torch.Tensor]) -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    own = {key: value.half() if value.is_floating_point() else value for key, value in state.items() if key[0] != "2"}
    fill_module(module, own, "a.pth")
    assert module[0].weight.dtype == torch.float32
    assert module(torch.zeros(1, 3, 5, 5)).shape == (1, 4, 3, 3)


@pytest.mark.parametrize("place", ["whole", "nested", "beside tensors", "legacy"])
def test_a_pickle_with_code_is_refused_and_does_not_run(place: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "it_ran", tmp_path / "evil.pth"
    if place == "whole":
        path.write_bytes(pickle.dumps(Code(mark), protocol=2))
    else:
        contents = {"a": Code(mark)} if place == "nested" else {"a": torch.zeros(2), "b": Code(mark)}
        torch.save(contents, path, _use_new_zipfile_serialization=place != "legacy")
    with pytest.raises(UserError, match=r"evil\.pth holds code") as caught:
        load_state(path)
    assert "\n" not in str(caught.value)
    assert not mark.exists()


def test_formats_that_older_torch_opens_with_code_are_refused_unopened(tmp_path: Path) -> None:
    script = tmp_path / "script.pth"
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), script)
    with pytest.raises(UserError, match="TorchScript"):
        load_state(script)
    inside = tmp_path / "\x80storages"
    inside.write_bytes(b"x")
    tar = tmp_path / "tar.pth"
    with tarfile.open(tar, "w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as archive:
        archive.add(inside, "\x80storages")
    assert tar.read_bytes()[:1] == b"\x80"
    with pytest.raises(UserError, match="tar archive"):
        load_state(tar)


@pytest.mark.parametrize("kind", ["bare", "legacy", "safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused_by_name(
    kind: str, share: float, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "cut.pth"
    write(kind, state, path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(UserError, match=r"cut\.pth is") as caught:
        load_state(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ([1, 2], "holds a list"),
        ({}, "no state dict"),
        ({"epoch": 3, "weight": torch.zeros(1)}, "epoch is not a tensor"),
        (torch.zeros(3), "holds a Tensor"),
    ],
)
def test_what_is_no_state_dict_is_refused(contents: object, message: str, tmp_path: Path) -> None:
    torch.save(contents, tmp_path / "a.pth")
    with pytest.raises(UserError, match=message):
        load_state(tmp_path / "a.pth")


@pytest.mark.parametrize("contents", [b"<html>quota exceeded</html>", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_page_or_a_pointer_instead_of_a_file_is_refused(contents: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(contents)
    with pytest.raises(UserError, match="no checkpoint"):
        load_state(tmp_path / "a.pth")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(UserError, match="cannot read"):
            load_state(path)


def test_what_does_not_fit_is_refused_and_changes_nothing(state: dict[str, torch.Tensor]) -> None:
    module = network()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    cases = {
        r"f\.pth does not fit .*: 1 missing \(0\.weight\)": {k: v for k, v in state.items() if k != "0.weight"},
        r"1 not known \(extra\)": state | {"extra": torch.zeros(1)},
        r"1 of another shape \(0\.bias is \[7\], should be \[4\]\)": state | {"0.bias": torch.zeros(7)},
        r"missing \(0\.weight, 0\.bias, 1\.weight, …\)": {},
        r"missing .* not known": {"netG." + key: value for key, value in state.items()},
    }
    for message, wrong in cases.items():
        with pytest.raises(UserError, match=message) as caught:
            fill_module(module, wrong, "f.pth")
        assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_convert_keeps_numbers_types_and_shared_tensors(tmp_path: Path) -> None:
    tied = torch.arange(6.0).reshape(2, 3)
    state = {"a": tied, "b": tied, "part": tied[:, 1:], "half": tied.half(), "count": torch.tensor(3)}
    torch.save({"state_dict": {"module." + key: value for key, value in state.items()}}, tmp_path / "model.pth")
    written = convert_file(tmp_path / "model.pth")
    assert written == tmp_path / "model.safetensors"
    loaded = load_state(written)
    assert all(torch.equal(loaded[key], state[key]) and loaded[key].dtype == state[key].dtype for key in state)
    length = int.from_bytes(written.read_bytes()[:8], "little")
    assert json.loads(written.read_bytes()[8 : 8 + length])["__metadata__"] == {"format": "pt"}


def test_convert_refuses_code_and_wrong_names(tmp_path: Path) -> None:
    torch.save({"a": Code(tmp_path / "it_ran")}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match="holds code"):
        convert_file(tmp_path / "evil.pth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.pth"]
    torch.save({"a": torch.zeros(1)}, tmp_path / "good.pth")
    with pytest.raises(UserError, match="has to end with"):
        convert_file(tmp_path / "good.pth", tmp_path / "good.ckpt")
    written = convert_file(tmp_path / "good.pth", tmp_path / "deep" / "x.safetensors")
    with pytest.raises(UserError, match="already"):
        convert_file(written)


def eight_bits(value: torch.Tensor) -> torch.Tensor:
    return value.to(torch.float8_e4m3fn)


@pytest.mark.parametrize("ending", [".safetensors", ".ckpt"])
@pytest.mark.parametrize("end", [".scale_weight", ".weight_scale"])
def test_weights_of_eight_bits_are_widened_and_scaled(end: str, ending: str, tmp_path: Path) -> None:
    stored = torch.tensor([[1.0, -0.5], [448.0, 0.0]])
    state = {
        "plain.weight": eight_bits(stored),
        "wide.weight": stored.to(torch.float8_e5m2),
        "scaled.weight": eight_bits(stored),
        "scaled" + end: torch.tensor(0.5),
        "scaled.scale_input": torch.tensor(3.0),
        "rows.weight": eight_bits(stored),
        "rows" + end: torch.tensor([2.0, 0.25]),
        "tiny.weight": eight_bits(stored),
        "tiny" + end: torch.tensor([1e-9]),
        "scaled.bias": torch.tensor([1.0, 2.0]),
        "scaled_fp8": torch.empty(0).to(torch.float8_e4m3fn),
    }
    path = tmp_path / f"model{ending}"
    try:
        save_file(state, str(path)) if ending == ".safetensors" else torch.save({"state_dict": state}, path)
    except KeyError:
        pytest.skip("this version of torch cannot write eight bits")
    found = load_state(path)
    assert set(found) == {"plain.weight", "wide.weight", "scaled.weight", "rows.weight", "tiny.weight", "scaled.bias"}
    assert found["plain.weight"].float().tolist() == [[1.0, -0.5], [448.0, 0.0]]
    assert found["wide.weight"].float().tolist() == [[1.0, -0.5], [448.0, 0.0]]
    assert found["scaled.weight"].float().tolist() == [[0.5, -0.25], [224.0, 0.0]]
    assert found["rows.weight"].float().tolist() == [[2.0, -1.0], [112.0, 0.0]]
    assert torch.allclose(found["tiny.weight"], stored * 1e-9)
    assert found["tiny.weight"].dtype is torch.float32 and found["plain.weight"].dtype is torch.float16


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"a.scale_weight": torch.ones(3)}, "scale of a.weight has 3 numbers"),
        ({"a.weight.absmax": torch.ones(3)}, "four bits"),
    ],
)
def test_eight_bits_that_do_not_fit(extra: dict[str, torch.Tensor], message: str, tmp_path: Path) -> None:
    save_file({"a.weight": eight_bits(torch.ones(2, 2))} | extra, str(tmp_path / "a.safetensors"))
    with pytest.raises(UserError, match=message) as caught:
        load_state(tmp_path / "a.safetensors")
    assert "\n" not in str(caught.value)


class Unknown:
    """Stands for a class of a library that is not here."""

    def __init__(self) -> None:
        self.inner = {"a": [1, torch.zeros(2)]}


def without_its_module(kind: type, module: str) -> type:
    kind.__module__ = module
    return kind


@pytest.mark.parametrize("legacy", [False, True])
def test_what_training_left_beside_the_weights_is_no_hindrance(
    legacy: bool, state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys
    import types

    import numpy as np

    for name in ("pytorch_lightning", "pytorch_lightning.callbacks", "omegaconf"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    callback = without_its_module(type("ModelCheckpoint", (), {}), "pytorch_lightning.callbacks")
    config = without_its_module(type("DictConfig", (Unknown,), {}), "omegaconf")
    sys.modules["pytorch_lightning.callbacks"].ModelCheckpoint = callback  # type: ignore[attr-defined]
    sys.modules["omegaconf"].DictConfig = config  # type: ignore[attr-defined]
    content = {
        "state_dict": state,
        "callbacks": {callback: {"best_model_score": np.float64(0.5), "monitor": "loss"}},
        "hyper_parameters": config(),
        "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}, "when": Path("x"), "set": {1, 2}}],
        "sizes": (torch.Size([1]), np.arange(3), b"bytes", 2**70, complex(1, 2), OrderedDict(a=1)),
    }
    torch.save(content, tmp_path / "old.ckpt", _use_new_zipfile_serialization=not legacy)
    for name in ("pytorch_lightning", "pytorch_lightning.callbacks", "omegaconf"):
        monkeypatch.setitem(sys.modules, name, None)
    loaded = load_state(tmp_path / "old.ckpt")
    assert all(torch.equal(loaded[key], state[key]) for key in state)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_numbers_and_arrays_of_numpy(module: str, protocol: int, tmp_path: Path) -> None:
    import numpy as np

    content = {
        "score": np.float32(0.25),
        "count": np.int64(-7),
        "weight": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "big": np.arange(3, dtype=">i4"),
        "names": ["a"],
    }
    raw = pickle.dumps(content, protocol)
    for other in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        if protocol == 2:  # later ones have the length of a text before it
            raw = raw.replace(other, module.encode())
    (tmp_path / "a.pt").write_bytes(raw)
    found = load_content(tmp_path / "a.pt")
    assert found["score"] == 0.25 and found["count"] == -7 and found["names"] == ["a"]
    assert found["weight"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    assert found["big"].tolist() == [0, 1, 2]


def test_views_of_a_storage_stay_views_and_cannot_leave_it(tmp_path: Path) -> None:
    whole = torch.arange(12.0)
    content = {"part": whole[2:8].reshape(2, 3).T, "step": whole[::4], "row": whole[:1].expand(5), "none": whole[:0]}
    for legacy in (False, True):
        torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=not legacy)
        found = load_state(tmp_path / "a.pt")
        assert {key: value.tolist() for key, value in found.items()} == {k: v.tolist() for k, v in content.items()}
    kinds = [
        torch.float64,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int8,
        torch.uint8,
        torch.bool,
        torch.cfloat,
    ]
    content = {str(kind): torch.tensor([1, 0, 1]).to(kind) for kind in kinds}
    content["grad"] = nn.Parameter(torch.ones(2))
    torch.save(content, tmp_path / "b.pt")
    found = load_state(tmp_path / "b.pt")
    assert all(torch.equal(found[key], content[key]) and found[key].dtype == content[key].dtype for key in content)


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((20,), (1,), 0), ((4,), (1,), 9), ((4,), (1,), -1), ((-4,), (1,), 0), ((1 << 40,), (0,), 0), ((2, 2), (1,), 0)],
)
def test_a_tensor_beyond_its_storage_is_refused(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int, tmp_path: Path
) -> None:
    class Wrong:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            storage = torch.arange(12.0).storage()
            return torch._utils._rebuild_tensor_v2, (storage, offset, size, stride, False, OrderedDict())

    pickled = torch.serialization.pickle

    class Writing:
        __name__ = "pickle"
        Pickler, dumps = pickled.Pickler, pickled.dumps

    torch.save({"a": Wrong()}, tmp_path / "a.pt", pickle_module=Writing)
    with pytest.raises(UserError, match=r"a\.pt is truncated or no checkpoint") as caught:
        load_state(tmp_path / "a.pt")
    assert "\n" not in str(caught.value)
