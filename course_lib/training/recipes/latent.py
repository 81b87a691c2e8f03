"""The recipes of models with latent variables. They are measured by bounds: the ELBO and the importance bound."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from course_lib import runtime
from course_lib.datasets import binarise, load
from course_lib.models.latent import VAE
from course_lib.training import checkpoints
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.images import INK, MNIST

on_mnist = partial(Recipe, lr=2e-3, clip=200.0, mixed_precision=True, half=True)
flat_vae = partial(VAE, event_shape=MNIST, latent=50, **INK)
convolutional_vae = partial(flat_vae, hidden=(256,), convolutions=(16, 32))


def _further(**given: Any) -> VAE:
    """The shipped vae-mnist, to be trained on in another way: what is not `given` goes on from its parameters."""
    model = convolutional_vae(**given)
    model.load_state_dict(checkpoints.load("vae-mnist").state_dict(), strict=False)
    return model


def mixture_vae() -> VAE:
    """vae-mnist with a learned prior, which begins as a mixture around the codes of 200 training digits."""
    model = _further(prior_kind="mixture", components=200)
    x = binarise(load("mnist", "train").x[: model.components], generator=runtime.generator(0))
    with torch.no_grad():
        model.prior_mean.copy_(model.encode(x).mean)
    return model


def _plane(about: str, **given: Any) -> Recipe:
    """Two latent variables, so that all of the latent space can be seen. They differ in what is `given` alone."""
    return on_mnist(
        lambda: VAE(event_shape=MNIST, latent=2, hidden=(80, 50), **INK, **given),
        f"VAE, 2 latent variables, {about}",
        (1, 3, 25),
        lr=3e-3,
        mixed_precision=False,
        draws=100,
    )


LATENT: dict[str, Recipe] = {
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
    "vae-mixture-mnist": on_mnist(
        mixture_vae, "vae-mnist trained on with a learned prior, a mixture of 200 Gaussians", (1, 2, 25), lr=1e-3
    ),
    "iwae-mnist": on_mnist(
        partial(_further, iwae=True, samples=8), "vae-mnist trained on by the importance bound of 8 draws", (1, 1, 12), lr=1e-3
    ),
    "vae-plane-mnist": _plane("trained by the ELBO"),
    "vae-plane-mnist-no-kl": _plane("trained without the KL", beta=0.0),
    "vae-plane-mnist-strong-kl": _plane("trained with 30 times the KL", beta=30.0),
}
