"""The studies of toy GANs: each seed is counted by itself, and a film tells good points from others exactly."""

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.datasets import toys
from course_lib.training import measures
from course_lib.training.recipes import RECIPES, toy_games


class Perfect(nn.Module):
    """Two generators whose points alternate: the first draws the data, the second one mode alone."""

    def sample(self, n, *, generator=None):
        x = toys.PACGAN_GRID.draw(n, generator=generator)
        x[1::2] = x[1::2] - toys.PACGAN_GRID.centres[torch.cdist(x[1::2], toys.PACGAN_GRID.centres).argmin(1)]
        return 0.5 * x


def test_each_seed_is_counted_by_itself():
    measure = measures.ModeCounts(toys.PACGAN_GRID, 0.5, copies=2, many=5_000)
    found = measure(Perfect(), RECIPES["gans-grid-plain"], "full")
    assert found["test_hit"] == found["test_served"] == [25, 1]
    assert found["test_good"] == pytest.approx([0.989, 0.989], abs=0.01)
    assert found["test_reverse_kl"] == pytest.approx([24 / 5_000, 3.2189], abs=0.005)
    assert found["test_reverse_kl_of_5000"][0] == pytest.approx(24 / 10_000, abs=0.0015)
    assert found["n"] == 2_500


def test_the_points_of_a_toy_are_as_wide_as_those_of_the_other():
    for toy, (modes, factor, reach) in toy_games.TOYS.items():
        x = toy_games.points(toy, "test")
        assert x.std(0).tolist() == pytest.approx([1.414, 1.414], abs=0.06)
        assert (x / factor).abs().max() < reach
        assert not torch.equal(toy_games.points(toy, "train")[: len(x)], x)
        torch.testing.assert_close(modes.centres.abs().amax() * factor, torch.tensor(2.0))


def test_a_film_knows_which_points_are_good_before_they_are_rounded():
    recipe = RECIPES["gans-ring-plain"]
    runtime.seed(0)
    model = recipe.build()
    model.generate = lambda z: 2 * toys.PACGAN_RING.draw(len(z), generator=runtime.generator(3)) * (1 + 0.05 * (z[:, :1] > 1))
    step = recipe.step(model, recipe, 10)
    recorded = recipe.film(step)
    (frame,), modes = recorded.frames, toys.PACGAN_RING
    exact = torch.cdist(recorded.draw(model)[:, :2], modes.centres).amin(1) <= 3 * modes.scale
    assert torch.equal(frame[:, 2] > 127, exact)
    assert 0.5 < exact.float().mean() < 0.95
    assert frame.shape == (toy_games.SEEDS * toy_games.SHOWN, 3)
    assert set(recorded.scalars) == {"hit", "served", "good", "reverse_kl"}


@pytest.mark.parametrize("toy", toy_games.TOYS)
def test_every_film_of_a_toy_has_equally_many_frames(toy):
    """The explorer plays them side by side."""
    for steps in toy_games.STEPS[toy].values():
        every = steps // (toy_games.FRAMES - 1)
        assert steps // every + 1 == toy_games.FRAMES
        assert steps % 100 == 0


def test_a_study_of_balance_changes_what_its_row_says():
    even = toy_games.BALANCE["even"][1]
    assert even == {}
    for what, (_, given) in toy_games.BALANCE.items():
        recipe = RECIPES[f"gans-balance-{what}"]
        assert recipe.step.rates == given.get("rates", {})
        assert recipe.step.discriminator_steps == given.get("rounds", 1)
        assert recipe.batch_size == 640 * given.get("rounds", 1)
        assert recipe.build().discriminator.hidden == list(given.get("judge", (64, 64, 64)))
        assert recipe.build().instance_noise == given.get("instance_noise", 0)
        assert recipe.epochs[2] * len(toy_games.easy_ring("train")) == 800 * recipe.batch_size
