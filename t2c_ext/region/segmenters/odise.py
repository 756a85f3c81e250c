"""ODISE (Xu et al. 2023), the paper's segmenter, by the entry points of its own package (github.com/NVlabs/ODISE).

It is asked as the paper asks it: the label model trained on COCO, with the vocabulary as its only classes, so that
whatever gets a panoptic id other than 0 is the region.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.lexicon import load_lexicon
from t2c_ext.region.segmenters.networks import Hardware
from t2c_ext.region.segmenters.open import Sight, phrase
from t2c_ext.types import FloatArray

CONFIGURATION = "Panoptic/odise_label_coco_50e.py"
"""The label model, by its name in the package's model zoo."""

WATERS = "water, waterfall, river, ocean, lake, sea"
"""The paper's vocabulary: one class with six synonyms."""

CLASS_MARK, SYNONYM_MARK = ";", ","

OVERLAP_THRESHOLD = 0
CLIP_ALPHA, CLIP_BETA = 0.35, 0.65
OBJECT_MASK_THRESHOLD = 0
METADATA = "t2c_vocabulary"
SEED = 42

PRESENT = 0.8
"""A segment has no score of its own in panoptic inference; found means found."""


def is_installed() -> bool:
    """Whether the package is here."""
    return importlib.util.find_spec("odise") is not None and importlib.util.find_spec("detectron2") is not None


def vocabulary_of(words: Sequence[str]) -> str:
    """The vocabulary string of some words: a class each, with synonyms; the paper's own for waters."""
    return CLASS_MARK.join(_synonyms(word) for word in words)


def classes_of(vocabulary: str) -> list[list[str]]:
    """Each class's synonyms: classes are separated by ';', synonyms by ','."""
    classes = [[name.strip() for name in part.split(SYNONYM_MARK)] for part in vocabulary.split(CLASS_MARK)]
    return [[name for name in names if name] for names in classes if any(names)]


class Odise:
    """The label model with a vocabulary of one's own."""

    def __init__(self, checkpoint: Path, hardware: Hardware) -> None:
        """Load the model.

        Raises:
            UserError: the package is not installed, or the checkpoint is damaged, holds code, or cannot be loaded.
        """
        if not is_installed():
            raise UserError("the segmenter odise needs its own package; see github.com/NVlabs/ODISE, or use auto")
        with _weights_alone(checkpoint) as weights:
            self._parts = _load(weights, hardware)

    def look(self, picture: FloatArray, words: Sequence[str]) -> list[Sight]:
        """See `OpenNetwork.look`."""
        ids, segments = self.panoptic(picture, vocabulary_of(words))
        sights = []
        for index in range(len(words)):
            own = [row["id"] for row in segments if row["category_id"] == index]
            found = np.isin(ids, own) & (ids != 0)
            sights.append(Sight(found.astype(np.float32), PRESENT))
        return sights

    def panoptic(self, picture: FloatArray, vocabulary: str) -> tuple[np.ndarray, list[dict[str, Any]]]:
        """The panoptic ids, int [H, W] with 0 where nothing of the vocabulary is, and what each id is.

        Args:
            picture: float32 [H, W, 3], 0..1.
            vocabulary: as for `classes_of`.
        """
        import torch

        labels = classes_of(vocabulary)
        height, width = picture.shape[:2]
        rgb = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        with torch.inference_mode():
            model = self._parts.wrapper(
                model=self._parts.model,
                labels=labels,
                metadata=_metadata(labels),
                semantic_on=False,
                instance_on=False,
                panoptic_on=True,
            ).eval()
            resized = importlib.import_module("detectron2.data.transforms").AugInput(rgb)
            self._parts.resize(resized)
            image = torch.as_tensor(np.ascontiguousarray(resized.image.astype("float32").transpose(2, 0, 1)))
            ids, segments = model([{"image": image, "height": height, "width": width}])[0]["panoptic_seg"]
        return ids.cpu().numpy(), list(segments)


@dataclass(frozen=True)
class _Parts:
    """What the package gives: its model, the wrapper that sets a vocabulary, and what resizes a picture in place."""

    model: Any
    wrapper: Any
    resize: Any


def _load(checkpoint: Path, hardware: Hardware) -> _Parts:
    try:
        zoo = importlib.import_module("odise.model_zoo")
        instantiate = importlib.import_module("detectron2.config").instantiate
        importlib.import_module("detectron2.utils.env").seed_all_rng(SEED)
        configuration = zoo.get_config(CONFIGURATION)
        configuration.model.overlap_threshold = OVERLAP_THRESHOLD
        configuration.model.object_mask_threshold = OBJECT_MASK_THRESHOLD
        configuration.model.clip_head.alpha = CLIP_ALPHA
        configuration.model.clip_head.beta = CLIP_BETA
        configuration.train.device = hardware.device
        resize = instantiate(configuration.dataloader.test.mapper).augmentations
        model = importlib.import_module("odise.config").instantiate_odise(configuration.model)
        model.to(hardware.device)
        importlib.import_module("odise.checkpoint").ODISECheckpointer(model).load(str(checkpoint))
        wrapper = importlib.import_module("odise.modeling.wrapper").OpenPanopticInference
    except UserError:
        raise
    except Exception as error:  # the package wants many others, and downloads of its own
        text = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"ODISE cannot be loaded: {text[0][:200]}; use another segmenter") from None
    return _Parts(model.eval(), wrapper, resize)


def _metadata(labels: Sequence[Sequence[str]]) -> Any:
    """The vocabulary's classes as countable things, as the package's demonstration has them."""
    catalogue = importlib.import_module("detectron2.data").MetadataCatalog
    catalogue.pop(METADATA, None)
    metadata = catalogue.get(METADATA)
    metadata.thing_classes = [names[0] for names in labels]
    metadata.stuff_classes = list(metadata.thing_classes)
    metadata.thing_dataset_id_to_contiguous_id = {index: index for index in range(len(labels))}
    metadata.stuff_dataset_id_to_contiguous_id = {index: index for index in range(len(labels))}
    return metadata


@contextmanager
def _weights_alone(checkpoint: Path) -> Iterator[Path]:
    """A temporary copy of the checkpoint that holds its tensors and nothing else: the package opens it in its own way.

    Raises:
        UserError: the checkpoint is damaged or holds code.
    """
    import torch

    from t2c_ext.weights.states import load_state

    state = load_state(checkpoint)
    with TemporaryDirectory(prefix="t2c-odise-") as folder:
        copy = Path(folder) / checkpoint.with_suffix(".pth").name
        torch.save({"model": state}, copy)
        yield copy


def _synonyms(word: str) -> str:
    thing = load_lexicon().find(word)
    if thing is not None and thing.family == "water":
        return WATERS
    names = (phrase(word),) if thing is None else (phrase(word), *thing.words)
    return f"{SYNONYM_MARK} ".join(dict.fromkeys(names))
