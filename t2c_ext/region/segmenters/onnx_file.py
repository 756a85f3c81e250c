"""Writes a network as ONNX without the onnx package: the few messages of its protobuf schema that are needed.

Field numbers are those of `onnx.proto` (IR version 7, operator set 11).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IR_VERSION, OPERATORS = 7, 11
FLOAT, INT, INTS, TEXT = 1, 2, 7, 3
"""The schema's codes of a tensor of float32, and of attributes: a number, several, a text."""

GRAPH, INITIALISER, DIMENSION, RAW = 7, 5, 1, 9
"""Field numbers: a model's graph, a graph's constant, a tensor's dimension and its bytes."""

Attribute = int | str | Sequence[int]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(place: int, value: int) -> bytes:
    return _varint(place << 3) + _varint(value)


def _bytes(place: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _varint(place << 3 | 2) + _varint(len(content)) + content


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _bytes(1, name) + _number(3, value) + _number(20, INT)
    if isinstance(value, str):
        return _bytes(1, name) + _bytes(4, value) + _number(20, TEXT)
    return _bytes(1, name) + b"".join(_number(8, number) for number in value) + _number(20, INTS)


def _tensor(name: str, values: NDArray[np.float32] | np.float32) -> bytes:
    shape = b"".join(_number(1, side) for side in values.shape)
    return shape + _number(2, FLOAT) + _bytes(8, name) + _bytes(9, np.ascontiguousarray(values, "<f4").tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    sides = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, sides)))


@dataclass
class Graph:
    """A network being written; each operator's method returns the name of its result."""

    nodes: list[bytes] = field(default_factory=list)
    tensors: list[bytes] = field(default_factory=list)
    count: int = 0

    def convolve(
        self,
        x: str,
        weight: NDArray[np.float32],
        bias: NDArray[np.float32],
        stride: int = 1,
        *,
        groups: int = 1,
        pads: Sequence[int] | None = None,
    ) -> str:
        """A convolution with a square kernel [out, in / groups, k, k].

        `pads` is how many zeros stand above, left, below and right; half of the kernel where it is None.
        """
        kernel, names = weight.shape[2], [x, self._constant(weight), self._constant(bias)]
        around = [kernel // 2] * 4 if pads is None else pads
        return self.operator(
            "Conv", names, kernel_shape=[kernel, kernel], strides=[stride, stride], pads=around, group=groups
        )

    def relu6(self, x: str) -> str:
        """Cut off below zero and above six."""
        return self.operator("Clip", [x, self._constant(np.float32(0)), self._constant(np.float32(6))])

    def smoothly_larger(self, x: str, times: int = 2) -> str:
        """So many times larger along both sides, linear between the centres of pixels."""
        scales = self._constant(np.array([1, 1, times, times], np.float32))
        names = [x, self._constant(np.zeros(0, np.float32)), scales]
        return self.operator("Resize", names, mode="linear", coordinate_transformation_mode="half_pixel")

    def larger(self, x: str, times: int = 2) -> str:
        """Each pixel so many times along both sides."""
        scales = self._constant(np.array([1, 1, times, times], np.float32))
        roi = self._constant(np.zeros(0, np.float32))
        return self.operator(
            "Resize",
            [x, roi, scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def operator(self, kind: str, inputs: Sequence[str], **attributes: Attribute) -> str:
        """Any operator with one result."""
        self.count += 1
        result = f"v{self.count}"
        message = b"".join(_bytes(1, name) for name in inputs) + _bytes(2, result)
        message += _bytes(3, f"{kind}_{self.count}") + _bytes(4, kind)
        message += b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
        self.nodes.append(message)
        return result

    def _constant(self, values: NDArray[np.float32] | np.float32) -> str:
        self.count += 1
        name = f"c{self.count}"
        self.tensors.append(_tensor(name, values))
        return name

    def model(self, given: tuple[str, Sequence[int]], result: tuple[str, Sequence[int]]) -> bytes:
        """The whole file, with one input and one result by name and shape."""
        graph = b"".join(_bytes(1, node) for node in self.nodes) + _bytes(2, "network")
        graph += b"".join(_bytes(5, tensor) for tensor in self.tensors)
        graph += _bytes(11, _value(*given)) + _bytes(12, _value(*result))
        operators = _bytes(1, "") + _number(2, OPERATORS)
        return _number(1, IR_VERSION) + _bytes(2, "t2c") + _bytes(7, graph) + _bytes(8, operators)


def initialisers(content: bytes) -> list[NDArray[np.float32]]:
    """The constant tensors of a model that this module wrote, in the order in which they were written."""
    graph = next(value for place, value in _fields(content) if place == GRAPH)
    assert isinstance(graph, bytes)
    found = []
    for place, value in _fields(graph):
        if place != INITIALISER or not isinstance(value, bytes):
            continue
        parts = list(_fields(value))
        shape = [part for at, part in parts if at == DIMENSION and isinstance(part, int)]
        raw = next(part for at, part in parts if at == RAW and isinstance(part, bytes))
        found.append(np.frombuffer(raw, "<f4").reshape(shape).copy())
    return found


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field of a message; numbers and byte strings only, as this module writes no others."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(content):
        head = varint()
        if head & 7 == 0:
            yield head >> 3, varint()
        else:
            length = varint()
            yield head >> 3, content[at : at + length]
            at += length
