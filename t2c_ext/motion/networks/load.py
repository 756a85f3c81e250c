"""A flow network from its file, on its device, ready to predict."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from t2c_ext.errors import UserError
from t2c_ext.motion.networks.direction import MotionDirectionNetwork
from t2c_ext.motion.networks.words import MotionTextNetwork
from t2c_ext.weights.devices import choose_device, choose_dtype, free_memory, out_of_memory
from t2c_ext.weights.spectral import freeze_spectral
from t2c_ext.weights.states import fill_module, load_state

FlowModule = MotionDirectionNetwork | MotionTextNetwork


@dataclass(frozen=True)
class FlowNetwork:
    """A flow network and where it runs.

    Attributes:
        module: the network.
        device: where its weights are.
        dtype: what it computes in.
        notes: sentences for the user about the runs so far.
    """

    module: FlowModule
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    notes: list[str] = field(default_factory=list)

    @property
    def takes_hint(self) -> bool:
        """Whether its input has a direction hint (6 channels) or not (4)."""
        return self.module.channels > 4

    @property
    def stride(self) -> int:
        """Both sides of its input are multiples of this."""
        return self.module.stride

    def run(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The network's output, float32 on the CPU.

        Where the device has too little memory or lacks an operation, or half precision overflows, it is computed on
        the CPU in float32.

        Args:
            x: as the network's `forward` wants it.
            context: the text network's words, else None.

        Raises:
            UserError: an input has a wrong shape, or the weights give no finite flow.
        """
        inputs = [x] if context is None else [x, context]
        reason = "its numbers were too large for half precision"
        try:
            result = self._forward(inputs, self.device, self.dtype)
        except RuntimeError as error:
            if not _is_lack(error, self.device):
                raise
            result, reason = None, str(error).partition("\n")[0]
        if result is None or (not bool(result.isfinite().all()) and self._can_do_better):
            self.notes.append(f"The flow network ran in single precision on the CPU, not on {self.device}: {reason}.")
            result = self._forward(inputs, torch.device("cpu"), torch.float32)
        if not bool(result.isfinite().all()):
            raise UserError("the flow network's weights give no finite flow; download them again")
        return result

    @property
    def _can_do_better(self) -> bool:
        """Whether float32 on the CPU is another way of computing it."""
        return self.device.type != "cpu" or self.dtype != torch.float32

    def release(self) -> None:
        """Give the device's memory back; the network cannot run any more."""
        self.module.to("meta")
        free_memory()

    def _forward(self, inputs: list[Tensor], device: torch.device, dtype: torch.dtype) -> Tensor:
        place(self.module, device, dtype)
        moved = [part.to(device=device, dtype=dtype) for part in inputs]
        if device.type == "cuda":
            moved[0] = moved[0].contiguous(memory_format=torch.channels_last)
        output: Tensor = self.module(*moved)
        return output.to(device="cpu", dtype=torch.float32)


def load_network(path: Path, device: str = "auto", dtype: str = "auto") -> FlowNetwork:
    """Open one of the paper's flow networks; its keys tell which it is.

    Args:
        path: the checkpoint, a pickle or safetensors.
        device: a device of torch, or "auto": CUDA, else MPS, else the CPU.
        dtype: "float32", "float16", "bfloat16", or "auto": float16 on a GPU and float32 on the CPU.

    Raises:
        UserError: the file is no such checkpoint, or this machine lacks the device.
    """
    target = choose_device(device)
    kind = choose_dtype(dtype, target)
    state = load_state(path)
    direction = "conv1.weight_orig" in state
    width = state["conv1.bias"].shape[0] if "conv1.bias" in state else None
    with torch.device("meta"):
        module: FlowModule = _build(direction, width)
    fill_module(module, state, path)
    freeze_spectral(module)
    place(module, target, kind)
    return FlowNetwork(module, target, kind)


def _is_lack(error: RuntimeError, device: torch.device) -> bool:
    """Whether a device has too little memory or lacks an operation; MPS says both in plain runtime errors."""
    lacks = isinstance(error, NotImplementedError) or out_of_memory(error) or device.type == "mps"
    return lacks and device.type != "cpu"


def _build(direction: bool, width: int | None) -> FlowModule:
    if direction:
        return MotionDirectionNetwork() if width is None else MotionDirectionNetwork(width)
    # the transformers' group norm and heads divide the width by 32
    return MotionTextNetwork() if width is None or width % 32 else MotionTextNetwork(width)


def place(module: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Bring a network's weights to a device and type; on CUDA with the channels last, which its convolutions like."""
    module.to(device=device, dtype=dtype)
    if device.type == "cuda":
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
