"""The recipes of models with latent variables. They are measured by bounds: the ELBO and the importance bound."""

from __future__ import annotations

from functools import partial

from course_lib.models.latent import VAE
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.images import INK, MNIST

on_mnist = partial(Recipe, lr=2e-3, clip=200.0, mixed_precision=True, half=True)
flat_vae = partial(VAE, event_shape=MNIST, latent=50, hidden=(300, 300), **INK)

LATENT: dict[str, Recipe] = {
    "vae-mnist": on_mnist(flat_vae, "VAE, 50 latent variables, 2 x 300 hidden units each way, trained by the ELBO", (1, 4, 180)),
}
