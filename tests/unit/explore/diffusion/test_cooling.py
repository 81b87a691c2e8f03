"""What melt and cool shows: schedules of noise levels, the share that a smoothed density has, and walkers that follow it."""

import pytest
import torch

from course_lib import runtime
from course_lib.explore.diffusion import cooling as shown
from course_lib.models.diffusion.score import SmoothedMixture

HUMPS = {"probs": [0.8, 0.2], "mean": [[2.0, 1.0], [-2.0, -1.0]], "scale": [0.5, 0.5], "lowest": 0.05, "highest": 5.0}


def test_levels_fall_from_the_highest_to_the_lowest_in_equal_parts():
    assert torch.equal(shown.times(1), torch.zeros(shown.MOVES))
    assert shown.times(2).tolist() == [1.0] * (shown.MOVES // 2) + [0.0] * (shown.MOVES // 2)
    levels, counts = shown.times(5).unique(return_counts=True)
    assert levels.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert set(counts.tolist()) == {shown.MOVES // 5}


@pytest.mark.parametrize("t", [0.0, 0.6, 1.0])
def test_exact_share_is_that_of_draws(t):
    exact = SmoothedMixture(**HUMPS)
    x = exact.noise(exact.draw(40_000, generator=runtime.generator(0)), torch.full((40_000,), t), generator=runtime.generator(1))
    share = (x @ torch.tensor([4.0, 2.0]) > 0).double().mean().item()
    assert shown.exact_share(exact, t) == pytest.approx(share, abs=0.008)


def test_one_level_keeps_the_shares_and_twenty_find_them():
    """Over three seeds: walkers at the lowest level stay half and half, annealed ones come near 0.8."""
    exact = SmoothedMixture(**HUMPS)
    ends = torch.tensor([shown._Walkers(exact, exact, seed).shares[-1].tolist() for seed in range(3)]).mean(0)  # (levels,)
    assert ends[0] == pytest.approx(0.5, abs=0.08)
    assert ends[-1] == pytest.approx(0.8, abs=0.08)


def test_another_mixture_is_refused():
    three = SmoothedMixture(probs=[0.5, 0.3, 0.2], mean=[[0.0, 0.0]] * 3, scale=[1.0] * 3)
    with pytest.raises(ValueError, match="3 components"):
        shown.melt_and_cool(three, three)
