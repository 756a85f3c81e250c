"""Loading a network from its folder, running it on the best device, letting it go."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.types import FloatArray
from t2c_ext.weights.folders import TRANSFORMER, load_folder

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")
N = TypeVar("N")

INSTALL = 'install them with: pip install "text2cinemagraph-webui[models]"'


@dataclass(frozen=True)
class Hardware:
    """Where a network runs.

    Attributes:
        device: a torch device, such as "cuda" or "cuda:1".
        half: weights and most arithmetic in half precision.
    """

    device: str
    half: bool = False


def best_hardware(device: str | None = None) -> Hardware:
    """The given device, else the first of CUDA, MPS and the CPU that is here; half precision on CUDA.

    Raises:
        UserError: this machine lacks the device.
    """
    from t2c_ext.weights.devices import choose_device

    name = str(choose_device(device or "auto"))
    return Hardware(name, half=name.startswith("cuda"))


def from_transformers(name: str) -> Any:
    """A class of transformers.

    Raises:
        UserError: transformers or torch is not installed, or the installed version lacks the class.
    """
    try:
        importlib.import_module("torch")
        library = importlib.import_module("transformers")
    except ImportError as error:
        raise UserError(f"this segmenter needs torch and transformers ({error}); {INSTALL}") from None
    try:
        with quiet():
            found = getattr(library, name)
    except (AttributeError, ImportError):
        version = library.__version__
        raise UserError(f"the installed transformers {version} has no {name}; use a newer one") from None
    return found


class Network:
    """A transformers model for inference, on its hardware.

    Attributes:
        config: its configuration.
    """

    def __init__(self, model_class: str, folder: Path, hardware: Hardware) -> None:
        """Load every weight from the folder; the CPU stands in for a device without the memory for them.

        Raises:
            UserError: a file is missing, damaged or of another model, or holds code.
        """
        from t2c_ext.weights.devices import out_of_memory

        self._model, self._hardware = load_model(model_class, folder), hardware
        self.config = self._model.config
        try:
            self._move(hardware)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            self._move(Hardware("cpu"))

    def __call__(self, call: Callable[[Any, Callable[[Any], Any]], T]) -> T:
        """Run `call(model, send)` without gradients; `send` brings tensors to the model's device.

        Where half precision overflows it runs in single precision, and where the device has too little memory, or
        lacks an operation, on the CPU: slower, with the same result.
        """
        from t2c_ext.weights.devices import free_memory, out_of_memory

        try:
            result = self._run(call)
            if not self._hardware.half or is_finite(result):
                return result
            self._move(Hardware(self._hardware.device))
            return self._run(call)
        except RuntimeError as error:  # NotImplementedError is one
            lacks = isinstance(error, NotImplementedError) or out_of_memory(error)
            if not lacks or self._hardware.device == "cpu":
                raise
        self._move(Hardware("cpu"))
        free_memory()
        return self._run(call)

    @property
    def device(self) -> str:
        """The device that it is on."""
        return self._hardware.device

    def _run(self, call: Callable[[Any, Callable[[Any], Any]], T]) -> T:
        import torch

        kind = self._hardware.device.split(":")[0]
        half = _half(self._hardware)
        with torch.inference_mode(), torch.autocast(kind if kind != "mps" else "cpu", half, self._hardware.half):
            return call(self._model, lambda tensors: tensors.to(self._hardware.device))

    def _move(self, hardware: Hardware) -> None:
        import torch

        half = _half(hardware)
        self._model.to(device=hardware.device, dtype=half if hardware.half else torch.float32)
        self._hardware = hardware


def _half(hardware: Hardware) -> Any:
    """What stands for half precision: bfloat16 on the CPU, which has no fast float16."""
    import torch

    return torch.bfloat16 if hardware.device.split(":")[0] == "cpu" else torch.float16


class Lazily(Generic[N]):
    """Something that is made when it is first asked for, and let go on `close`."""

    def __init__(self, make: Callable[[], N]) -> None:
        """Keep `make`; nothing is made yet."""
        self._make = make
        self._made: N | None = None

    def __call__(self) -> N:
        """It, made if need be."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def close(self) -> None:
        """Let it go, and give its memory on the device back."""
        if self._made is None:
            return
        from t2c_ext.weights.devices import free_memory

        self._made = None
        free_memory()


def is_finite(result: Any) -> bool:
    """Whether every number in arrays, tensors, and what is made of them, is finite."""
    import torch

    if isinstance(result, torch.Tensor):
        return bool(result.isfinite().all()) if result.is_floating_point() else True
    if isinstance(result, (np.ndarray, np.number, float)):
        return bool(np.isfinite(result).all())
    parts = result.values() if isinstance(result, Mapping) else result if isinstance(result, (list, tuple)) else ()
    return all(is_finite(part) for part in parts)


def load_model(model_class: str, folder: Path) -> Any:
    """A model in evaluation mode, in single precision on the CPU, with every weight from the folder.

    Nothing is downloaded, and no code in a file is run.

    Raises:
        UserError: a file is missing, damaged or of another model, or holds code.
    """
    model_type = from_transformers(model_class)
    with quiet():
        try:
            config = model_type.config_class.from_pretrained(str(folder), local_files_only=True)
            # without a folder the library reads no file of weights by itself
            model, report = model_type.from_pretrained(
                None,
                config=config,
                state_dict=load_folder(folder, TRANSFORMER),
                output_loading_info=True,
                torch_dtype=_single(),
            )
        except UserError:
            raise
        except ImportError as error:
            raise UserError(f"{model_class} needs a library that is not installed: {_first_line(error)}") from None
        except Exception as error:  # each library has its own kinds of error for a damaged file
            raise UserError(f"cannot load the model in {folder}: {_first_line(error)}; download it again") from None
    missing = set(report["missing_keys"]) & {name for name, _ in model.named_parameters()}
    if missing or report.get("mismatched_keys"):
        wrong = sorted(missing or {str(row[0]) for row in report["mismatched_keys"]})
        raise UserError(f"the model in {folder} lacks {len(wrong)} weights, such as {wrong[0]}; download it again")
    return model.eval()


def load_processor(processor_class: str, folder: Path) -> Any:
    """A processor or tokenizer from the folder's own files.

    Raises:
        UserError: a file is missing or damaged.
    """
    kind = from_transformers(processor_class)
    with quiet():
        try:
            return kind.from_pretrained(str(folder), local_files_only=True)
        except Exception as error:  # likewise
            raise UserError(f"cannot read the processor in {folder}: {_first_line(error)}; download it again") from None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON document.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {_first_line(error)}") from None
    if not isinstance(document, dict):
        raise UserError(f"cannot read {path}: it is not an object")
    return document


class quiet:  # noqa: N801
    """A context in which transformers prints neither bars nor remarks."""

    def __enter__(self) -> None:
        """Remember how talkative it was."""
        logging = importlib.import_module("transformers.utils.logging")
        self._level, self._bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        """Let it talk as before."""
        logging = importlib.import_module("transformers.utils.logging")
        logging.set_verbosity(self._level)
        if self._bars:
            logging.enable_progress_bar()


def as_image(picture: FloatArray, size: tuple[int, int]) -> Image.Image:
    """A picture (float32 [H, W, 3], 0..1) as 8-bit RGB of size (height, width), as networks were trained on it."""
    from PIL import Image

    eight_bit = np.round(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(eight_bit))
    height, width = size
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BILINEAR)


def _single() -> Any:
    import torch

    return torch.float32


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
