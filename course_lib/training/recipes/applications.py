"""The recipes of the models that lesson 25 applies: clothes for outliers, M2 with few labels, features without labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import Data, load
from course_lib.metrics.features import features
from course_lib.metrics.likelihood import mean_with_error
from course_lib.metrics.probes import draw_labelled, linear_probe
from course_lib.models.autoregressive import PixelCNN
from course_lib.models.contrastive import ContrastiveFeatures
from course_lib.models.latent import SemiSupervisedVAE
from course_lib.models.latent.semi_supervised import UNLABELLED
from course_lib.training import checkpoints, measures
from course_lib.training.recipes.autoregressive import INK, MNIST
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient

CLOTHES_INK = {"mean": 0.29, "spread": 0.45}  # of binarised clothes

of_clothes = partial(
    Recipe,
    partial(PixelCNN, event_shape=MNIST, features=32, layers=4, kernel=5, positions=True, **CLOTHES_INK),
    step=Gradient(lr=1e-2, optimiser="muon"),
    measure=measures.nats,
    examples=(128, 1_000, None),
    data="fashion",
    batch_size=50,
    half=True,
)

DRAWS = range(10)  # of the examples whose labels are known


@dataclass(frozen=True)
class Probed:
    """The percentage that a linear classifier of the model's features gets right, over DRAWS of `labels` training labels.

    The error is that of the mean over draws; the measured examples are the same in each.
    """

    labels: int = 100
    decay: float = 0.01

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        x, measured = recipe.load("train"), recipe.measured_data()
        seen = features(model, measured.x[: measures.SMOKE_EXAMPLES] if budget == "smoke" else measured.x)
        found = []
        for seed in DRAWS:
            rows = draw_labelled(x.y, self.labels, seed=seed)
            probe = linear_probe(features(model, x.x[rows]), x.y[rows], decay=self.decay)
            found.append(probe.percent_correct(seen, measured.y[: len(seen)]))
        mean = mean_with_error(torch.tensor(found))
        name = f"{recipe.measured}_percent_correct_of_{self.labels}_labels"
        return {name: round(mean.mean, 4), "standard_error": round(mean.standard_error, 4), "draws": len(found)}


STUDY, LABELS, REPEATS = "semi-supervised", 100, 250  # known labels; how often an epoch shows each of their digits
CODES = 24  # the numbers of a code of vae-mnist that are used


def few_labels(draw: int, split: str) -> Data:
    """Digits of which 100 have a label and all others -1; the labelled ones occur REPEATS times. Other splits are grey."""
    digits = load("mnist", split)
    if split != "train":
        return digits
    rows, y = _with_repeats(digits.y, draw)
    return replace(digits, x=digits.x[rows], y=y, binarisation="resampled")


def few_labelled_codes(draw: int, split: str) -> Data:
    """As `few_labels`, with the used means of vae-mnist's codes, (N, CODES), in place of the digits."""
    digits = load("mnist", split)
    rows, y = _with_repeats(digits.y, draw) if split == "train" else (torch.arange(len(digits)), digits.y)
    return replace(digits, x=used_codes(split)[rows], y=y)


def _with_repeats(y: Tensor, draw: int) -> tuple[Tensor, Tensor]:
    """Rows of all digits and of the labelled ones again, shuffled, and what is known of their labels y (N,)."""
    known = draw_labelled(y, LABELS, seed=draw).repeat(REPEATS)
    rows = torch.cat([torch.arange(len(y)), known])
    labels = torch.cat([torch.full_like(y, UNLABELLED), y[known]])
    order = torch.randperm(len(rows), generator=runtime.generator(draw))
    return rows[order], labels[order]


@lru_cache(maxsize=2)
@torch.no_grad()
def used_codes(split: str) -> Tensor:
    """The CODES means of vae-mnist's q(z | x) that vary most over validation digits, (N, CODES), of digits cut at one half."""
    coder = checkpoints.load("vae-mnist")

    def means(part: str) -> Tensor:
        return torch.cat([coder.encode(x.round()).mean for x in load("mnist", part).x.split(500)])

    kept = means("validation").std(0).topk(CODES).indices.sort().values
    return means(split)[:, kept]


def _m2(draw: int) -> Recipe:
    return Recipe(
        partial(SemiSupervisedVAE, event_shape=MNIST, latent=20, hidden=(128,), weight=10.0, **INK),
        f"M2 of digits with 100 labels, draw {draw} of the labels, 20 latent variables",
        (1, 1, 1),
        step=Gradient(lr=2e-3),
        measure=measures.accuracy,
        examples=(600, 2_000, None),
        source=partial(few_labels, draw),
        labels=True,
        seed=draw,
        half=True,
        study=STUDY,
        weights=draw == 0,
    )


def _m1_m2(draw: int) -> Recipe:
    return replace(
        _m2(draw),
        build=partial(SemiSupervisedVAE, event_shape=(CODES,), latent=10, hidden=(200,), output="gaussian", weight=10.0),
        about=f"M2 of the codes of vae-mnist with 100 labels, draw {draw} of the labels",
        epochs=(1, 1, 2),
        source=partial(few_labelled_codes, draw),
        weights=False,
    )


def name(kind: str, draw: int) -> str:
    """The recipe of a kind, "m2-mnist" or "m1-m2-mnist", with this draw of the labels."""
    return kind if draw == 0 else f"{kind}-{draw}"


APPLICATIONS: dict[str, Recipe] = {
    "pixelcnn-fashion": of_clothes(
        about="PixelCNN of binary clothes, four residual blocks of 16 features with 5 x 5 kernels, raster order",
        epochs=(1, 1, 8),
        binarisation="resampled",
    ),
    **{name("m2-mnist", draw): _m2(draw) for draw in DRAWS},
    **{name("m1-m2-mnist", draw): _m1_m2(draw) for draw in DRAWS},
    "contrastive-mnist": Recipe(
        partial(ContrastiveFeatures, event_shape=MNIST),
        "features of digits learned without labels, from two turned, stretched and shifted views of each",
        (1, 1, 10),
        step=Gradient(lr=2e-3),
        measure=Probed(),
        batch_size=200,
        half=True,
    ),
}
