"""The paper's flow networks: keys, numbers, sizes, and loading."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fill_rule import filled_state, state_shapes
from torch.nn import functional

from t2c_ext.errors import UserError
from t2c_ext.motion.networks.direction import MotionDirectionNetwork
from t2c_ext.motion.networks.load import FlowModule, FlowNetwork, load_network
from t2c_ext.motion.networks.words import MotionTextNetwork
from t2c_ext.weights.devices import choose_device, choose_dtype
from t2c_ext.weights.states import fill_module

OWN_MANIFESTS = Path(__file__).parent / "fixtures" / "manifests"

CLASSES: dict[str, Callable[..., FlowModule]] = {
    "motion_direction": MotionDirectionNetwork,
    "motion_text": MotionTextNetwork,
}
TINY = {"motion_direction": 4, "motion_text": 32}


def tiny(name: str, salt: str = "") -> FlowModule:
    """A network of the right depth and few channels, filled by rule."""
    network = CLASSES[name](TINY[name])
    fill_module(network, filled_state(state_shapes(network), salt), name)
    return network


def manifest(fixtures: Any, name: str) -> list[tuple[str, tuple[int, ...]]]:
    folders = (fixtures.folder.parent / "manifests", fixtures.folder / "manifests", OWN_MANIFESTS)
    path = next(folder / f"{name}.json" for folder in folders if (folder / f"{name}.json").exists())
    return [(row["key"], tuple(row["shape"])) for row in json.loads(path.read_text(encoding="utf-8"))["entries"]]


def filled(name: str, salt: str) -> FlowModule:
    """The network at its full width; it takes the filled tensors over, so that they exist once."""
    with torch.device("meta"):
        network = CLASSES[name]()
    fill_module(network, filled_state(state_shapes(network), salt), name)
    return network


def cases(fixtures: Any, name: str) -> list[str]:
    return [case for case in fixtures.named(name) if fixtures.index[case].get("network") == name]


@pytest.mark.parity
@pytest.mark.parametrize("name", CLASSES)
def test_state_dict_is_the_checkpoint_s(fixtures: Any, name: str) -> None:
    with torch.device("meta"):
        network = CLASSES[name]()
    assert list(state_shapes(network).items()) == manifest(fixtures, name)


@pytest.mark.parity
@pytest.mark.parametrize("name", CLASSES)
def test_fill_rule(fixtures: Any, name: str) -> None:
    check = f"fill_check_{name}"
    if check not in fixtures.named(check):
        pytest.skip(f"this set has no {check}")
    wanted, tolerance = fixtures.document(check), fixtures.tolerance(check)
    with torch.device("meta"):
        shapes = state_shapes(CLASSES[name]())
    layers = {key.rpartition(".")[0] for key in wanted}
    state = filled_state({key: shape for key, shape in shapes.items() if key.rpartition(".")[0] in layers}, "")
    for key, row in wanted.items():
        values = state[key].double()
        assert list(values.shape) == row["shape"]
        assert np.abs(values.flatten()[:8].numpy() - row["first8"]).max() <= tolerance
        assert abs(float(values.sum()) - row["sum_float64"]) <= 1e-4 * float(values.abs().sum())
        assert abs(float((values**2).sum()) - row["sumsq_float64"]) <= 1e-4 * float((values**2).sum())


@pytest.mark.parity
@pytest.mark.parametrize("name", CLASSES)
def test_numbers_are_the_paper_s(fixtures: Any, name: str) -> None:
    names = cases(fixtures, name)
    if not names:
        pytest.skip(f"this set has no case of {name}")
    for salt in {fixtures.index[case].get("salt", "") for case in names}:
        network = filled(name, salt)
        for case in names:
            if fixtures.index[case].get("salt", "") == salt:
                _compare(network, fixtures.arrays(case), fixtures.tolerance(case))
        del network
        gc.collect()


def _compare(network: FlowModule, data: dict[str, np.ndarray], tolerance: float) -> None:
    seen: dict[str, torch.Tensor] = {}
    hooks = []
    for key in data:
        if key.startswith("mid/"):
            module = network.get_submodule(key.removeprefix("mid/").removesuffix("_pre_tanh"))
            hooks.append(module.register_forward_hook(lambda _, __, out, key=key: seen.__setitem__(key, out)))
    inputs = [torch.from_numpy(data[key]) for key in ("input", "context") if key in data]
    output = network(*inputs)
    for hook in hooks:
        hook.remove()
    assert np.abs(output.numpy() - data["output"]).max() <= tolerance
    for key, found in seen.items():
        # inside, values reach 10 and more
        assert np.abs(found.numpy() - data[key]).max() <= tolerance * max(1.0, np.abs(data[key]).max())
    if "mid/dconv8_pre_tanh" in data:
        assert np.abs(np.tanh(data["mid/dconv8_pre_tanh"]) - output.numpy()).max() <= tolerance


@pytest.mark.parity
@pytest.mark.parametrize("name", CLASSES)
def test_sizes(fixtures: Any, name: str) -> None:
    sizes = fixtures.index.get(f"{name}_sizes")
    if sizes is None:
        pytest.skip(f"this set has no {name}_sizes")
    network = tiny(name)
    for asked, outcome in sizes.items():
        height, width = (int(side) for side in asked.split("x"))
        inputs = [torch.zeros(1, network.channels, height, width)]
        inputs += [torch.zeros(1, 77, 768)] if name == "motion_text" else []
        if outcome.startswith("ok"):
            assert "x".join(map(str, network(*inputs).shape[2:])) == outcome.split()[-1]
        else:
            with pytest.raises(UserError, match=f"multiples of {network.stride}"):
                network(*inputs)


def test_inputs_are_checked() -> None:
    with pytest.raises(UserError, match=r"\[N, 6, H, W\]"):
        tiny("motion_direction")(torch.zeros(1, 4, 256, 256))
    with pytest.raises(UserError, match=r"not \[1, 77, 1024\]"):
        tiny("motion_text")(torch.zeros(1, 4, 64, 64), torch.zeros(1, 77, 1024))
    with pytest.raises(UserError, match="words"):
        tiny("motion_text")(torch.zeros(1, 4, 64, 64), torch.zeros(2, 77, 768))


def test_every_part_runs_once() -> None:
    network, calls = tiny("motion_text"), []
    for key, module in network.named_modules():
        if key.endswith((".ff", ".attn2")) or (key.startswith("spade_layer") and "." not in key):
            module.register_forward_hook(lambda _, __, ___, key=key: calls.append(key))
    network(torch.rand(1, 4, 64, 64), torch.rand(1, 77, 768))
    assert len(calls) == len(set(calls)) == 9 + 9 + 13


def test_last_layer_in_slices_is_the_whole() -> None:
    torch.manual_seed(0)
    network = MotionTextNetwork(96)
    layer = network.get_submodule("dconv8")
    x = torch.randn(1, 192, 6, 10)
    doubled = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    with torch.inference_mode():
        assert torch.allclose(network._out(x), layer(doubled), atol=1e-5)


def test_words_count() -> None:
    network, x = tiny("motion_text"), torch.rand(1, 4, 64, 64)
    context = torch.randn(1, 77, 768)
    shorter = context.clone()
    shorter[:, -1] = 0
    assert not torch.allclose(network(x, context), network(x, shorter), atol=1e-4)


def _save(path: Path, state: dict[str, torch.Tensor]) -> Path:
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(state, str(path))
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", CLASSES)
def test_loads_from_a_file(tmp_path: Path, name: str, ending: str, prefix: str) -> None:
    wanted = tiny(name, "any")
    path = _save(tmp_path / f"net{ending}", {prefix + key: value for key, value in wanted.state_dict().items()})
    network = load_network(path, "cpu")
    assert type(network.module) is type(wanted)
    loaded, own = network.module.state_dict(), wanted.state_dict()
    assert loaded.keys() == own.keys() and all(torch.equal(loaded[key], own[key]) for key in own)
    x = torch.rand(1, network.module.channels, network.module.stride, network.stride)
    context = torch.randn(1, 77, 768) if name == "motion_text" else None
    inputs = [x] if context is None else [x, context]
    # equal weights at other addresses: torch picks its kernels by alignment, which rounds differently
    torch.testing.assert_close(network.run(x, context), wanted(*inputs), rtol=0, atol=1e-5)


def test_refuses_what_does_not_fit(tmp_path: Path) -> None:
    state = dict(tiny("motion_direction").state_dict())
    wrong = state | {"conv2.bias": torch.zeros(3)}
    fewer = {key: value for key, value in state.items() if key != "dconv3.weight_v"}
    more = state | {"dconv9.bias": torch.zeros(2)}
    for damaged, said in ((wrong, r"conv2\.bias"), (fewer, r"dconv3\.weight_v"), (more, r"dconv9\.bias")):
        with pytest.raises(UserError, match=said) as error:
            load_network(_save(tmp_path / "net.pth", damaged), "cpu")
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="does not fit"):
        load_network(_save(tmp_path / "net.pth", {"conv1.bias": torch.zeros(7)}), "cpu")
    whole = _save(tmp_path / "net.pth", state).read_bytes()
    (tmp_path / "net.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="truncated"):
        load_network(tmp_path / "net.pth", "cpu")


@pytest.mark.parametrize("name", CLASSES)
def test_half_precision_is_close(tmp_path: Path, name: str) -> None:
    exact = tiny(name)
    path = _save(tmp_path / "net.pth", dict(exact.state_dict()))
    network = load_network(path, "cpu", "bfloat16")
    x = torch.rand(1, network.module.channels, network.module.stride, network.stride)
    context = torch.randn(1, 77, 768) if name == "motion_text" else None
    found = network.run(x, context)
    assert found.dtype == torch.float32
    error = (found - exact(*([x] if context is None else [x, context]))).abs()
    assert float(error.mean()) < 0.03
    assert float(error.max()) > 0


class _Overflowing(torch.nn.Module):
    """Finite only in float32."""

    channels, stride = 4, 64

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :2] * (1.0 if x.dtype == torch.float32 else float("inf"))


def test_overflow_in_half_precision_is_mended() -> None:
    x = torch.rand(1, 4, 64, 64)
    network = FlowNetwork(_Overflowing(), torch.device("cpu"), torch.bfloat16)  # type: ignore[arg-type]
    assert torch.equal(network.run(x), x[:, :2])


def test_weights_that_are_no_numbers() -> None:
    module = tiny("motion_direction")
    with torch.no_grad():
        module.get_parameter("dconv8.bias").fill_(float("nan"))
    with pytest.raises(UserError, match="no finite flow"):
        FlowNetwork(module).run(torch.rand(1, 6, 256, 256))


def test_devices_and_types() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_dtype("auto", torch.device("cpu")) == torch.float32
    assert choose_dtype("auto", torch.device("cuda")) == torch.float16
    assert choose_dtype("bfloat16", torch.device("mps")) == torch.bfloat16
    with pytest.raises(UserError, match="no device"):
        choose_device("abacus")
    with pytest.raises(UserError, match="float8"):
        choose_dtype("float8", torch.device("cpu"))
    with pytest.raises(UserError, match="needs a GPU"):
        choose_dtype("float16", torch.device("cpu"))
    with pytest.raises(UserError, match="fp16 needs a GPU; choose fp32 or bf16"):
        choose_dtype("fp16", torch.device("cpu"))
    assert choose_dtype("fp16", torch.device("cuda")) == torch.float16
    assert choose_dtype("bf16", torch.device("cpu")) == torch.bfloat16


class _Poor(torch.nn.Module):
    """Fails on its first call, as a device does that has too little memory."""

    channels, stride = 4, 64

    def __init__(self, error: RuntimeError) -> None:
        super().__init__()
        self.errors = [error]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.errors:
            raise self.errors.pop()
        return x[:, :2]


def test_what_the_device_lacks_is_done_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *args, **options: self)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *args, **options: self)
    x = torch.rand(1, 4, 64, 64)
    for kind, error in (
        ("cuda", torch.cuda.OutOfMemoryError("CUDA out of memory")),
        ("mps", NotImplementedError("the operator is not implemented for the MPS device")),
        ("mps", RuntimeError("MPS backend out of memory")),
    ):
        network = FlowNetwork(_Poor(error), torch.device(kind))  # type: ignore[arg-type]
        assert torch.equal(network.run(x), x[:, :2])
        (note,) = network.notes
        assert kind in note and str(error) in note
        network.run(x)
        assert network.notes == [note]
    with pytest.raises(RuntimeError, match="shapes"):
        FlowNetwork(_Poor(RuntimeError("shapes differ"))).run(x)  # type: ignore[arg-type]


def test_released_memory_is_gone() -> None:
    network = FlowNetwork(tiny("motion_direction"))
    network.release()
    assert all(part.is_meta for part in network.module.state_dict().values())
