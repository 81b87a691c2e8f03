"""The recipes of lesson 11's autoencoders: grey digits, squared error. Small, and measured by their error on the test digits."""

from __future__ import annotations

from functools import partial

from course_lib.models.latent.autoencoder import Autoencoder
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.images import MNIST

GREY = {"mean": 0.1307, "spread": 0.3081}  # of grey digits
WIDTHS = {"dense": (26,), "convolutional": (16, 20), "recurrent": (68,), "attention": (33, 33)}  # 21,000 parameters each
LATENTS = (1, 2, 4, 8, 16, 32, 64)


def autoencoder(about: str, *, latent: int = 16, encoder: str = "convolutional", noise: float = 0.0) -> Recipe:
    """One encoder or another, and always the same decoder of two transposed convolutions."""
    build = partial(
        Autoencoder, event_shape=MNIST, latent=latent, encoder=encoder, widths=WIDTHS[encoder],
        decoder="convolutional", decoder_widths=(16, 16), noise=noise, **GREY,
    )  # fmt: skip
    return Recipe(build, about, (1, 1, 4), binarisation=None, lr=5e-3, half=True)


AUTOENCODERS: dict[str, Recipe] = {
    **{f"ae-mnist-{k}": autoencoder(f"convolutional autoencoder, codes of {k}", latent=k) for k in LATENTS},
    **{
        f"ae-mnist-{kind}": autoencoder(f"autoencoder with a {kind} encoder, codes of 16", encoder=kind)
        for kind in WIDTHS
        if kind != "convolutional"  # that is ae-mnist-16
    },
    "ae-mnist-denoising": autoencoder("as ae-mnist-16, its inputs with Gaussian noise of scale 0.5", noise=0.5),
}
