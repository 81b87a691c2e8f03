"""Networks of bounded slope: the certificate against autograd, pairs of points and exact distances."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from course_lib import runtime
from course_lib.metrics.transport import assignment_distance, wasserstein
from course_lib.nn.adversarial import PointNetwork
from course_lib.nn.lipschitz import ACTIVATIONS, CertifiedCritic, SortedPairs, gradients_by_layer, lipschitz_bound


def critic(seed=0, **given):
    runtime.seed(seed)
    return CertifiedCritic(**{"inputs": 2, "hidden": (16, 16), **given})


def trained(network, x, y, steps=60):
    """The network after some steps up the difference of its means, and that difference."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(steps):
        loss = network(y).mean() - network(x).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return (network(x).double().mean() - network(y).double().mean()).item()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_two_points_differ_by_more_than_their_distance(activation):
    network = critic(activation=activation).double()
    x, y = 3 * torch.randn(2, 5_000, 2, generator=runtime.generator(0), dtype=torch.float64)
    with torch.no_grad():
        assert ((network(x) - network(y)).abs() <= (x - y).norm(dim=1) * (1 + 1e-12)).all()
    assert lipschitz_bound(network) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_a_certified_estimate_is_never_above_the_exact_distance(activation, seed):
    x, y = torch.randn(2, 40, 2, generator=runtime.generator(seed)) * torch.tensor([1.0, 2.0])[:, None, None]
    network = critic(seed, activation=activation)
    exact = assignment_distance(x, y)
    assert 0.2 * exact < trained(network, x, y) <= exact + 1e-6


def test_on_the_line_sorted_pairs_come_near_the_exact_distance():
    x, y = torch.tensor([[0.0], [0.4], [0.9], [6.0]]), torch.tensor([[2.0], [2.3], [3.1], [4.0]])  # the best critic bends
    exact = wasserstein(x[:, 0], y[:, 0])
    found = trained(critic(inputs=1, hidden=(32, 32)), x, y, steps=300)
    assert 0.95 * exact < found <= exact + 1e-6


def test_the_bound_of_a_chain_is_the_product_of_exact_norms():
    runtime.seed(0)
    network = PointNetwork(inputs=3, hidden=(7, 5))
    norms = [torch.linalg.svdvals(layer.weight.double())[0] for layer in network.layers if isinstance(layer, nn.Linear)]
    assert lipschitz_bound(network) == pytest.approx((norms[0] * norms[1] * norms[2]).item(), rel=1e-12)
    x = torch.randn(2_000, 3, generator=runtime.generator(0)).requires_grad_(True)
    (slopes,) = torch.autograd.grad(network(x).sum(), x)
    assert slopes.norm(dim=1).max() < lipschitz_bound(network)


def test_power_iteration_does_not_certify():
    """torch's spectral norm leaves a norm above 1: the reason for UnitNorm."""
    runtime.seed(0)
    layer = spectral_norm(nn.Linear(40, 40), n_power_iterations=1)
    layer(torch.zeros(1, 40))
    assert torch.linalg.matrix_norm(layer.weight.detach(), ord=2) > 1 + 1e-5


def test_sorted_pairs_keep_every_number():
    x = torch.tensor([[3.0, 1.0, -2.0, 5.0]])
    assert SortedPairs()(x).tolist() == [[1.0, 3.0, -2.0, 5.0]]


def test_gradients_by_layer_are_those_of_a_linear_chain():
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    found = gradients_by_layer(nn.Sequential(first, nn.Identity(), second), torch.randn(5, 2, generator=runtime.generator(0)))
    assert found == pytest.approx([(second.weight @ first.weight).norm().item(), second.weight.norm().item()], rel=1e-6)


def test_what_cannot_be_certified_is_refused():
    with pytest.raises(ValueError, match="expected even numbers"):
        CertifiedCritic(inputs=1, hidden=(3,))
    with pytest.raises(ValueError, match="expected one of"):
        CertifiedCritic(inputs=1, activation="tanh")
    with pytest.raises(ValueError, match=r"no nn.Linear"):
        lipschitz_bound(nn.ReLU())
