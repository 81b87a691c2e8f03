"""Patch discriminator and residual translator: sizes, what a logit sees, what instance normalisation forgets."""

import pytest
import torch

from course_lib import runtime
from course_lib.nn.patches import PatchDiscriminator
from course_lib.nn.residual import ResidualTranslator


def count(net):
    return sum(p.numel() for p in net.parameters())


def test_the_number_of_parameters_that_the_docstring_states():
    assert count(PatchDiscriminator()) == 33_953
    assert count(ResidualTranslator()) == 69_993


def seen(net, size=48):
    """Which rows of the image move the logit of the middle patch."""
    x = torch.rand(1, 1, size, size, generator=runtime.generator(0)).requires_grad_(True)
    logits = net(x)
    assert logits.shape == (1, size // 4, size // 4)
    logits[0, size // 8, size // 8].backward()
    return x.grad[0, 0].abs().sum(1).nonzero()[:, 0]


def test_without_normalisation_a_logit_sees_18_pixels_and_nothing_else():
    rows = seen(PatchDiscriminator(instance_norm=False))
    assert len(rows) == 18
    assert rows[-1] - rows[0] == 17


def test_with_instance_normalisation_a_logit_sees_the_whole_image():
    assert len(seen(PatchDiscriminator())) > 40


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 16)])
def test_a_translation_is_an_image_of_the_same_size(shape):
    net = ResidualTranslator(channels_in=shape[0], channels_out=2, channels=(4, 6), blocks=1)
    y = net(torch.rand(3, *shape))
    assert y.shape == (3, 2, *shape[1:])
    assert y.min() >= 0
    assert y.max() <= 1


def test_a_generator_forgets_the_level_of_a_picture_except_at_the_border():
    """Deep inside, where no layer sees the zeros around the picture, a constant added to every pixel is gone."""
    torch.manual_seed(0)
    first = ResidualTranslator().layers[0]
    first.padding = (0, 0)
    normalise = torch.nn.InstanceNorm2d(16)
    x = torch.rand(1, 1, 20, 20) / 2
    torch.testing.assert_close(normalise(first(x)), normalise(first(x + 0.3)), atol=1e-3, rtol=0)
    assert (first(x) - first(x + 0.3)).abs().max() > 0.01
