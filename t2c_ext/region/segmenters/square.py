"""How a network that sees a square of fixed size looks at a picture of any shape."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from t2c_ext.types import FloatArray

SQUAREST = 1.5
"""A picture whose sides differ by more than this factor is looked at in parts of this shape."""

OVERLAP = 0.25
"""Share of a part that the next one sees too."""


class SquareNetwork:
    """A network of a few classes that sees a square, run by OpenCV; its maps have half of the square's side."""

    def __init__(self, content: bytes, side: int, labels: tuple[str, ...]) -> None:
        """Read it.

        Args:
            content: ONNX: "picture" [1, 3, side, side], RGB, 0..1, to logits [1, C, side / 2, side / 2].
            side: of the square, in pixels.
            labels: the name of each of the C classes.
        """
        self.side, self.labels = side, labels
        self._net: Any = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))

    def probabilities(self, picture: FloatArray) -> FloatArray:
        """See `ClosedNetwork.probabilities`; a view and its mirror image are averaged."""
        height, width = picture.shape[:2]
        if height > width:
            return np.ascontiguousarray(self._wide(picture.transpose(1, 0, 2), upright=False).transpose(0, 2, 1))
        return self._wide(picture, upright=True)

    def _wide(self, picture: FloatArray, upright: bool) -> FloatArray:
        """The probabilities of a picture that is at least as wide as high; `upright` unless it was turned for that."""
        height, width = picture.shape[:2]
        rows = self.side // 2
        columns = max(1, round(rows * width / height)) if width > SQUAREST * height else rows
        if columns == rows:
            return self._square(picture, upright)
        span = round(rows * SQUAREST)
        total = np.zeros((len(self.labels), rows, columns), np.float32)
        weight = np.zeros(columns, np.float32)
        for start in starts(columns, span):
            left, right = (round(at / columns * width) for at in (start, start + span))
            part = self._square(picture[:, left:right], upright)
            fitted = np.stack([cv2.resize(plane, (span, rows), interpolation=cv2.INTER_LINEAR) for plane in part])
            share = np.minimum(np.arange(span) + 0.5, span - np.arange(span) - 0.5).astype(np.float32)
            total[..., start : start + span] += fitted * share
            weight[start : start + span] += share
        return np.asarray(total / weight, np.float32)

    def _square(self, picture: FloatArray, upright: bool) -> FloatArray:
        view = picture if upright else picture.transpose(1, 0, 2)
        smaller = min(view.shape[:2]) > self.side
        method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        small = cv2.resize(np.ascontiguousarray(view), (self.side, self.side), interpolation=method)
        both = self._run(small) + self._run(small[:, ::-1])[..., ::-1]
        found = both / 2
        return np.asarray(found if upright else found.transpose(0, 2, 1), np.float32)

    def _run(self, small: FloatArray) -> FloatArray:
        """Probabilities [C, side / 2, side / 2] of one view."""
        self._net.setInput(np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32))
        logits = np.asarray(self._net.forward(), np.float32)[0]
        powers = np.exp(logits - logits.max(axis=0, keepdims=True))
        return np.asarray(powers / powers.sum(axis=0, keepdims=True), np.float32)


def starts(length: int, span: int) -> list[int]:
    """Where parts of `span` begin that cover `length` evenly and overlap by at least `OVERLAP`."""
    count = 1 + int(np.ceil((length - span) / (span * (1 - OVERLAP))))
    return [round(number * (length - span) / max(count - 1, 1)) for number in range(count)]
