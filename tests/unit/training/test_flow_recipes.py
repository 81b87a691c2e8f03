"""The recipes of flows: what is counted in the training digits, what is measured, and what the shipped flows reach."""

import math
from dataclasses import replace

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import load
from course_lib.metrics.likelihood import negative_bound, negative_log_likelihood
from course_lib.models.flows import Dequantised, RealNVP
from course_lib.training import checkpoints, recipes
from course_lib.training.recipes import flows


def test_the_histograms_are_those_of_the_training_split():
    counted = flows.histograms()
    assert len(counted["counts"]) == 256
    assert len(counted["black"]) == 784
    assert sum(counted["counts"]) == 784 * counted["images"]
    assert sum(counted["black"]) == counted["counts"][0]
    assert counted["images"] == len(load("mnist", "train").x)


def test_bits_are_the_bound_over_the_dimensions_and_the_importance_bound_is_tighter():
    model = Dequantised(flow=RealNVP(**flows.histograms(), widths=(2, 2, 2), couplings=(1, 1, 1)))
    with torch.no_grad():
        model.flow.chain.layers[2].shift.fill_(0.3)  # a flow that does not fit: its cells are not flat
    recipe = replace(recipes.RECIPES["realnvp-mnist"], measured="validation", split="train")
    found = flows.GreyBits(draws=20, examples=50)(model, recipe, "smoke")
    x = recipe.measured_data().x[: found["n"]]
    nats = negative_bound(model, x, generator=runtime.generator(0)).mean
    assert found["validation_elbo_nats"] == pytest.approx(nats, abs=1e-3)
    assert found["validation_bits_per_dim"] == pytest.approx(nats / 784 / math.log(2), abs=1e-4)
    assert found["importance_n"] == 50
    few = negative_bound(model, x[:50], generator=runtime.generator(3)).mean / 784 / math.log(2)
    assert found["validation_importance_bits_per_dim"] < few


@pytest.mark.parametrize("name", [f"{kind}-{toy}" for kind in flows.LAYERED for toy in flows.TOYS])
def test_a_shipped_flow_of_the_plane_has_the_nats_that_its_description_says(name):
    model, metrics = checkpoints.load(name), checkpoints.describe(name)["metrics"]
    found = negative_log_likelihood(model, load(recipes.RECIPES[name].data, "test").x)
    assert found.mean == pytest.approx(metrics["test_nats"], abs=2e-3)
