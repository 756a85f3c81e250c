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
from t2c_ext.weights.states import fill_module, load_state

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
