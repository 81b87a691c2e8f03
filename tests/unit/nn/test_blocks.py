"""Transposed convolutions: which paint evenly."""

import pytest
import torch

from course_lib.explore.latent.codes import painted
from course_lib.nn.blocks import UPSAMPLINGS, decoder, encoder, upsample


@pytest.mark.parametrize("kind", UPSAMPLINGS)
def test_upsampling_doubles_the_sides(kind):
    assert upsample(3, 2, kind)(torch.rand(5, 3, 4, 6)).shape == (5, 2, 8, 12)


def counts(kind):
    """How often each pixel inside is painted: all weights 1, no bias."""
    layer = upsample(1, 1, kind)
    for name, parameter in layer.named_parameters():
        torch.nn.init.constant_(parameter, float("weight" in name))
    return layer(torch.ones(1, 1, 8, 8))[0, 0, 2:-2, 2:-2].detach()


def test_a_kernel_that_the_stride_divides_paints_evenly():
    assert counts("even").unique().tolist() == [4]
    assert counts("resize").unique().tolist() == [9]
    assert counts("sub-pixel").unique().tolist() == [9]
    uneven = counts("uneven")
    assert uneven.unique().tolist() == [1, 2, 4]
    assert torch.equal(uneven[::2], uneven[:1].expand(6, -1))  # a checkerboard of period 2
    assert torch.equal(uneven[1::2], uneven[1:2].expand(6, -1))


def test_painted_counts_windows():
    for kernel, stride in ((3, 2), (4, 2), (2, 3), (5, 1)):
        by_hand = torch.zeros((stride * 3 + kernel,) * 2)
        for i in range(4):
            for j in range(4):
                by_hand[stride * i : stride * i + kernel, stride * j : stride * j + kernel] += 1
        assert torch.equal(painted(4, kernel, stride), by_hand)


@pytest.mark.parametrize("given", [{"hidden": (5,)}, {"activation": "silu"}])
def test_only_convolutional_networks_take_hidden_layers_and_activations(given):
    with pytest.raises(ValueError, match="expected 'convolutional', or neither"):
        encoder("dense", (1, 4, 4), (6,), 2, **given)
    with pytest.raises(ValueError, match="expected 'convolutional', or neither"):
        decoder("dense", 2, (6,), (1, 4, 4), **given)
