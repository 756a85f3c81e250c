"""Layers with a spectral norm: against torch's own hook, and against known numbers."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch.nn import functional

from t2c_ext.weights.spectral import SpectralConv2d, SpectralLinear, freeze_spectral


def _reference(layer: torch.nn.Module) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.nn.utils.spectral_norm(layer).eval()


def test_divides_by_the_stored_estimate() -> None:
    layer = SpectralLinear(2, 2, bias=False)
    layer.load_state_dict(
        {
            "weight_orig": torch.tensor([[2.0, 0.0], [0.0, 8.0]]),
            "weight_u": torch.tensor([1.0, 0.0]),
            "weight_v": torch.tensor([1.0, 0.0]),
        }
    )
    # the largest singular value is 8, the stored estimate is 2
    assert layer(torch.tensor([[1.0, 1.0]])).tolist() == [[1.0, 4.0]]


@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_hook_of_torch(bias: bool) -> None:
    torch.manual_seed(3)
    reference = _reference(torch.nn.Conv2d(5, 7, 4, stride=2, padding=1, bias=bias))
    layer = SpectralConv2d(5, 7, 4, stride=2, padding=1, bias=bias)
    assert list(layer.state_dict()) == list(reference.state_dict())
    layer.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(2, 5, 12, 10)
    assert torch.equal(layer(x), reference(x))


def test_frozen_weight_is_the_same_until_others_are_loaded() -> None:
    layer = torch.nn.Sequential(SpectralConv2d(3, 4, 3, padding=1))
    x = torch.randn(1, 3, 6, 6)
    before = layer(x)
    names = list(layer.state_dict())
    freeze_spectral(layer)
    assert torch.equal(layer(x), before)
    assert list(layer.state_dict()) == names
    layer.load_state_dict(
        {key: value * 2 if key.endswith("bias") else value + 0.1 for key, value in layer.state_dict().items()}
    )
    assert not torch.allclose(layer(x), before)


def test_half_precision_keeps_the_norm() -> None:
    torch.manual_seed(0)
    layer = SpectralConv2d(64, 32, 3, padding=1)
    exact = layer.weight.detach().clone()
    for frozen in (False, True):
        half = SpectralConv2d(64, 32, 3, padding=1)
        half.load_state_dict(layer.state_dict())
        if frozen:
            half.freeze()
        half = half.half()
        assert half.weight.dtype == torch.float16
        assert torch.allclose(half.weight.float(), exact, rtol=4e-3, atol=1e-4)


def test_builds_without_memory() -> None:
    with torch.device("meta"):
        layer = SpectralConv2d(3, 4, 3)
    state = SpectralConv2d(3, 4, 3).state_dict()
    layer.load_state_dict(state, strict=True, assign=True)
    x = torch.randn(1, 3, 5, 5)
    wanted = functional.conv2d(x, layer.weight, layer.bias)
    assert torch.equal(layer(x), wanted)
    assert layer.weight.device.type == "cpu"
