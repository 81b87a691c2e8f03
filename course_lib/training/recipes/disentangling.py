"""The recipes of a study: beta-VAEs on close-ups of faces, four betas from five seeds each, alike in all else."""

from __future__ import annotations

import math

import torch

from course_lib.datasets import close_ups
from course_lib.models.latent import VAE
from course_lib.training.recipes.form import Recipe

STUDY = "beta-vae-close-ups"
BETAS = (1, 2, 4, 8, 16)  # from seed 0
COMPARED = (1, 4, 8, 16)  # from all seeds
SEEDS = (0, 1, 2, 3, 4)
NOISE = 0.05  # standard deviation of p(x | z), the same for every beta: learned, it would undo a part of what beta does


def name(beta: float, seed: int = 0) -> str:
    """Of the checkpoint: seed 0's are shipped, of the others the numbers."""
    return f"beta-vae-{beta}-close-ups" + (f"-seed-{seed}" if seed else "")


def _model(beta: float) -> VAE:
    model = VAE(
        event_shape=close_ups.SHAPE, latent=10, hidden=(128, 128), activation="relu", output="gaussian", beta=beta, mean=0.5
    )  # fmt: skip
    with torch.no_grad():
        model.log_scale.requires_grad_(False).fill_(math.log(NOISE))
        for name, weight in model.named_parameters():
            if name.endswith("weight"):
                weight /= (
                    2  # from small weights, directions are learned one after another, the strongest first (Saxe et al. 2014)
                )
    return model


def _recipe(beta: float, seed: int) -> Recipe:
    return Recipe(
        lambda: _model(beta),
        f"VAE with beta = {beta}, 10 latent variables, on close-ups of faces, seed {seed}",
        (1, 2, 40),
        data="close_ups",
        binarisation=None,
        lr=2e-3,
        seed=seed,
        half=True,
        draws=None,
        causes=(close_ups.sample_factors, close_ups.draw),
        study=STUDY,
        weights=seed == 0,
    )


DISENTANGLING: dict[str, Recipe] = {
    name(beta, seed): _recipe(beta, seed) for beta in BETAS for seed in (SEEDS if beta in COMPARED else SEEDS[:1])
}
