"""Each measure of a recipe against the same number by hand, on the right split, under the right name, on the model's device."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Data, numerals
from course_lib.models.autoregressive import NADE
from course_lib.models.latent import VAE, Autoencoder
from course_lib.models.sequence import CharacterModel, Seq2Seq
from course_lib.training import measures
from course_lib.training.recipes import Recipe
from course_lib.training.recipes.sequence import numerals_to


def bits(split):
    draw = torch.rand(30, 6, generator=runtime.generator(("train", "validation", "test").index(split)))
    return Data((draw < 0.3).float(), None, "bits", split)


def recipe(model, measure, source=bits, **settings):
    return Recipe(lambda: model, "words", (1, 1, 1), source=source, measure=measure, **settings)


def nade():
    return NADE(event_shape=(6,), hidden=3)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_nats_are_exact_and_named_after_their_split(split):
    model = nade()
    found = measures.nats(model, recipe(model, measures.nats, measured=split), "full")
    nats = -model.log_prob(bits(split).x).double()
    assert found == {
        f"{split}_nats": pytest.approx(nats.mean().item(), abs=1e-4),
        "standard_error": pytest.approx((nats.std() / 30**0.5).item(), abs=1e-4),
        "n": 30,
    }


def test_the_smoke_budget_measures_the_first_examples_alone(monkeypatch):
    monkeypatch.setattr(measures, "SMOKE_EXAMPLES", 7)
    model = nade()
    assert measures.nats(model, recipe(model, measures.nats), "smoke")["n"] == 7
    assert measures.nats(model, recipe(model, measures.nats), "lesson")["n"] == 30


@pytest.mark.parametrize(("draws", "budget", "k"), [(1_000, "full", 1_000), (1_000, "lesson", 10), (4, "lesson", 4)])
def test_bounds_have_names_of_their_own_and_few_draws_below_the_full_budget(draws, budget, k):
    model = VAE(event_shape=(6,), latent=2, hidden=(4,))
    found = measures.Bounds(draws)(model, recipe(model, measures.Bounds(draws)), budget)
    assert "test_nats" not in found, "that name is kept for exact numbers"
    assert found["k"] == k
    generator = runtime.generator(0)
    assert found["test_elbo_nats"] == pytest.approx(-model.elbo(bits("test").x, generator=generator).mean().item(), abs=1e-3)
    bound = -model.importance_bound(bits("test").x, k, generator=generator).mean().item()
    assert found["test_importance_nats"] == pytest.approx(bound, abs=1e-3)


def test_bounds_without_draws_are_the_elbo_alone():
    model = VAE(event_shape=(6,), latent=2, hidden=(4,))
    found = measures.Bounds(None)(model, recipe(model, measures.Bounds(None)), "full")
    assert found.keys() == {"test_elbo_nats", "standard_error", "n"}


def test_symbols_that_are_given_are_not_counted():
    def symbols(split):
        return Data(torch.randint(0, 5, (30, 8), generator=runtime.generator(1)), None, "symbols", split)

    model = CharacterModel(symbols=5, length=8, hidden=4, embedding=3)
    found = measures.NatsPerSymbol(3)(model, recipe(model, None, symbols), "full")
    nats = -model.log_conditionals(symbols("test").x)[:, 3:].mean().item()
    assert found["test_nats_per_symbol"] == pytest.approx(nats, abs=1e-4)


def test_squared_error_and_exact_translations():
    def images(split):
        return Data(torch.rand(30, 1, 8, 8, generator=runtime.generator(2)), None, "images", split)

    model = Autoencoder(event_shape=(1, 8, 8), latent=2, widths=(4,), decoder_widths=(4,))
    found = measures.squared_error(model, recipe(model, None, images), "full")
    x = images("test").x
    assert found["test_squared_error"] == pytest.approx(
        (x - model.reconstruct(x)).square().flatten(1).sum(1).mean().item(), abs=1e-3
    )

    translator = Seq2Seq(
        source_symbols=len(numerals.alphabet("decimal")) - 1, target_symbols=len(numerals.alphabet("roman")),
        source_length=numerals.LONGEST["decimal"], target_length=numerals.LONGEST["roman"] + 1, hidden=4,
    )  # fmt: skip
    found = measures.exact_translations(translator, recipe(translator, None, partial(numerals_to, "roman")), "full")
    assert found == {"test_exact": 0.0, "n": 800}


def test_measures_taken_together_keep_all_numbers():
    model = nade()
    both = measures.Together((measures.nats, lambda *asked: {"more": 1}))
    assert both(model, recipe(model, both), "full").keys() == {"test_nats", "standard_error", "n", "more"}


def test_measured_is_in_eval_mode_and_without_gradients():
    def looking(model, recipe, budget):
        return {"training": model.training, "gradient": torch.is_grad_enabled()}

    model = nade().train()
    assert measures.measured(model, recipe(model, looking), "full") == {"training": False, "gradient": False}
    assert measures.measured(model, replace(recipe(model, looking), measure=None), "full") == {}


def test_data_go_to_the_models_device(monkeypatch):
    model = nade().to("meta")
    assert measures.measured_examples(recipe(model, None), "full", model).device.type == "meta"


def test_orders_are_not_compared_on_examples_that_the_other_model_was_trained_on(monkeypatch):
    model, other = nade(), nade()
    measure = measures.NatsByOrder(against="other")
    monkeypatch.setattr(measures.checkpoints, "names", lambda: ["other"])
    monkeypatch.setattr(measures.checkpoints, "describe", lambda name: {"split": "train+validation"})
    monkeypatch.setattr(measures.checkpoints, "load", lambda name: other)
    found = measure(model, recipe(model, measure), "full")
    less = (model.log_prob(bits("test").x) - other.log_prob(bits("test").x)).mean().item()
    assert found["less_nats"] == pytest.approx(less, abs=1e-3)
    assert "less_nats" not in measure(model, recipe(model, measure, measured="validation"), "full")
