"""The networks that are told a condition: what a patch sees, what a skip carries, and where the noise enters."""

import pytest
import torch

from course_lib import runtime
from course_lib.nn.conditional import PairDiscriminator
from course_lib.nn.unet import UNet


def counted(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_sizes_that_the_docstrings_say():
    assert counted(PairDiscriminator()) == 34_465
    assert counted(UNet()) == 196_785


@pytest.mark.parametrize(("row", "column"), [(3, 3), (0, 0), (6, 2)])
def test_a_patch_sees_18_pixels_of_both_images_and_nothing_else(row, column):
    runtime.seed(0)
    network = PairDiscriminator()
    pair = torch.rand(2, 1, 1, 28, 28).requires_grad_()
    network(pair[0], pair[1])[0, row, column].backward()
    touched = pair.grad.abs() > 0
    assert (touched[0] == touched[1]).all()
    rows, columns = (touched[0, 0, 0].any(axis).nonzero()[:, 0] for axis in (1, 0))
    for place, seen in ((row, rows), (column, columns)):
        first = 4 * place - 7  # of 18 pixels, where the image has so many
        assert seen.tolist() == list(range(max(0, first), min(28, first + 18)))


def test_logits_of_a_shifted_pair_are_shifted():
    runtime.seed(0)
    network, pair = PairDiscriminator(), torch.rand(2, 1, 1, 32, 32)
    moved = network(*pair.roll(4, -1))
    torch.testing.assert_close(moved[..., 3:-2], network(*pair)[..., 2:-3], atol=1e-5, rtol=1e-5)


def test_noise_drops_half_of_the_smallest_maps_and_keeps_their_mean():
    runtime.seed(0)
    network = UNet(channels=(8, 16), sides=(8, 8))
    assert network.smallest == (16, 4, 4)
    assert network.noise == 256
    seen = []
    handle = network.middle.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x, z = torch.rand(3, 1, 8, 8), torch.randn(3, 256, generator=runtime.generator(0))
    network(x), network(x, z)
    handle.remove()
    torch.testing.assert_close(seen[1], 2 * seen[0] * (z > 0).view(3, 16, 4, 4))
    assert not torch.equal(network(x, z), network(x, -z))


def test_a_skip_carries_what_the_smallest_maps_lose():
    """With the way through the smallest maps cut, an input pixel still reaches the output beside it."""
    runtime.seed(0)
    network = UNet(channels=(8, 16), sides=(8, 8))
    for parameter in network.up.parameters():
        parameter.data.zero_()
    x = torch.rand(1, 1, 8, 8).requires_grad_()
    network(x)[0, 0, 4, 4].backward()
    assert x.grad[0, 0, 4, 4].abs() > 0


def test_the_output_is_an_image_and_sides_must_divide():
    made = UNet(inputs=1, outputs=3, channels=(8, 16, 24), sides=(12, 8))(torch.rand(2, 1, 12, 8))
    assert made.shape == (2, 3, 12, 8)
    assert made.min() >= 0
    assert made.max() <= 1
    with pytest.raises(ValueError, match="divide by 2"):
        UNet(channels=(8, 16, 24), sides=(14, 14))
    with pytest.raises(ValueError, match="multiples of 8"):
        UNet(channels=(10, 16))
