"""CLIPSeg, Grounding DINO with SAM 2, and SAM 3, as transformers has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from t2c_ext.region.segmenters.likelihood import side_limits, working_size
from t2c_ext.region.segmenters.networks import Hardware, Network, as_image, load_processor, read_json
from t2c_ext.region.segmenters.open import Sight, phrase
from t2c_ext.types import FloatArray

BOX_ODDS = 0.35
"""Grounding DINO's score at which its authors count a box as found: even odds here."""

LEAST_BOX = 0.25
"""Boxes below this score are left out, as in its authors' settings."""

MOST_BOXES = 20

CLIPSEG_PROMPT = "a photo of {}"
"""One of the phrases that CLIPSeg was trained with (Lüddecke and Ecker 2022, section 4)."""


class ClipSeg:
    """CLIPSeg: one logit per pixel for a phrase, at 352 x 352."""

    def __init__(self, folder: Path, hardware: Hardware) -> None:
        """Load it; see `Network` for the errors."""
        self._processor = load_processor("CLIPSegProcessor", folder)
        self._network = Network("CLIPSegForImageSegmentation", folder, hardware)

    def look(self, picture: FloatArray, words: Sequence[str]) -> list[Sight]:
        """See `OpenNetwork.look`."""
        side = dict(self._processor.image_processor.size)
        size = (int(side.get("height", 352)), int(side.get("width", 352)))
        image = as_image(picture, size)
        pixels = self._processor(images=image, return_tensors="pt", do_resize=False)["pixel_values"]
        phrases = [CLIPSEG_PROMPT.format(phrase(word)) for word in words]
        tokens = self._processor.tokenizer(phrases, padding=True, truncation=True, return_tensors="pt")

        def call(model: Any, send: Callable[[Any], Any]) -> FloatArray:
            output = model(
                input_ids=send(tokens["input_ids"]),
                attention_mask=send(tokens["attention_mask"]),
                pixel_values=send(pixels).expand(len(words), -1, -1, -1),
            )
            maps = output.logits.float().sigmoid()
            return maps.reshape(len(words), *maps.shape[-2:]).cpu().numpy()

        return [Sight(one) for one in self._network(call)]


class GroundedSam:
    """Grounding DINO (Liu et al. 2023) finds the boxes of a word, SAM 2 (Ravi et al. 2024) what fills them."""

    def __init__(self, boxes: Path, masks: Path, hardware: Hardware) -> None:
        """Load both from their folders; see `Network` for the errors."""
        self._processor = load_processor("GroundingDinoProcessor", boxes)
        self._sides = side_limits(self._processor.image_processor.size)
        self._finder = Network("GroundingDinoForObjectDetection", boxes, hardware)
        self._painter = Network("Sam2Model", masks, hardware)
        self._prepare = Prepare(masks, side=1024, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225))

    def look(self, picture: FloatArray, words: Sequence[str]) -> list[Sight]:
        """See `OpenNetwork.look`."""
        found = [self._boxes(picture, word) for word in words]
        filled = self._fill(picture, [boxes for boxes, _ in found])
        sights = []
        for (_, scores), masks in zip(found, filled, strict=True):
            if len(scores):
                sights.append(Sight(masks.max(axis=0), even_odds(float(scores.max()), BOX_ODDS)))
            else:
                sights.append(Sight(np.zeros((1, 1), np.float32), 0.0))
        return sights

    def _boxes(self, picture: FloatArray, word: str) -> tuple[FloatArray, FloatArray]:
        """(boxes [N, 4], x and y of two corners as shares of the picture; scores [N]) of a word, the surest first."""
        height, width = picture.shape[:2]
        image = as_image(picture, working_size(height, width, *self._sides))
        fed = self._processor(images=image, text=f"{phrase(word)}.", return_tensors="pt", do_resize=False)

        def call(model: Any, send: Callable[[Any], Any]) -> tuple[FloatArray, FloatArray]:
            output = model(**{name: send(value) for name, value in fed.items()})
            scores = output.logits[0].float().sigmoid().max(dim=-1).values
            return output.pred_boxes[0].float().cpu().numpy(), scores.cpu().numpy()

        centres, scores = self._finder(call)
        order = [row for row in np.argsort(-scores, kind="stable")[:MOST_BOXES] if scores[row] > LEAST_BOX]
        middle, half = centres[order, :2], centres[order, 2:] / 2
        corners = np.concatenate([middle - half, middle + half], axis=1)
        return np.clip(corners, 0.0, 1.0).astype(np.float32), scores[order]

    def _fill(self, picture: FloatArray, boxes: Sequence[FloatArray]) -> list[FloatArray]:
        """For each word's boxes [N, 4] the probability of being inside what they frame, [N, h, w]."""
        import torch

        if not any(len(rows) for rows in boxes):
            return [np.zeros((0, 1, 1), np.float32) for _ in boxes]
        pixels, side = self._prepare(picture), self._prepare.side

        def call(model: Any, send: Callable[[Any], Any]) -> list[FloatArray]:
            seen, filled = model.get_image_embeddings(send(pixels)), []
            for rows in boxes:
                if not len(rows):
                    filled.append(np.zeros((0, 1, 1), np.float32))
                    continue
                framed = send(torch.from_numpy(rows * np.float32(side))[None])
                output = model(image_embeddings=list(seen), input_boxes=framed, multimask_output=False)
                filled.append(output.pred_masks[0, :, 0].float().sigmoid().cpu().numpy())
            return filled

        return self._painter(call)


