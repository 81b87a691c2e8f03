"""Unpaired sets: sizes and ranges, no pair in them, the true partner, sketches without skin, crescents and their labels."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import close_ups, load, unpaired

TONE, SMILE = unpaired.TONE, unpaired.SMILE


def test_shoes_are_of_two_classes_and_training_has_mirror_images():
    for split, n in (("train", 1_600), ("validation", 100), ("test", 100)):
        data = unpaired.shoes(split)
        assert data.a.shape == data.b.shape == (n, 1, 28, 28)
    train = unpaired.shoes("train")
    assert torch.equal(train.a[800:], train.a[:800].flip(-1))
    x, y = load("fashion", "train")
    assert torch.equal(train.b[:800], x[y == 9])


def test_test_shoes_are_not_among_the_training_shoes():
    train = {one.numpy().tobytes() for one in unpaired.shoes("train").a}
    assert not train & {one.numpy().tobytes() for one in unpaired.shoes("test").a}


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_frowns_and_laughs_keep_their_ranges_and_share_no_face(split):
    frowning, laughing = unpaired.face_factors(split)
    assert len(frowning) == len(laughing) == (4_000 if split == "train" else 500)
    assert -1 <= frowning[:, SMILE].min() <= frowning[:, SMILE].max() <= -0.5
    assert 0.5 <= laughing[:, SMILE].min() <= laughing[:, SMILE].max() <= 1
    others = [0, 2, 3]
    assert not {tuple(row) for row in frowning[:, others].tolist()} & {tuple(row) for row in laughing[:, others].tolist()}
    x = unpaired.faces(split)
    torch.testing.assert_close(x.a[:2], close_ups.draw(frowning[:2]))


def test_the_partner_changes_the_smile_alone_and_is_its_own_inverse():
    factors = unpaired.face_factors("test")[0]
    partner = unpaired.partner(factors)
    assert torch.equal(partner[:, SMILE], -factors[:, SMILE])
    assert torch.equal(partner[:, [0, 2, 3]], factors[:, [0, 2, 3]])
    assert torch.equal(unpaired.partner(partner), factors)


def test_a_true_sketch_knows_no_skin_tone_but_knows_the_smile():
    factors = close_ups.sample_factors(4, runtime.generator(0))
    darker, merrier = factors.clone(), factors.clone()
    darker[:, TONE] = 1 - darker[:, TONE]
    merrier[:, SMILE] = -merrier[:, SMILE]
    sketch = unpaired.sketch(factors)
    assert sketch.shape == (4, 1, 16, 16)
    assert 0 <= sketch.min() < 0.5 < sketch.max() <= 1
    assert torch.equal(sketch, unpaired.sketch(darker))
    assert (sketch - unpaired.sketch(merrier)).abs().amax((1, 2, 3)).min() > 0.05


def test_colour_faces_and_sketches_are_of_different_faces():
    coloured, sketched = unpaired.sketch_factors("test")
    assert not {tuple(row) for row in coloured.tolist()} & {tuple(row) for row in sketched.tolist()}
    data = unpaired.sketches("test")
    assert data.a.shape == (500, 3, 16, 16)
    assert data.b.shape == (500, 1, 16, 16)


def test_crescents_lie_where_their_labels_say():
    points, labels = unpaired.crescents(500, scale=0.0, generator=runtime.generator(0))
    for x, label, upwards in ((points.a, labels.a, 1), (points.b, labels.b, -1)):
        angle = math.pi * (1 - label)
        torch.testing.assert_close(x, torch.stack([angle.cos(), upwards * (angle.sin() + 0.25)], 1))
    assert points.a[labels.a.argmin(), 0] < -0.99
    assert not torch.equal(labels.a, labels.b)


def test_an_unknown_split_is_refused():
    for make in (unpaired.shoes, unpaired.faces, unpaired.sketches):
        with pytest.raises(ValueError, match="no split"):
            make("all")
