"""The recipes of models with latent variables, in the order of the lessons: autoencoders, VAEs, levels."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from course_lib import runtime
from course_lib.datasets import Data, binarise, load
from course_lib.models.latent import VAE, HierarchicalVAE, VectorQuantised
from course_lib.models.latent.autoencoder import Autoencoder
from course_lib.models.latent.objectives import ELBO, ImportanceBound
from course_lib.models.latent.priors import MixturePrior
from course_lib.models.sequence import CausalTransformer
from course_lib.training import checkpoints, measures
from course_lib.training.recipes.autoregressive import DIGITS, INK, MNIST
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient

GREY = {"mean": 0.1307, "spread": 0.3081}  # of grey digits
WIDTHS = {"dense": (26,), "convolutional": (16, 20), "recurrent": (68,), "attention": (33, 33)}  # 21,000 parameters each
LATENTS = (1, 2, 4, 8, 16, 32, 64)


def autoencoder(about: str, *, latent: int = 16, encoder: str = "convolutional", noise: float = 0.0) -> Recipe:
    """The recipe of an autoencoder: the encoder is chosen, the decoder always has two transposed convolutions."""
    build = partial(
        Autoencoder, event_shape=MNIST, latent=latent, encoder=encoder, widths=WIDTHS[encoder],
        decoder="convolutional", decoder_widths=(16, 16), noise=noise, **GREY,
    )  # fmt: skip
    return Recipe(
        build,
        about,
        (1, 1, 4),
        step=Gradient(lr=5e-3),
        measure=measures.squared_error,
        split="train+validation",
        precision="float32",
        half=True,
    )


AUTOENCODERS: dict[str, Recipe] = {
    **{f"ae-mnist-{k}": autoencoder(f"convolutional autoencoder, codes of {k}", latent=k) for k in LATENTS},
    **{
        f"ae-mnist-{kind}": autoencoder(f"autoencoder with a {kind} encoder, codes of 16", encoder=kind)
        for kind in WIDTHS
        if kind != "convolutional"  # that is ae-mnist-16
    },
    "ae-mnist-denoising": autoencoder("as ae-mnist-16, its inputs with Gaussian noise of scale 0.5", noise=0.5),
}


on_mnist = partial(Recipe, step=Gradient(lr=2e-3, clip=200.0), measure=measures.Bounds(1_000), precision="bfloat16", **DIGITS)
further = partial(on_mnist, step=Gradient(lr=1e-3, clip=200.0), start="vae-mnist")
flat_vae = partial(VAE, event_shape=MNIST, latent=50, **INK)
convolutional_vae = partial(flat_vae, hidden=(256,), convolutions=(16, 32))


def continued(start: VAE, new: Set[str] = frozenset(), **settings: Any) -> VAE:
    """A VAE of vae-mnist's shape with other settings, which begins at the parameters of `start`.

    new: the names of the parameters that `start` does not have. ValueError when any other name differs.
    """
    model = convolutional_vae(**settings)
    missing, unexpected = model.load_state_dict(start.state_dict(), strict=False)
    if set(missing) != set(new) or unexpected:
        raise ValueError(
            f"the new VAE lacks parameters {sorted(missing)} and does not know {sorted(unexpected)} of the model it begins at; "
            f"expected to lack {sorted(new)} alone: a parameter was renamed, or the two models differ in shape"
        )
    return model


def mixture_vae(start: VAE) -> VAE:
    """vae-mnist with a learned prior, which begins as a mixture around the codes of 200 training digits."""
    new = {"prior.logits", "prior.mean", "prior.log_scale"}
    model = continued(start, new, prior=MixturePrior(components=200))
    x = binarise(load("mnist", "train").x[: model.prior.components], generator=runtime.generator(0))
    with torch.no_grad():
        model.prior.mean.copy_(model.encode(x).mean)
    return model


def _plane(about: str, **settings: Any) -> Recipe:
    """A VAE of two latent variables, so that all of the latent space can be seen. The recipes differ in `settings` alone."""
    return on_mnist(
        partial(VAE, event_shape=MNIST, latent=2, hidden=(80, 50), **INK, **settings),
        f"VAE, 2 latent variables, {about}",
        (1, 3, 25),
        step=Gradient(lr=3e-3, clip=200.0),
        measure=measures.Bounds(100),
        precision="float32",
    )


VAES: dict[str, Recipe] = {
    "vae-mnist": on_mnist(
        convolutional_vae,
        "VAE, 50 latent variables, two convolutions and 256 hidden units each way, trained by the ELBO",
        (1, 2, 60),
    ),
    "vae-dense-mnist": on_mnist(
        partial(flat_vae, hidden=(300, 300)),
        "VAE, 50 latent variables, 2 x 300 hidden units each way, trained by the ELBO",
        (1, 4, 180),
    ),
    "vae-mixture-mnist": further(
        mixture_vae, "vae-mnist trained on with a learned prior, a mixture of 200 Gaussians", (1, 2, 25)
    ),
    "iwae-mnist": further(
        partial(continued, objective=ImportanceBound(samples=8)),
        "vae-mnist trained on by the importance bound of 8 draws",
        (1, 1, 12),
    ),
    "vae-plane-mnist": _plane("trained by the ELBO"),
    "vae-plane-mnist-no-kl": _plane("trained without the KL", objective=ELBO(beta=0.0)),
    "vae-plane-mnist-strong-kl": _plane("trained with 30 times the KL", objective=ELBO(beta=30.0)),
}  # fmt: skip


SYMBOLS, SCALES = 64, (4, 8)  # of the faces' codes


@torch.no_grad()
def face_codes(split: str) -> Data:
    """The drawn faces as symbols (N, T), coarse to fine, by the shipped vq-faces, or else the user's own."""
    shipped = "vq-faces" in checkpoints.names()
    coder = checkpoints.load("vq-faces", folder=None if shipped else checkpoints.own_dir())
    faces = load("faces", split)
    return replace(faces, x=torch.cat([coder.code(x) for x in faces.x.split(500)]))


