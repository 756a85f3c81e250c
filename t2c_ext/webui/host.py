"""What the extension needs of the WebUI that it runs in, and which WebUI that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from PIL import Image
from torch import Tensor, nn

from t2c_ext.motion.text_context import TextEncoder
from t2c_ext.twin.rows import Row
from t2c_ext.webui.calls import Calls, Cast

Result = TypeVar("Result")


class Host(Protocol):
    """A WebUI while one of its processing objects makes pictures.

    Conditions (`Any`) are the host's own objects, one row for each picture.

    Attributes:
        processing: the host's processing object whose pictures are made.
    """

    processing: Any

    def unet(self) -> nn.Module:
        """The UNet that will run next; hooks on it and its modules fire.

        Raises:
            UserError: there is none.
        """

    def listen(self, receive: Callable[[Any], None]) -> AbstractContextManager[None]:
        """While it is active, `receive(params)` is called before each step's UNet calls; what it raises is lost."""

    def hide_twins(self, count: int) -> AbstractContextManager[None]:
        """While it is active, previews show the first `count` rows of the batch; with 0, the last one stays."""

    def shown(self, cast: Cast) -> tuple[Row, ...]:
        """Whom each row of `params.x` shows, where `params` is what `listen` hands over."""

    def calls(self, cast: Cast, params: Any) -> Calls:
        """Follows the UNet calls of the step that `params` belongs to."""

    def noised(self, clean: Tensor, noise: Tensor, params: Any) -> Tensor:
        """Clean latents at the level of noise of the step that `params` belongs to, on the scale of `params.x`."""

    def noise(self, shape: Sequence[int], seeds: Sequence[int], subseeds: Sequence[int]) -> Any:
        """The host's source of noise, in which each row has its own seed: `next()` is [rows, *shape]."""

    def conditions(self, naturals: Sequence[str], artistic: Any) -> tuple[list[str], Any]:
        """The twins' conditions, made so that the pictures' stay what they are beside them.

        Args:
            naturals: the twins' prompts.
            artistic: the pictures' conditions.

        Returns:
            The prompts, shortened where they had to be, and their conditions.
        """

    def negatives(self, naturals: Sequence[str], unconditional: Sequence[Any]) -> list[Any]:
        """The twins' negative conditions, each as long as its picture's.

        Args:
            naturals: the twins' negative prompts; terms are taken off where one is longer than its picture's.
            unconditional: the pictures' rows; a twin has its picture's where its own cannot be made as long.
        """

    def encoded(self, prompts: Sequence[str]) -> Any:
        """The conditions of prompts, whatever their length; it leaves nothing in the generation parameters."""

    def joined(self, *conditions: Any) -> Any:
        """The conditions of several batches as those of one."""

    def token_positions(self, prompt: str, words: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Where a prompt's words stand among the tokens that the text encoder sees.

        Args:
            prompt: as the host is given it, syntax included; of parts joined by AND, the first is looked at.
            words: as they stand in the prompt.

        Returns:
            For each word that was found, its positions; the start token of the first chunk is position 0.
        """

    def text_encoder(self) -> TextEncoder | None:
        """The checkpoint's own text encoder where it is the one that the paper's network reads, else None."""

    def sample(self, noise: Tensor, conditional: Any, unconditional: Any) -> Tensor:
        """Latents from noise, by the sampler of the processing object; `unconditional` is None without guidance."""

    def encode(self, picture: Image.Image) -> Tensor:
        """[1, C, h, w], the latent of a picture whose sides the VAE takes."""

    def decode(self, latents: Tensor) -> list[Image.Image]:
        """The pictures of latents, one by one."""

    def free(self) -> None:
        """Give unused memory back to the device, also after a sampling that broke off."""

    def stopped(self) -> bool:
        """Whether the user has broken off what is being sampled; what the host stops after is finished first."""


def host_of(processing: Any) -> Host:
    """The adapter of the WebUI that made a processing object, known by how its model is built.

    Forge and reForge keep the model's parts in `forge_objects`, each with a noise schedule of its own kind; whatever
    has neither is taken for AUTOMATIC1111's.
    """
    from t2c_ext.webui.a1111 import Automatic1111
    from t2c_ext.webui.forge import Forge, ReForge

    objects = getattr(getattr(processing, "sd_model", None), "forge_objects", None)
    model = getattr(getattr(objects, "unet", None), "model", None)
    if hasattr(model, "predictor"):
        return Forge(processing)
    return ReForge(processing) if hasattr(model, "model_sampling") else Automatic1111(processing)


def chosen_model() -> Any:
    """The model of the checkpoint that is chosen; Forge would load it only when it makes pictures."""
    from modules import sd_models, shared

    load = getattr(sd_models, "forge_model_reload", None)
    if load is not None:
        load()
    return shared.sd_model


def on_gpu_thread(work: Callable[[], Result]) -> Result:
    """Run work on the thread where the host wants work on the GPU to run; what it raises is raised here.

    Forge and reForge keep one thread for that; AUTOMATIC1111's takes any.
    """
    try:
        from modules_forge import main_thread  # type: ignore[import-not-found]
    except ImportError:
        return work()
    results: list[Result] = []
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            results.append(work())
        except Exception as error:  # the host's thread would print and lose it
            failed.append(error)

    main_thread.run_and_wait_result(attempt)
    if failed:
        raise failed[0]
    return results[0]


def in_turn(work: Callable[[], None]) -> None:
    """Run work while the host makes no picture, where the host wants work on the GPU to run; raises what it raises."""
    from modules import shared
    from modules.call_queue import queue_lock

    with queue_lock:
        shared.state.begin(job="cinemagraph")
        try:
            on_gpu_thread(work)
        finally:
            shared.state.end()


def by_name(names: Sequence[str], arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name."""
    return dict(zip(names, arguments, strict=False)) | dict(named)