class Sam3:
    """SAM 3 (2025): all that a phrase names, and how sure it is that the picture holds it."""

    def __init__(self, folder: Path, hardware: Hardware) -> None:
        """Load it; see `Network` for the errors."""
        self._tokenizer = load_processor("CLIPTokenizerFast", folder)
        self._network = Network("Sam3Model", folder, hardware)
        self._prepare = Prepare(folder, side=1008, mean=(0.5, 0.5, 0.5), deviation=(0.5, 0.5, 0.5))
        self._length = int(self._network.config.text_config.max_position_embeddings)

    def look(self, picture: FloatArray, words: Sequence[str]) -> list[Sight]:
        """See `OpenNetwork.look`."""
        pixels = self._prepare(picture)
        tokens = self._tokenizer(
            [phrase(word) for word in words],
            padding="max_length",
            max_length=self._length,
            truncation=True,
            return_tensors="pt",
        )

        def call(model: Any, send: Callable[[Any], Any]) -> list[Sight]:
            seen, sights = model.get_vision_features(send(pixels)), []
            for row in range(len(words)):
                output = model(
                    vision_embeds=seen,
                    input_ids=send(tokens["input_ids"][row : row + 1]),
                    attention_mask=send(tokens["attention_mask"][row : row + 1]),
                )
                probability = output.semantic_seg[0, 0].float().sigmoid().cpu().numpy()
                sights.append(Sight(probability, float(output.presence_logits[0, 0].float().sigmoid())))
            return sights

        return self._network(call)


class Prepare:
    """Pictures for SAM: a square of a given side, normalised. (Its own processor needs torchvision; this does not.)

    Attributes:
        side: of the square, in pixels.
    """

    def __init__(
        self, folder: Path, *, side: int, mean: tuple[float, float, float], deviation: tuple[float, float, float]
    ) -> None:
        """Read the folder's processor settings; the arguments stand in for what they lack."""
        settings: dict[str, Any] = {}
        for name in ("preprocessor_config.json", "processor_config.json"):
            if not settings and (folder / name).exists():
                document = read_json(folder / name)
                settings = document.get("image_processor", document)
        self.side = int((settings.get("size") or {}).get("height", side))
        self._mean = np.asarray(settings.get("image_mean") or mean, np.float32)
        self._deviation = np.asarray(settings.get("image_std") or deviation, np.float32)

    def __call__(self, picture: FloatArray) -> Any:
        """Tensor float32 [1, 3, side, side] of a picture (float32 [H, W, 3], 0..1)."""
        import torch

        square = np.asarray(as_image(picture, (self.side, self.side)), np.float32) / 255
        normal = (square - self._mean) / self._deviation
        return torch.from_numpy(np.ascontiguousarray(normal.transpose(2, 0, 1)))[None]


def even_odds(score: float, even: float) -> float:
    """A score of 0..1 bent so that `even` becomes one half, and 0 and 1 stay."""
    return 0.5 * score / even if score < even else 0.5 + 0.5 * (score - even) / (1 - even)
