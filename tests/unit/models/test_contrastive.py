"""The contrastive features: the loss by a loop, views that change and keep what they should, refusals."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.contrastive import ContrastiveFeatures, info_nce

MNIST = {"event_shape": (1, 28, 28)}


def images(n=6):
    return torch.rand(n, 1, 28, 28, generator=runtime.generator(0))


def test_the_loss_is_that_of_a_loop_over_pairs():
    vectors = torch.randn(6, 4, generator=runtime.generator(1), dtype=torch.double)
    losses = []
    for i in range(6):
        similar = [torch.cosine_similarity(vectors[i], vectors[j], dim=0) / 0.3 for j in range(6) if j != i]
        partner = torch.cosine_similarity(vectors[i], vectors[(i + 3) % 6], dim=0) / 0.3
        losses.append(torch.logsumexp(torch.stack(similar), 0) - partner)
    torch.testing.assert_close(info_nce(vectors, 0.3).double(), torch.stack(losses).mean(), rtol=1e-5, atol=1e-5)


def test_equal_vectors_cost_the_logarithm_of_the_others():
    assert info_nce(torch.ones(10, 3), 0.1).item() == pytest.approx(math.log(9), rel=1e-5)


def test_views_without_changes_are_the_image_and_shifts_are_shifts():
    torch.manual_seed(0)
    still = ContrastiveFeatures(**MNIST, turn=0, stretch=0, shift=0)
    torch.testing.assert_close(still.view(images()), images(), atol=1e-4, rtol=1e-4)
    model = ContrastiveFeatures(**MNIST)
    first = model.view(images(), generator=runtime.generator(3))
    assert torch.equal(first, model.view(images(), generator=runtime.generator(3)))
    assert not torch.equal(first, model.view(images(), generator=runtime.generator(4)))
    dot = torch.zeros(200, 1, 28, 28)
    dot[:, :, 14, 14] = 1
    places = (
        ContrastiveFeatures(**MNIST, turn=0, stretch=0, shift=3).view(dot, generator=runtime.generator(5)).flatten(2).argmax(2)
    )
    assert {int(abs(p // 28 - 14)) <= 4 and int(abs(p % 28 - 14)) <= 4 for p in places.flatten()} == {True}
    assert len(places.unique()) > 20


def test_it_learns_to_tell_images_apart_without_labels():
    torch.manual_seed(0)
    model = ContrastiveFeatures(
        event_shape=(1, 8, 8), channels=(4, 8, 8), width=16, projection=8, turn=5, stretch=0.05, shift=0.5
    )
    x = (torch.rand(16, 1, 8, 8, generator=runtime.generator(0)) < 0.4).float()
    before = model.loss(x, generator=runtime.generator(9)).item()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(60):
        optimiser.zero_grad()
        model.loss(x, generator=runtime.generator(step)).backward()
        optimiser.step()
    assert model.loss(x, generator=runtime.generator(9)).item() < 0.6 * before


@pytest.mark.parametrize("change", [{"stretch": 1.0}, {"temperature": 0}, {"turn": -1}, {"projection": 0}])
def test_odd_settings_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        ContrastiveFeatures(**MNIST, **change)


def test_odd_batches_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        ContrastiveFeatures(**MNIST).loss(images(1))
