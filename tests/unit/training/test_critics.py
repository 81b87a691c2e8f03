"""Lesson 17's study: whose points are measured, what the film records, and that clipping and the penalty reach the critics."""

import pytest
import torch

from course_lib import runtime
from course_lib.metrics.transport import assignment_distance
from course_lib.models.adversarial.objectives import Wasserstein
from course_lib.training.recipes import critics
from course_lib.training.recipes.table import recipe


@pytest.fixture
def model():
    runtime.seed(0)
    return critics.point_critics(objective=Wasserstein(), copies=3).eval()


@torch.no_grad()
def test_each_seed_is_measured_on_its_own_points(model):
    real, noise = critics.points(30, "validation"), model.draw_noise(30, generator=runtime.generator(0))
    found = critics.against_transport(model, real, noise)
    fake = model.generate(noise)
    values = model.discriminator(real), model.discriminator(fake)
    for seed in range(3):
        exact = assignment_distance(real[seed::3], fake[seed::3])
        assert found[f"transport/{seed}"] == pytest.approx(exact, abs=1e-4)
        gap = values[0][seed::3].mean() - values[1][seed::3].mean()
        assert found[f"estimate/{seed}"] == pytest.approx(gap.item(), abs=1e-4)


def test_all_weights_of_one_critic_are_counted(model):
    with torch.no_grad():
        model.discriminator.weights[0][0].fill_(0.1)  # the weights of seed 0
        model.discriminator.weights[0][1].fill_(-9.0)
    shares = critics.weight_counts(model)
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    first, others = model.discriminator.weights[0][0].numel(), [w[0].flatten() for w in list(model.discriminator.weights)[1:]]
    near = sum(((w > 0.09) & (w < 0.11)).sum().item() for w in others)
    assert shares["weights/0.10"] == pytest.approx((first + near) / (first + sum(map(len, others))), abs=2e-3)


def test_the_film_records_every_seed_and_the_weights():
    chosen = recipe("critics-clipping")
    step = chosen.step(chosen.build(), chosen, 10)
    film = chosen.film(step)
    assert film.frames[0].shape == (critics.SEEDS * critics.SHOWN, 2)
    names = {f"{what}/{seed}" for what in ("estimate", "transport") for seed in range(critics.SEEDS)}
    assert names < set(film.scalars)
    assert len(set(film.scalars) - names) == len(critics.BINS)


def test_a_clipped_critic_stays_within_the_clip():
    chosen = recipe("critics-clipping")
    step = chosen.step(chosen.build(), chosen, 10)
    step(critics.points(critics.SEEDS * 20, "train"))
    assert max(p.abs().max() for p in step.model.discriminator.parameters()) <= critics.CLIP
    assert max(p.abs().max() for p in step.model.generator.parameters()) > critics.CLIP


@pytest.mark.parametrize("loss", critics.LOSSES)
def test_in_all_settings_the_discriminators_move_equally_often(loss):
    for setting in critics.SETTINGS:
        chosen = recipe(f"critics-{loss}-{setting}")
        rounds = chosen.step.discriminator_steps
        assert len(chosen.load("train")) // chosen.batch_size * rounds * chosen.epochs[-1] == critics.EVERY * critics.FRAMES * 5
        assert chosen.batch_size == critics.SEEDS * critics.BATCH * rounds


@pytest.mark.parametrize("loss", critics.LOSSES)
def test_a_setting_changes_what_it_names_and_nothing_else(loss):
    usual = recipe(f"critics-{loss}-usual")
    for setting, changes in critics.SETTINGS.items():
        chosen = recipe(f"critics-{loss}-{setting}")
        model = chosen.build()
        for player in (model.generator, model.discriminator):
            assert (len(player.hidden), player.activation) == (4 if setting == "deep" else 2, changes.get("activation", "relu"))
        assert chosen.step.rates == changes.get("rates", critics.ALIKE)
        assert chosen.step.betas == changes.get("betas", usual.step.betas)
        assert model.objective == usual.build().objective
