"""The one table of energy models, small, and exact sums to test them by. Add a row, and test_energies.py runs it."""

import itertools

import torch

from course_lib import runtime
from course_lib.models.energy.deep_energy import DeepEnergy
from course_lib.models.energy.posterior import RegressionPosterior
from course_lib.models.energy.rbm import RBM
from course_lib.models.energy.wells import TwoWells


def machine(visible=4, hidden=3, strength=1.0, seed=1, dtype=torch.float64, event_shape=None):
    """A machine with random weights, biases and `base`, in doubles."""
    model = RBM(event_shape=event_shape or (visible,), hidden=hidden).to(dtype)
    generator = runtime.generator(seed)
    with torch.no_grad():
        for tensor in (model.W, model.b, model.c):
            tensor.copy_(strength * torch.randn(tensor.shape, generator=generator))
        model.base.copy_(0.5 * torch.randn(model.base.shape, generator=generator))
    return model.requires_grad_(False)


def states(n, dtype=torch.float64):
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=n)), dtype=dtype)


def joint(model):
    """The table of p(x, h), (2^V, 2^H), straight from the definition."""
    x, h = states(len(model.b)), states(model.hidden)
    energy = -(x @ model.W @ h.T + (x @ model.b)[:, None] + h @ model.c)
    return torch.softmax(-energy.flatten(), 0).reshape(energy.shape), torch.logsumexp(-energy.flatten(), 0)


def deep(**settings):
    """A network as an energy, with random weights and short chains, in doubles."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return DeepEnergy(**{"hidden": (8, 5), "steps": 4, **settings}).double().requires_grad_(False)


BUILD = {
    "rbm": machine,
    "rbm-one": lambda: machine(1, 1),
    "rbm-image": lambda: machine(6, 5, event_shape=(1, 2, 3)),
    "rbm-wide": lambda: machine(3, 9),
    "deep": lambda: deep(event_shape=(2,)),
    "deep-image": lambda: deep(event_shape=(1, 3, 2), hidden=(7,), low=0.0, high=1.0, step_size=1.0, noise=0.01),
    "posterior": lambda: RegressionPosterior(inputs=[[1.0, 0.5], [0.2, -1.0], [2.0, 0.3]], answers=[1.0, 0.0, 2.0]).double(),
    "two-wells": lambda: TwoWells(barrier=4.0, tilt=1.0, stiffness=3.0),
}
BINARY = [name for name in BUILD if name.startswith("rbm")]
