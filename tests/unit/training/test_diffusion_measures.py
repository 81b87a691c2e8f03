"""What the recipes of diffusion models measure, on models whose numbers are known."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.datasets import Data, load
from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive import OrderlessNADE
from course_lib.models.diffusion.noisy_classifier import NoisyClassifier
from course_lib.training import diffusion_measures, measures


class Fair(OrderlessNADE):
    """Every pixel is a fair coin, whatever is seen."""

    def predict(self, x, seen):
        return Bernoulli(torch.zeros_like(x))

    def conditionals(self, x):
        return Bernoulli(torch.zeros_like(x))


def binary(n):
    x = (torch.rand(n, 1, 4, 4, generator=runtime.generator(0)) < 0.5).float()
    return SimpleNamespace(measured="test", measured_data=lambda: Data(x, None, "coins", "test"))


def test_nats_of_a_fair_coin_in_every_order():
    model = Fair(event_shape=(1, 4, 4), hidden=(3,))
    found = diffusion_measures.NatsInAnyOrder(rounds=2, by_rows=5)(model, binary(40), "full")
    assert found["test_nats"] == pytest.approx(16 * math.log(2), abs=1e-3)
    assert found["test_nats_by_rows"] == pytest.approx(16 * math.log(2), abs=1e-3)
    assert (found["n"], found["n_by_rows"]) == (40, 5)
    smoke = diffusion_measures.NatsInAnyOrder(rounds=1)(model, binary(40), "smoke")
    assert set(smoke) == {"test_nats", "standard_error", "n"}


def test_random_orders_estimate_the_mean_over_examples_and_orders():
    runtime.seed(0)
    model = OrderlessNADE(event_shape=(1, 4, 4), hidden=(8,)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=runtime.generator(1)))
        recipe = binary(150)
        found = diffusion_measures.NatsInAnyOrder(rounds=60, by_rows=2)(model, recipe, "full")
        x = recipe.measured_data().x
        orders = [torch.randperm(16, generator=runtime.generator(k)).tolist() for k in range(150)]
        exact = torch.stack([-model.with_order(order).log_prob(x).mean() for order in orders])
    error = math.hypot(exact.std().item() / 150**0.5, found["standard_error"])
    assert abs(found["test_nats"] - exact.mean().item()) < 4 * error


def test_images_that_are_real_are_recognised_and_at_no_distance(monkeypatch):
    whole = load("mnist", "test")
    real = Data(whole.x[:1_000], whole.y[:1_000], "mnist", "test")
    monkeypatch.setattr(diffusion_measures, "load", lambda name, split: real)
    model = SimpleNamespace(classes=10, parameters=lambda: iter(()), buffers=lambda: iter(()))
    by_class = [(real.y == k).nonzero()[:, 0] for k in range(10)]
    asked = []

    def drawing(_):
        def draw(y, w, generator):
            asked.append(w)
            place = torch.arange(len(y)) // 10
            rows = torch.stack([by_class[k][p] for k, p in zip(y.tolist(), place.tolist(), strict=True)])
            return real.x[rows] if w else 0 * real.x[rows]

        return draw

    recipe = SimpleNamespace(data="mnist", measured="test")
    found = diffusion_measures.Guided(drawing, guidances=(1.0, 0.0), samples=600, fewer=100)(model, recipe, "full")
    assert found["percent_recognised_at_1"] > 97
    assert found["test_fid_at_1"] < 10
    assert found["test_fid_at_0"] > 100
    assert (found["n_at_1"], found["n_at_0"]) == (600, 100)
    assert set(asked) == {1.0, 0.0}


class Sure(NoisyClassifier):
    """Right on every example without noise, by the sign of its mean; wrong at times above 1/2."""

    def logits(self, x, t):
        brighter = x.flatten(1).mean(1) > 0
        return nn.functional.one_hot((brighter ^ (t > 0.5)).long(), 2).float()


def test_accuracy_is_measured_at_each_time():
    x = torch.rand(30, 1, 8, 8, generator=runtime.generator(0)) * 0.01
    y = torch.arange(30) % 2
    x[y == 1] += 0.9
    recipe = SimpleNamespace(measured="test", measured_data=lambda: Data(x, y, "halves", "test"))
    model = Sure(event_shape=(1, 8, 8), classes=2, channels=(2, 2, 2), width=2)
    found = diffusion_measures.AccuracyByTime(times=(0.0, 0.6))(model, recipe, "full")
    assert found == {"n": 30, "test_percent_correct_at_0": 100.0, "test_percent_correct_at_0.6": 0.0}
    assert measures.measured_examples(recipe, "full", model).shape == x.shape


def test_every_number_of_steps_is_drawn_and_named(monkeypatch):
    asked = []

    def told(self, model, recipe, budget):
        asked.append((self.drawing.args, self.guidances))
        return {"judge": "judge", "test_fid_at_1": float(len(asked)), "n_at_1": 10}

    monkeypatch.setattr(diffusion_measures.Guided, "__call__", told)
    found = diffusion_measures.BySteps(lambda steps, model: None, steps=(1, 4))(nn.Identity(), None, "full")
    assert found == {"judge": "judge", "test_fid_in_1": 1.0, "n_in_1": 10, "test_fid_in_4": 2.0, "n_in_4": 10}
    assert asked == [((1,), (1.0,)), ((4,), (1.0,))]
