"""The mean update of contrastive divergence: against the step itself, and its Jacobian by finite differences."""

import pytest
import torch
from energies import machine, states

from course_lib import runtime
from course_lib.models.energy.expected import asymmetry, expected_update, unpack
from course_lib.training import ContrastiveDivergenceStep


def setting(visible=2, hidden=2, seed=0):
    generator = runtime.generator(seed)
    parameters = torch.randn(visible * hidden + visible + hidden, generator=generator, dtype=torch.double)
    data = torch.rand(2**visible, generator=generator, dtype=torch.double)
    return parameters, data / data.sum()


@pytest.mark.parametrize("k", [1, 3])
def test_it_is_the_mean_of_the_steps_own_update(k):
    model, copies = machine(3, 2), 40_000
    data = torch.tensor([0.3, 0, 0, 0.2, 0, 0.1, 0.4, 0], dtype=torch.double)
    parameters = torch.cat([model.W.flatten(), model.b, model.c])
    model.requires_grad_(True)
    step = ContrastiveDivergenceStep(model, lr=0.0, k=k, centre=None)
    step(torch.repeat_interleave(states(3), (copies * data).long(), 0))
    found = -torch.cat([model.W.grad.flatten(), model.b.grad, model.c.grad])
    torch.testing.assert_close(found, expected_update(parameters, data, k).detach(), atol=0.012, rtol=0)


def test_with_chains_that_ran_for_ever_it_is_the_gradient_of_the_likelihood():
    parameters, data = setting(3, 2)
    parameters.requires_grad_(True)
    W, b, c = unpack(parameters, 3)
    x, h = states(3), states(2)
    energies = x @ W @ h.T + (x @ b)[:, None] + h @ c
    likelihood = data @ torch.logsumexp(energies, 1) - torch.logsumexp(energies.flatten(), 0)
    (gradient,) = torch.autograd.grad(likelihood, parameters)
    torch.testing.assert_close(expected_update(parameters, data, None).detach(), gradient)
    torch.testing.assert_close(expected_update(parameters, data, 200).detach(), gradient, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("steps", "symmetric"), [(1, False), (2, False), (None, True)])
def test_only_the_likelihoods_jacobian_is_symmetric(steps, symmetric):
    parameters, data = setting()
    share, jacobian = asymmetry(parameters, data, steps)
    assert (share < 1e-10) == symmetric
    assert symmetric or share > 0.01
    move = torch.zeros_like(parameters)
    move[3] = 1e-5
    column = (expected_update(parameters + move, data, steps) - expected_update(parameters - move, data, steps)) / 2e-5
    torch.testing.assert_close(jacobian[:, 3], column, atol=1e-8, rtol=1e-6)


def test_parameters_that_make_no_machine_are_refused():
    with pytest.raises(ValueError, match="7 parameters do not make a machine of 2 visible units"):
        unpack(torch.zeros(7), 2)
