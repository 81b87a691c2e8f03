"""The recipes of models in levels: a ladder VAE of digits, codes of faces on two scales, and a prior over those codes."""

from __future__ import annotations

from dataclasses import replace

import torch

from course_lib.datasets import Data, load
from course_lib.models.latent import HierarchicalVAE, VectorQuantised
from course_lib.models.sequence import CausalTransformer
from course_lib.training import checkpoints
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.images import INK, MNIST

STATES, SCALES = 64, (4, 8)  # of the faces' codes


@torch.no_grad()
def face_codes(split: str) -> Data:
    """The drawn faces as symbols (N, T), coarse to fine, by the shipped vq-faces, or else the user's own."""
    shipped = "vq-faces" in checkpoints.names()
    coder = checkpoints.load("vq-faces", folder=None if shipped else checkpoints.own_dir())
    faces = load("faces", split)
    return replace(faces, x=torch.cat([coder.code(x) for x in faces.x.split(500)]))


LEVELS: dict[str, Recipe] = {
    "hierarchical-vae-mnist": Recipe(
        lambda: HierarchicalVAE(
            event_shape=MNIST,
            latents=(50, 25, 12),
            hidden=((200, 150), (90,), (50,)),
            activation="gated",
            warm_up=6_000,
            **INK,
        ),
        "ladder VAE, 50, 25 and 12 latent variables in three levels, warm-up over 20 passes",
        (1, 4, 120),
        batch_size=200,
        lr=3e-3,
        clip=200.0,
        mixed_precision=True,
        half=True,
    ),
    "vq-faces": Recipe(
        lambda: VectorQuantised(event_shape=(3, 32, 32), states=STATES, scales=SCALES),
        "VQ-VAE: faces of 32 x 32 as 80 symbols out of 64, 16 coarse and 64 fine",
        (1, 2, 20),
        examples=(256, 2_000, None),
        data="faces",
        binarisation=None,
        batch_size=64,
        lr=3e-3,
        mixed_precision=True,
        half=True,
    ),
    "vq-prior-faces": Recipe(
        lambda: CausalTransformer(states=STATES, length=sum(size * size for size in SCALES), width=64, heads=4, layers=3),
        "transformer over the 80 symbols of a face, coarse to fine",
        (1, 2, 7),
        examples=(256, 2_000, None),
        data="faces",
        binarisation=None,
        source=face_codes,
        batch_size=64,
        lr=3e-3,
        clip=1.0,
        half=True,
        per_symbol=True,
    ),
}
