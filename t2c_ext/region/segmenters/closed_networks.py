"""Mask2Former, OneFormer and SegFormer, as transformers has them, with their own processors."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from t2c_ext.region.segmenters.labels import labels_of
from t2c_ext.region.segmenters.likelihood import side_limits, working_size
from t2c_ext.region.segmenters.networks import (
    Hardware,
    Network,
    as_image,
    from_transformers,
    load_processor,
    quiet,
    read_json,
)
from t2c_ext.types import FloatArray


class _Fed:
    """What the three have in common: a processor, a network, and the size at which it sees pictures."""

    def __init__(self, model_class: str, folder: Path, hardware: Hardware, processor: Any, sizes: Any) -> None:
        self._network = Network(model_class, folder, hardware)
        self._processor = processor
        self._shortest, self._longest = side_limits(sizes)
        self.labels = labels_of(self._network.config.id2label)

    def _look(self, picture: FloatArray, read: Callable[[Any], Any], **prompt: Any) -> FloatArray:
        """`read`, which turns the model's output into probabilities [C, h, w], of one picture."""
        height, width = picture.shape[:2]
        size = working_size(height, width, self._shortest, self._longest)
        fed = self._processor(images=[as_image(picture, size)], return_tensors="pt", do_resize=False, **prompt)
        kept = {name: value for name, value in fed.items() if name in ("pixel_values", "pixel_mask", "task_inputs")}

        output = self._network(lambda model, send: model(**{name: send(value) for name, value in kept.items()}))
        return read(output).cpu().numpy()


class SegFormer(_Fed):
    """SegFormer (Xie et al. 2021): one logit per class and pixel, at a quarter of the size."""

    def __init__(self, folder: Path, hardware: Hardware) -> None:
        """Load it; see `Network` for the errors."""
        processor = load_processor("SegformerImageProcessor", folder)
        super().__init__("SegformerForSemanticSegmentation", folder, hardware, processor, processor.size)

    def probabilities(self, picture: FloatArray) -> FloatArray:
        """See `ClosedNetwork.probabilities`."""
        return self._look(picture, lambda output: output.logits[0].float().softmax(dim=0))


class Mask2Former(_Fed):
    """Mask2Former (Cheng et al. 2022), read as a semantic segmenter."""

    def __init__(self, folder: Path, hardware: Hardware) -> None:
        """Load it; see `Network` for the errors."""
        processor = load_processor("Mask2FormerImageProcessor", folder)
        super().__init__("Mask2FormerForUniversalSegmentation", folder, hardware, processor, processor.size)

    def probabilities(self, picture: FloatArray) -> FloatArray:
        """See `ClosedNetwork.probabilities`."""
        return self._look(picture, _of_queries)


class OneFormer(_Fed):
    """OneFormer (Jain et al. 2023), asked for the semantic task."""

    def __init__(self, folder: Path, hardware: Hardware) -> None:
        """Load it; see `Network` for the errors."""
        processor = oneformer_processor(folder)
        sizes = processor.image_processor.size
        super().__init__("OneFormerForUniversalSegmentation", folder, hardware, processor, sizes)

    def probabilities(self, picture: FloatArray) -> FloatArray:
        """See `ClosedNetwork.probabilities`."""
        return self._look(picture, _of_queries, task_inputs=["semantic"])


def _of_queries(output: Any) -> Any:
    """Probabilities [C, h, w] from queries that each have a class and a mask.

    A class's score at a pixel is the sum over the queries of p(class) p(mask), the semantic inference of MaskFormer
    (Cheng et al. 2021, section 3.4). Queries may overlap, so the scores are divided by their sum where it exceeds 1.
    """
    classes = output.class_queries_logits[0].float().softmax(dim=-1)[:, :-1]
    masks = output.masks_queries_logits[0].float().sigmoid()
    scores = (classes.T @ masks.flatten(1)).unflatten(1, masks.shape[1:])
    return scores / scores.sum(dim=0, keepdim=True).clamp(min=1.0)


def oneformer_processor(folder: Path) -> Any:
    """OneFormer's processor from a folder, without the hub.

    It wants a file of class names, for training only, that the hub keeps in another repository; the names of the
    model's own configuration stand in.

    Raises:
        UserError: a file is missing or damaged, or the installed transformers has no OneFormer.
    """
    kind = from_transformers("OneFormerImageProcessor")
    settings = read_json(folder / "preprocessor_config.json")
    settings = settings.get("image_processor", settings)
    left_out = ("metadata", "repo_path", "class_info_file", "image_processor_type", "feature_extractor_type")
    settings = {name: value for name, value in settings.items() if name not in left_out}
    config = read_json(folder / "config.json")
    names = labels_of(config.get("id2label", {}))
    with TemporaryDirectory() as temporary, quiet(), _local_class_info(kind):
        table = {str(index): {"name": name, "isthing": 0} for index, name in enumerate(names)}
        (Path(temporary) / "classes.json").write_text(json.dumps(table), encoding="utf-8")
        image_processor = kind(repo_path=temporary, class_info_file="classes.json", **settings)
    tokenizer = load_processor("CLIPTokenizer", folder)
    length = int(config.get("task_seq_len", 77))
    return from_transformers("OneFormerProcessor")(image_processor, tokenizer, task_seq_length=length)


@contextmanager
def _local_class_info(kind: Any) -> Iterator[None]:
    """Before transformers 4.33 the class names could only come from the hub: let them come from a folder."""
    module: Any = importlib.import_module(kind.__module__)
    if not hasattr(module, "prepare_metadata") or hasattr(module, "load_metadata"):
        yield
        return
    download = module.hf_hub_download
    module.hf_hub_download = lambda repository, name, **_: str(Path(repository) / name)
    try:
        yield
    finally:
        module.hf_hub_download = download
