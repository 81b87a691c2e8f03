"""The recipes of diffusion models: a flow of grey digits, one of a VAE's codes, a classifier of noisy digits, and masks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets import Data, binarise, load
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.latent_flow import LatentFlow
from course_lib.models.diffusion.masked import MaskedDiffusion
from course_lib.models.diffusion.noisy_classifier import NoisyClassifier
from course_lib.models.diffusion.samplers import HEUN
from course_lib.models.latent import VAE
from course_lib.nn.velocity import TimedDense, TimedUNet
from course_lib.training import checkpoints, diffusion_measures
from course_lib.training.averaging import ExponentialAverage
from course_lib.training.recipes.autoregressive import DIGITS, MNIST
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient

CLASSES = 10
CODER = "vae-mnist"
USED = 0.1  # least standard deviation, over digits, of the posterior mean of a latent that counts as used
AVERAGED = partial(Gradient, averaging=ExponentialAverage(0.999))
LABELLED = {"labels": True, "split": "train+validation", "half": True}


def image_flow() -> VelocityFlow:
    """A class-conditional flow of grey digits, whose network sees them as 14 x 14 squares of four pixels."""
    return VelocityFlow(network=TimedUNet(rows=CLASSES + 1), event_shape=MNIST, classes=CLASSES, drop=0.2, low=0.0, high=1.0)


@torch.no_grad()
def codes_of(vae: VAE, x: Tensor) -> Tensor:
    """The posterior means (N, L) of grey digits x (N, 1, 28, 28), binarised once with seed 0."""
    x = binarise(x, generator=runtime.generator(0))
    return torch.cat([vae.encode(some).mean for some in x.split(500)])


@cache
def _digit_codes(split: str) -> Data:
    digits = load("mnist", split)
    return replace(digits, x=codes_of(checkpoints.load(CODER), digits.x))


def digit_codes(split: str) -> Data:
    """The digits of a split as codes (N, 50) of the shipped vae-mnist, with their labels."""
    return _digit_codes(split)


def code_flow(vae: VAE) -> LatentFlow:
    """A class-conditional flow of the used latents of a VAE; which are used is seen on 2,000 training digits."""
    z = codes_of(vae, load("mnist", "train").x[:2_000])
    used = (z.std(0) > USED).nonzero()[:, 0].tolist()
    flow = VelocityFlow(network=TimedDense(size=len(used), rows=CLASSES + 1), event_shape=(len(used),), classes=CLASSES, drop=0.2)
    mean, spread = z.mean(0)[used].tolist(), z.std(0)[used].tolist()
    return LatentFlow(flow=flow, latent=vae.latent, kept=used, mean=mean, spread=spread)


def draw_images(model: VelocityFlow) -> diffusion_measures.Draw:
    """How digits are drawn to be measured: 10 steps of Heun's method, which evaluate the network 19 times."""
    return lambda y, w, generator: model.given(y, w).sample(len(y), steps=10, sampler=HEUN, generator=generator)


def draw_decoded(model: LatentFlow) -> diffusion_measures.Draw:
    """The same by 20 steps in the space of codes; a digit is the mean of p(x | z)."""
    vae = checkpoints.load(CODER, device=runtime.device_of(model))
    return lambda y, w, generator: (
        vae.decode(model.sample(len(y), y=y, guidance=w, steps=20, sampler=HEUN, generator=generator)).mean
    )


DIFFUSION: dict[str, Recipe] = {
    "flow-mnist": Recipe(
        image_flow,
        "flow matching of grey digits, a U-Net of 0.6 million parameters told the class",
        (1, 1, 20),
        step=AVERAGED(lr=2e-3, clip=1.0),
        measure=diffusion_measures.Guided(draw_images),
        examples=(64, 6_400, None),
        batch_size=64,
        **LABELLED,
    ),
    "latent-flow-mnist": Recipe(
        code_flow,
        "flow matching of the used latents of vae-mnist, a dense network told the class",
        (1, 4, 16),
        step=AVERAGED(lr=2e-3),
        measure=diffusion_measures.Guided(draw_decoded, fewer=10_000),
        examples=(512, 20_000, None),
        source=digit_codes,
        batch_size=256,
        start=CODER,
        **LABELLED,
    ),
    "noisy-classifier-mnist": Recipe(
        partial(NoisyClassifier, event_shape=MNIST, classes=CLASSES),
        "classifier of noisy grey digits, told the time",
        (1, 1, 6),
        step=AVERAGED(lr=3e-3),
        measure=diffusion_measures.AccuracyByTime(),
        batch_size=100,
        **LABELLED,
    ),
    "masked-mnist": Recipe(
        partial(MaskedDiffusion, event_shape=MNIST),
        "masked diffusion of binary digits, a U-Net of 0.6 million parameters, every order",
        (1, 1, 20),
        step=AVERAGED(lr=2e-3, clip=200.0),
        measure=diffusion_measures.NatsInAnyOrder(),
        examples=(64, 6_400, None),
        batch_size=64,
        **DIGITS,
    ),
}
