"""Two piles and a network's critic: what is drawn against the library's exact distances."""

import numpy as np
import pytest
import torch

from course_lib.distributions import jensen_shannon
from course_lib.explore.adversarial import two_piles
from course_lib.explore.adversarial.critic_by_network import KINDS, learn
from course_lib.metrics.transport import wasserstein
from course_lib.nn.lipschitz import CertifiedCritic

X, Y = torch.tensor([3.0, 4.0, 4.0, 9.0], dtype=torch.double), torch.tensor([15.0, 17.0, 20.0], dtype=torch.double)
SHIFTS = torch.arange(-20.0, 3.0, 0.5, dtype=torch.double)


@pytest.mark.parametrize("p", [1, 2])
def test_the_curve_of_transport_is_the_distance_at_every_shift(p):
    _, w = two_piles.distances_over_shifts(X, Y, SHIFTS, width=2, p=p)
    assert w.tolist() == pytest.approx([wasserstein(X, Y + shift, p) for shift in SHIFTS], abs=1e-12)


def test_jensen_shannon_is_that_of_the_histograms_and_flat_far_away():
    js, _ = two_piles.distances_over_shifts(X, Y, SHIFTS, width=2, p=1)
    edges = np.arange(-40, 42, 2.0)
    for shift, value in zip(SHIFTS.tolist(), js.tolist(), strict=True):
        shares = [torch.from_numpy(np.histogram(pile, edges)[0] / len(pile)) for pile in (X.numpy(), Y.numpy() + shift)]
        assert value == pytest.approx(jensen_shannon(*shares).item(), abs=1e-12)
    assert js[-1].item() == pytest.approx(np.log(2), abs=1e-12)
    assert js.min() < 0.6


def test_grains_are_the_columns_of_painted_cells():
    painted = np.zeros((2, two_piles.CELLS), bool)
    painted[0, [5, 2]] = painted[1, [5]] = True
    assert two_piles.grains(painted).tolist() == [2, 5, 5]


def test_a_certified_network_stays_below_the_exact_distance_at_every_moment():
    x, y = torch.tensor([0.0, 1.0, 9.0]), torch.tensor([4.0, 5.0, 6.0, 7.0])
    torch.manual_seed(0)
    learning = learn(CertifiedCritic(inputs=1, hidden=(8, 8)), x, y, torch.linspace(0, 9, 5), steps=60, clip=None)
    assert learning.values.shape == (7, 5)
    assert learning.estimates.max() <= wasserstein(x, y) + 1e-5
    assert learning.estimates[-1] > 0.6 * wasserstein(x, y)


def test_only_the_clipped_network_is_clipped():
    assert [name for name in KINDS if name.startswith("clipped")] == ["clipped to ±0.1"]
