"""The one table of energy models, small, and exact sums to test them by. Add a row, and test_energies.py runs it."""

import itertools

import torch

from course_lib import runtime
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


BUILD = {
    "rbm": machine,
    "rbm-one": lambda: machine(1, 1),
    "rbm-image": lambda: machine(6, 5, event_shape=(1, 2, 3)),
    "rbm-wide": lambda: machine(3, 9),
    "two-wells": lambda: TwoWells(barrier=4.0, tilt=1.0, stiffness=3.0),
}
BINARY = [name for name in BUILD if name.startswith("rbm")]
