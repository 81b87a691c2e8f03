"""A random hidden layer with a fitted output layer: against NumPy's least squares, and against what it can represent exactly."""

import numpy as np
import torch

from course_lib import runtime
from course_lib.nn import random_features
from course_lib.nn.random_features import RandomFeatures


def examples(n=200):
    g = runtime.generator(0)
    return torch.randn(n, 2, generator=g, dtype=torch.float64), torch.rand(n, generator=g, dtype=torch.float64)


def test_the_output_layer_is_the_ridge_solution():
    x, t = examples()
    target = torch.sin(3 * x) + t[:, None]
    network = RandomFeatures(size=2, units=20).fit(x, t, target)
    read, ridge = network.hidden(x, t).numpy(), random_features.RIDGE * len(x)
    stacked = np.concatenate([read, ridge**0.5 * np.eye(read.shape[1])])
    wanted = np.linalg.lstsq(stacked, np.concatenate([target.numpy(), np.zeros((read.shape[1], 2))]), rcond=None)[0]
    np.testing.assert_allclose(network.output.numpy(), wanted, atol=1e-6)


def test_a_linear_function_of_x_is_learned_and_the_seed_fixes_the_hidden_layer():
    x, t = examples()
    network = RandomFeatures(size=2, units=5, seed=1).fit(x, t, 2 * x - 1)
    torch.testing.assert_close(network(x, t), 2 * x - 1, atol=1e-3, rtol=0)
    again = RandomFeatures(size=2, units=5, seed=1)
    assert torch.equal(network.slopes, again.slopes)
    assert not torch.equal(network.slopes, RandomFeatures(size=2, units=5, seed=2).slopes)
