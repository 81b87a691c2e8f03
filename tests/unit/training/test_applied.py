"""Features and labelled samples of the shipped models: their shapes, and that they hang on the image and on the class."""

import pytest
import torch

from course_lib import datasets, runtime
from course_lib.metrics.classification import accuracy
from course_lib.training import checkpoints
from course_lib.training.applied import feature_reader, labelled_samples


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("rbm-mnist", 500),
        ("ae-mnist-32", 32),
        ("vae-mnist", 50),
        ("dcgan-mnist", 3_136),
        ("flow-mnist", 384),
        ("contrastive-mnist", 64),
    ],
)
def test_features_are_one_row_per_digit(name, width):
    x = datasets.load("mnist", "validation").x[:3]
    found = feature_reader(name)(x)
    assert found.shape == (3, width)
    assert not found.requires_grad
    assert (found[0] - found[1]).abs().max() > 1e-3
    torch.testing.assert_close(feature_reader(name)(x), found)


@pytest.mark.parametrize("name", ["cgan-mnist", "latent-flow-mnist"])
def test_samples_are_of_the_class_that_was_asked_for(name):
    y = torch.arange(10).repeat(4)
    x = labelled_samples(name, y, generator=runtime.generator(0))
    assert x.shape == (40, 1, 28, 28)
    assert 0 <= x.min() <= x.max() <= 1
    assert accuracy(checkpoints.load("features-mnist"), x, y).mean > 80
    assert torch.equal(x, labelled_samples(name, y, generator=runtime.generator(0)))