LEVELS: dict[str, Recipe] = {
    "hierarchical-vae-mnist": on_mnist(
        partial(
            HierarchicalVAE,
            event_shape=MNIST,
            latents=(50, 25, 12),
            hidden=((200, 150), (90,), (50,)),
            activation="gated",
            warm_up=6_000,
            **INK,
        ),
        "ladder VAE, 50, 25 and 12 latent variables in three levels, warm-up over 20 epochs",
        (1, 4, 120),
        step=Gradient(lr=3e-3, clip=200.0),
        batch_size=200,
    ),
    "vq-faces": Recipe(
        partial(VectorQuantised, event_shape=(3, 32, 32), entries=SYMBOLS, scales=SCALES),
        "VQ-VAE: faces of 32 x 32 as 80 symbols out of 64, 16 coarse and 64 fine",
        (1, 2, 20),
        step=Gradient(lr=3e-3),
        measure=measures.squared_error,
        examples=(256, 2_000, None),
        data="faces",
        batch_size=64,
        precision="bfloat16",
        half=True,
    ),
    "vq-prior-faces": Recipe(
        partial(CausalTransformer, symbols=SYMBOLS, length=sum(size * size for size in SCALES), width=64, heads=4, layers=3),
        "transformer over the 80 symbols of a face, coarse to fine",
        (1, 2, 7),
        step=Gradient(lr=3e-3, clip=1.0),
        measure=measures.NatsPerSymbol(),
        examples=(256, 2_000, None),
        data="faces",
        source=face_codes,
        batch_size=64,
        precision="float32",
        half=True,
    ),
}


LATENT: dict[str, Recipe] = {**AUTOENCODERS, **VAES, **LEVELS}
