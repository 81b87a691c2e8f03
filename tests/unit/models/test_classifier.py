"""The classifier whose features judge images: shapes, the loss against torch, random shifts, refusals."""

import pytest
import torch
from torch.nn import functional as F

from course_lib import runtime
from course_lib.models.classifier import FeatureClassifier

MNIST = {"event_shape": (1, 28, 28)}


def _images(n=6, shape=(1, 28, 28)):
    return torch.rand(n, *shape, generator=runtime.generator(0))


def test_its_size_and_shapes():
    torch.manual_seed(0)
    model = FeatureClassifier(**MNIST)
    assert sum(p.numel() for p in model.parameters()) == 60_874
    features = model.features(_images())
    assert features.shape == (6, 64)
    assert (features >= 0).all()
    assert features.std() > 0
    assert torch.equal(model.logits(_images()), model.to_logits(features))


def test_other_images_and_sizes():
    model = FeatureClassifier(event_shape=(3, 9, 16), classes=4, channels=(2, 3, 5), width=7)
    assert model.features(_images(2, (3, 9, 16))).shape == (2, 7)
    assert model.logits(_images(2, (3, 9, 16))).shape == (2, 4)


def test_the_loss_is_torchs_cross_entropy():
    torch.manual_seed(0)
    model, y = FeatureClassifier(**MNIST), torch.tensor([0, 9, 3, 3, 1, 7])
    expected = F.cross_entropy(model.logits(_images()), y)
    torch.testing.assert_close(model.loss((_images(), y)), expected)
    torch.testing.assert_close(model.loss((_images(), y.to(torch.uint8))), expected)


def test_training_moves_images_by_whole_pixels_and_measuring_does_not():
    torch.manual_seed(0)
    model, y = FeatureClassifier(**MNIST, shift=2), torch.arange(6)
    x = _images(200)
    moved = model._shifted(x, runtime.generator(1))
    seen = set()
    for image, shifted in zip(x, moved, strict=True):
        padded = F.pad(image, (2, 2, 2, 2))
        places = [(i, j) for i in range(5) for j in range(5) if torch.equal(padded[:, i : i + 28, j : j + 28], shifted)]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) == 25  # every shift from -2 to 2 along both axes occurs in 200 images
    model.train()
    once = model.loss((x[:6], y), generator=runtime.generator(1))
    assert torch.equal(once, model.loss((x[:6], y), generator=runtime.generator(1)))
    assert not torch.equal(once, model.loss((x[:6], y), generator=runtime.generator(2)))
    model.eval()
    torch.testing.assert_close(model.loss((x[:6], y)), F.cross_entropy(model.logits(x[:6]), y))


def test_it_learns_two_kinds_of_picture():
    torch.manual_seed(0)
    model = FeatureClassifier(event_shape=(1, 8, 8), classes=2, channels=(4, 4, 4), width=8, shift=1)
    y = torch.arange(64) % 2
    x = torch.where(y[:, None, None, None] == 1, torch.ones(1, 8, 8).tril(), torch.ones(1, 8, 8).triu())
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        model.loss((x, y), generator=runtime.generator(0)).backward()
        optimiser.step()
    assert (model.eval().logits(x).argmax(1) == y).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"event_shape": (784,)}, "event_shape"),
        ({"event_shape": (1, 7, 28)}, "8 x 8"),
        ({"channels": (16, 32)}, "three numbers"),
        ({"classes": 0}, "classes"),
        ({"width": 0}, "width"),
        ({"shift": -1}, "shift is -1"),
    ],
)
def test_refused_configurations(change, words):
    with pytest.raises(ValueError, match=words):
        FeatureClassifier(**{**MNIST, **change})


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (torch.rand(3, 1, 28, 28), "pair of images and labels"),
        ((torch.rand(3, 1, 28, 28), torch.rand(3)), "y.long"),
        ((torch.rand(3, 1, 28, 28), torch.zeros(2, dtype=torch.long)), "each of the 3 images"),
        ((torch.rand(3, 1, 28, 28), torch.tensor([0, 1, 10])), "0 … 9"),
        ((torch.rand(3, 1, 28, 28), torch.tensor([0, 1, -1])), "0 … 9"),
        ((torch.rand(3, 784), torch.zeros(3, dtype=torch.long)), "reshape"),
        ((torch.full((3, 1, 28, 28), torch.nan), torch.zeros(3, dtype=torch.long)), "finite"),
    ],
)
def test_refused_batches(batch, words):
    with pytest.raises(ValueError, match=words):
        FeatureClassifier(**MNIST, shift=1).train().loss(batch)
