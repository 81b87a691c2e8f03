"""Point clouds have the moments they should, and are drawn where their generator lives."""

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import toys


def test_toys_have_the_moments_they_should():
    draw = runtime.generator(0)
    ring = toys.ring(20_000, generator=draw)
    assert ring.mean(0).abs().max() < 0.05
    assert ring.norm(dim=1).mean().item() == pytest.approx(2, abs=0.02)
    grid = toys.grid(20_000, generator=draw)
    assert grid.var(0).tolist() == pytest.approx([2.0025, 2.0025], abs=0.06)
    assert len(grid.round().unique(dim=0)) == 25
    moons, which = toys.moons(20_000, scale=0.0, generator=draw)
    centres = torch.tensor([[-0.5, -0.25], [0.5, 0.25]])[which]
    torch.testing.assert_close((moons - centres).norm(dim=1), torch.ones(20_000))
    spiral, arm = toys.spiral(2_000, generator=draw)
    assert spiral.norm(dim=1).max() < 2.4
    assert set(arm.tolist()) == {0, 1}
    probs = torch.tensor([0.25, 0.75], dtype=torch.double)
    x, which = toys.mixture(
        20_000, probs=probs, mean=torch.tensor([[0.0, 0.0], [4.0, 0.0]]), scale=torch.tensor([1.0, 0.5]), generator=draw
    )
    assert x.mean(0).tolist() == pytest.approx([3, 0], abs=0.06)
    assert x[which == 1].std(0).tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    with pytest.raises(ValueError, match="probs sum to"):
        toys.mixture(3, probs=torch.tensor([0.5, 0.6]), mean=torch.zeros(2, 1), scale=torch.ones(2))


MAKERS = (toys.ring, toys.grid, toys.moons, toys.spiral)


def a_mixture(n, device="cpu", **options):
    probs, mean = torch.tensor([0.25, 0.75], device=device), torch.zeros(2, 3, device=device)
    return toys.mixture(n, probs=probs, mean=mean, scale=torch.ones(2, device=device), **options)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_points_lie_on_the_generators_device(maker, device):
    made = maker(7, generator=runtime.generator(3, device))
    for part in made if isinstance(made, tuple) else (made,):
        assert len(part) == 7
        assert part.device.type == device


def test_a_mixtures_points_lie_on_the_device_of_its_numbers(device):
    for generator in (None, runtime.generator(3), runtime.generator(3, device)):
        points, which = a_mixture(7, device, generator=generator)
        assert points.device.type == which.device.type == device


@pytest.mark.parametrize("maker", [*MAKERS, a_mixture], ids=lambda maker: maker.__name__)
def test_counts_are_integers_of_every_kind(maker):
    made = maker(torch.tensor(5), generator=runtime.generator(0))
    assert len(made[0] if isinstance(made, tuple) else made) == 5
    for bad in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="expected an integer of at least 1"):
            maker(bad)
    with pytest.raises(ValueError, match="modes is 0"):
        toys.ring(3, modes=0)


def test_probabilities_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="probs sum to nan"):
        toys.mixture(3, probs=torch.tensor([float("nan"), 0.6]), mean=torch.zeros(2, 1), scale=torch.ones(2))


def test_the_published_geometry_has_its_centres_and_scales():
    for modes, radius, K in ((toys.PACGAN_RING, 1.0, 8), (toys.PACGAN_GRID, 32**0.5, 25)):
        assert modes.centres.shape == (K, 2)
        assert modes.centres.norm(dim=1).max().item() == pytest.approx(radius)
        x = modes.draw(20_000, generator=runtime.generator(0))
        distance, nearest = torch.cdist(x, modes.centres).min(1)
        assert len(nearest.unique()) == K
        assert (distance.square().mean() / 2).sqrt().item() == pytest.approx(modes.scale, rel=0.02)
    neighbours = torch.cdist(toys.PACGAN_GRID.centres, toys.PACGAN_GRID.centres)
    assert neighbours[neighbours > 0].min() == 2
    for centres, draw in ((toys.ring_centres(), toys.ring), (toys.grid_centres(), toys.grid)):
        x = draw(300, scale=0.0, generator=runtime.generator(0))
        assert torch.cdist(x, centres).amin(1).max() < 1e-6
