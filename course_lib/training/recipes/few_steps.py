"""The recipe of few steps: a MeanFlow of the used latents of vae-mnist, which makes a digit in one step, and its film."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import load
from course_lib.metrics.features import features
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.diffusion.latent_flow import LatentFlow
from course_lib.models.diffusion.mean_flow import JUMP, MeanFlow
from course_lib.models.latent import VAE
from course_lib.nn.velocity import TimedDense
from course_lib.training import checkpoints, diffusion_measures
from course_lib.training.films import Film
from course_lib.training.recipes.diffusion import AVERAGED, CLASSES, CODER, LABELLED, code_flow, digit_codes
from course_lib.training.recipes.form import Recipe

FASTEST = 8.0  # angular frequency of the features of time: the loss differentiates them
EPOCHS, STEPS_PER_EPOCH, FRAMES = 40, 235, 25  # of the full training; frames after the first one
SHOWN, JUDGED = 10, 500  # digits in a frame, and digits from which the film's Fréchet distance is measured


def mean_code_flow(vae: VAE) -> LatentFlow:
    """As `code_flow`, with a MeanFlow: the same used latents, means and spreads."""
    other = code_flow(vae)
    network = TimedDense(size=len(other.kept), rows=CLASSES + 1, spans=True, fastest=FASTEST)
    flow = MeanFlow(network=network, event_shape=(len(other.kept),), classes=CLASSES, drop=0.1, middle=False)
    return LatentFlow(flow=flow, latent=other.latent, kept=other.kept, mean=other.mean, spread=other.spread)


def draw_by_jumps(steps: int, model: LatentFlow) -> diffusion_measures.Draw:
    """How digits are drawn in so many steps of the mean velocity; a digit is the mean of p(x | z)."""
    vae = checkpoints.load(CODER, device=runtime.device_of(model))
    return lambda y, w, generator: (
        vae.decode(model.sample(len(y), y=y, guidance=w, steps=steps, sampler=JUMP, generator=generator)).mean
    )


def film(step: Any) -> Film:
    """A film of one digit of each class, made in one step from fixed noise, with the Fréchet distance of JUDGED digits."""
    vae, judge = checkpoints.load(CODER, device=runtime.device_of(step.model)), checkpoints.load("features-mnist")
    real = features(judge, load("mnist", "validation").x[:2_000])

    def made(n: int, model: nn.Module) -> Tensor:
        g = runtime.generator(0, runtime.device_of(model))
        y = torch.arange(n, device=g.device) % CLASSES
        return vae.decode(model.sample(n, y=y, steps=1, sampler=JUMP, generator=g)).mean

    def distance(model: nn.Module) -> dict[str, float]:
        return {"fid": frechet_distance(features(judge, made(JUDGED, model).cpu()), real)}

    every = EPOCHS * STEPS_PER_EPOCH // FRAMES
    return Film(step, partial(made, SHOWN), every=every, scalars=["loss"], span=(0.0, 1.0), measure=distance)


FEW_STEPS: dict[str, Recipe] = {
    "mean-flow-mnist": Recipe(
        mean_code_flow,
        "mean velocities of the used latents of vae-mnist, told the class: digits in one step",
        (1, 2, EPOCHS),
        step=AVERAGED(lr=2e-3),
        measure=diffusion_measures.BySteps(draw_by_jumps),
        examples=(512, 20_000, None),
        source=digit_codes,
        batch_size=256,
        start=CODER,
        film=film,
        **LABELLED,
    ),
}
