"""The reader of a face's factors: units, loss, learning, and its checkpoint."""

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import close_ups
from course_lib.metrics.regression import r_squared
from course_lib.models.factors import FactorReader
from course_lib.training import GradientStep, checkpoints

RANGES = [close_ups.RANGES[name] for name in close_ups.FACTORS]


def reader():
    runtime.seed(0)
    return FactorReader(event_shape=close_ups.SHAPE, ranges=RANGES, channels=(8, 16), width=32)


def test_a_network_that_says_0_reads_the_middle_of_every_range():
    model = reader()
    with torch.no_grad():
        for parameter in model.network[-1].parameters():
            parameter.zero_()
    expected = torch.tensor([sum(pair) / 2 for pair in RANGES])
    torch.testing.assert_close(model.read(torch.rand(2, *close_ups.SHAPE)), expected.expand(2, 4))


def test_the_loss_counts_every_factor_in_units_of_its_range():
    model = reader()
    x = torch.rand(3, *close_ups.SHAPE)
    read = model.read(x).detach()
    for factor, (low, high) in enumerate(RANGES):
        off = read.clone()
        off[:, factor] += (high - low) / 2
        assert model.loss((x, off)).item() == pytest.approx(1 / 4, rel=1e-4)


def test_it_learns_to_read_the_skin_tone(tmp_path):
    model, g = reader(), runtime.generator(0)
    step = GradientStep(model, lr=3e-3)
    for _ in range(120):
        factors = close_ups.sample_factors(32, g)
        step((close_ups.draw(factors), factors))
    factors = close_ups.sample_factors(200, g)
    x = close_ups.draw(factors)
    assert r_squared(model.read(x).detach(), factors)[3] > 0.9
    checkpoints.save("reader", model, {}, folder=tmp_path)
    torch.testing.assert_close(checkpoints.load("reader", folder=tmp_path).read(x), model.read(x).detach())


def test_pictures_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="expected"):
        reader().read(torch.rand(2, 1, 16, 16))
