"""One more pass of a loaded model over a finished picture: where each of a list of nouns is.

The picture's latent is noised to a timestep at which the model still sees all of it but has to look, and the UNet runs
once, with the nouns as its prompt and without guidance (GoCA, arXiv 2603.06178). So it serves what was just sampled
with any sampler, and any painting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from t2c_ext.twin.diffusion.components import Components
from t2c_ext.twin.diffusion.embeddings import Conditioning, PromptEncoder, plain_parts
from t2c_ext.twin.diffusion.latents import encode, fitted_size, generators, native_side, resized, start_noise
from t2c_ext.twin.diffusion.sampling import Denoiser
from t2c_ext.twin.diffusion.schedulers import make_scheduler
from t2c_ext.twin.diffusion.tracks import Member
from t2c_ext.twin.grounding.positions import phrase_positions
from t2c_ext.types import FloatArray, NounMaps

if TYPE_CHECKING:
    from torch import Tensor

    from t2c_ext.twin.grounding.answer import TokenMaps
    from t2c_ext.twin.grounding.session import GroundingOptions

TIMESTEP = 100
"""Of 1000: where the published method listens to UNets."""


@dataclass(frozen=True)
class NounList:
    """Nouns as a prompt.

    Attributes:
        prompt: as the UNet sees it.
        positions: for each noun its places among the prompt's tokens; empty where the tokenizer does not write it.
    """

    prompt: Conditioning
    positions: Mapping[str, tuple[int, ...]]


def noun_list(encoder: PromptEncoder, nouns: Sequence[str]) -> NounList:
    """A prompt that says nothing but the nouns; brackets in them are text."""
    distinct = list(dict.fromkeys(noun.strip().lower() for noun in nouns if noun.strip()))
    caption = ", ".join(distinct)
    prompt = encoder.encode(plain_parts(caption))
    places = phrase_positions(caption, encoder.texts(prompt.ids), distinct)
    return NounList(prompt, dict(zip(distinct, places, strict=True)))


def ground_latent(
    components: Components, latent: Tensor, nouns: NounList, seed: int = 0, options: GroundingOptions | None = None
) -> TokenMaps:
    """Where the tokens of a list of nouns are.

    Args:
        components: the model.
        latent: float32 [1, 4, h, w] of the finished picture, scaled as the UNet expects it.
        nouns: what to look for, with what it competes.
        seed: of the noise; the same seed gives the same maps.
        options: where the method leaves a choice.

    Raises:
        UserError: the model is in a state in which its attention would not be what it seems.
    """
    import torch

    from t2c_ext.twin.grounding.session import GroundingSession

    device = components.placement.device
    height, width = latent.shape[2:]
    size = height * components.scale, width * components.scale
    kept = make_scheduler("ddim", components.scheduler).alphas_cumprod[TIMESTEP].to(device)
    noise = start_noise(components, size, generators([seed]))
    noised = kept.sqrt() * latent.to(device).float() + (1 - kept).sqrt() * noise
    member = Member(noised[0], nouns.prompt, True, 0, True)
    session = GroundingSession(components.unet, (height, width), options)
    with torch.no_grad(), components.at_work(components.unet):
        with session, session.call():
            Denoiser(components, size)([member], torch.tensor(TIMESTEP, device=device))
        return session.result()


def ground_pictures(
    components: Components,
    pictures: Sequence[FloatArray],
    nouns: NounList,
    seed: int = 0,
    options: GroundingOptions | None = None,
) -> TokenMaps:
    """Where the tokens of a list of nouns are in finished pictures, whoever made them: a pass over each, averaged.

    A picture is seen at about the size that the model was trained at, in its own aspect, which bounds the memory too.

    Args:
        components, nouns, seed, options: as of `ground_latent`.
        pictures: float32 [H, W, 3], 0..1, of any size that is the same for all: a painting, or it and its twin.

    Raises:
        UserError: as `ground_latent`.
    """
    from t2c_ext.twin.grounding.answer import averaged

    area = native_side(components) ** 2
    passes = []
    for rgb in pictures:
        latent = encode(components, resized(rgb, fitted_size((rgb.shape[0], rgb.shape[1]), area)))
        passes.append(ground_latent(components, latent, nouns, seed, options))
    return averaged(passes)


def find_nouns(  # noqa: PLR0917
    components: Components,
    encoder: PromptEncoder,
    pictures: Sequence[FloatArray],
    things: Sequence[str],
    others: Sequence[str] = (),
    seed: int = 0,
) -> NounMaps:
    """Where things are in finished pictures: a pass over each, with what the things compete with.

    Args:
        components, pictures, seed: as of `ground_pictures`.
        encoder: of the model's prompts.
        things: the words that name what moves; of those that mean one thing the first stands for all.
        others: the other nouns of the prompt.

    Raises:
        UserError: as `ground_latent`.
    """
    from t2c_ext.twin.grounding.answer import answer
    from t2c_ext.twin.grounding.rivals import distinct, rivals

    wanted = distinct(things)
    nouns = noun_list(encoder, [*wanted, *rivals(wanted, others)])
    return answer(ground_pictures(components, pictures, nouns, seed), nouns.positions, wanted)
