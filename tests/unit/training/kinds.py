"""Tiny recipes of every kind of learning, for the tests of `train` and of `course train`.

The models of the course must come from course_lib.models, or no checkpoint of theirs would be read: those that are defined here
are put into a module of that name for the time of a test.
"""

import sys
import types
from functools import partial

import torch
from torch import nn

from course_lib import runtime
from course_lib.datasets import Data
from course_lib.models.latent import VAE
from course_lib.models.probability.mixtures import GaussianMixture
from course_lib.models.protocols import AdversarialModel, GenerativeModel
from course_lib.runtime import standard_normal, uniform
from course_lib.training import AdversarialStep, ContrastiveDivergenceStep, EMStep
from course_lib.training.measures import Bounds, nats
from course_lib.training.recipes import Gradient, Recipe


class LineGAN(AdversarialModel):
    """A shift and scale of noise on the line against a logistic discriminator."""

    event_shape = (1,)

    def __init__(self):
        super().__init__()
        self.generator, self.discriminator = nn.Linear(1, 1), nn.Linear(1, 1)

    @property
    def players(self):
        return {"discriminator": self.discriminator, "generator": self.generator}

    def generate(self, z):
        return self.generator(z)

    def player_loss(self, name, x, *, generator=None):
        made = self.discriminator(self.generate(standard_normal(x.shape, x, generator)))
        if name == "generator":
            return nn.functional.softplus(-made).mean()
        return nn.functional.softplus(-self.discriminator(x)).mean() + nn.functional.softplus(made).mean()

    @torch.no_grad()
    def sample(self, n, *, generator=None):
        return self.generate(standard_normal((n, 1), self.generator.weight, generator))


class SmallRBM(GenerativeModel):
    """A restricted Boltzmann machine of binary units."""

    def __init__(self, *, visible=4, hidden=3):
        super().__init__()
        self.visible, self.hidden, self.event_shape = visible, hidden, (visible,)
        self.W = nn.Parameter(0.1 * torch.randn(visible, hidden))
        self.b, self.c = nn.Parameter(torch.zeros(visible)), nn.Parameter(torch.zeros(hidden))

    def sample(self, n, *, generator=None):
        return (uniform((n, self.visible), self.W, generator) < torch.sigmoid(self.b)).float()


def line(split):
    """Numbers around 3; another draw for each split."""
    seed = ("train", "validation", "test").index(split)
    return Data(3 + torch.randn(64, 1, generator=runtime.generator(seed)), None, "line", split)


def patterns(split):
    """Rows of four biased bits; another draw for each split."""
    seed = ("train", "validation", "test").index(split)
    draw = torch.rand(64, 4, generator=runtime.generator(seed))
    return Data((draw < torch.tensor([0.9, 0.2, 0.7, 0.5])).float(), None, "patterns", split)


def adversarial(model, recipe, total_steps):
    return AdversarialStep(model, lr=0.02, discriminator_steps=2, precision=recipe.precision, seed=recipe.seed)


def persistent(model, recipe, total_steps):
    return ContrastiveDivergenceStep(model, lr=0.1, persistent=True, seed=recipe.seed)


def em(model, recipe, total_steps):
    return EMStep(model, seed=recipe.seed)


tiny = partial(Recipe, epochs=(3, 3, 3), examples=(64, 64, 64), batch_size=16)
KINDS = {
    "tiny-gan": tiny(LineGAN, "a GAN on the line", source=line, step=adversarial),
    "tiny-rbm": tiny(SmallRBM, "an RBM", source=patterns, step=persistent),
    "tiny-mixture": tiny(
        partial(GaussianMixture, event_shape=(1,), components=2), "EM", source=line, step=em, measure=nats, batch_size=64
    ),
    "tiny-vae": tiny(
        partial(VAE, event_shape=(4,), latent=2, hidden=(4,)),
        "a VAE",
        source=patterns,
        step=Gradient(lr=1e-2),
        measure=Bounds(5),
    ),
}


def install(monkeypatch, recipes=KINDS):
    """Put the recipes into the course's table, and the classes of this file where checkpoints look for them."""
    from course_lib.training.recipes import RECIPES

    module = types.ModuleType("course_lib.models.tiny_kinds")
    for kind in (LineGAN, SmallRBM):
        monkeypatch.setattr(kind, "__module__", module.__name__)
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name, recipe in recipes.items():
        monkeypatch.setitem(RECIPES, name, recipe)
