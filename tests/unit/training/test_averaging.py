"""Running averages against sums written out, with batch normalisation, and in the middle of a run."""

import pytest
import torch
from tiny import TinyGAN
from torch import nn

from course_lib import runtime
from course_lib.training import ExponentialAverage, PolynomialAverage, TailAverage
from course_lib.training.averaging import RunningAverage

VALUES = [3.0, -1.0, 4.0, 1.0, 5.0, 9.0, 2.0]


def average(rule):
    """What a rule makes of VALUES, one update for each."""
    model = nn.Linear(1, 1)
    running = RunningAverage(model, rule)
    for value in VALUES:
        with torch.no_grad():
            model.weight.fill_(value)
            model.bias.fill_(2 * value)
        running.update()
    kept = running.result()
    assert kept.bias.item() == pytest.approx(2 * kept.weight.item())
    assert not kept.training
    assert not kept.weight.requires_grad
    assert model.weight.requires_grad
    return kept.weight.item()


def weighted(weights):
    return sum(w * v for w, v in zip(weights, VALUES, strict=True)) / sum(weights)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_the_exponential_average_has_no_bias_towards_the_beginning(decay):
    n = len(VALUES)
    assert average(ExponentialAverage(decay)) == pytest.approx(weighted([decay ** (n - t) for t in range(1, n + 1)]), rel=1e-4)


def test_the_polynomial_average_counts_later_steps_more():
    shares = torch.ones(len(VALUES), dtype=torch.double)
    for t in range(1, len(VALUES) + 1):  # what is new enters with 5 / (t + 4), and what was there shrinks by the rest
        shares[t - 1] = 5 / (t + 4)
        shares[: t - 1] *= 1 - 5 / (t + 4)
    assert (shares.diff() > 0).all()
    assert average(PolynomialAverage()) == pytest.approx(weighted(shares.tolist()), rel=1e-5)
    assert average(PolynomialAverage(power=0)) == pytest.approx(sum(VALUES) / len(VALUES), rel=1e-5)


@pytest.mark.parametrize("after", [0, 1, 4, 6, 20])
def test_the_tail_average_is_the_mean_of_the_last_steps(after):
    tail = VALUES[after:] or VALUES[-1:]
    assert average(TailAverage(after)) == pytest.approx(sum(tail) / len(tail), rel=1e-5)


def test_statistics_of_batch_normalisation_are_averaged_and_other_buffers_are_copied():
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    model.register_buffer("mask", torch.full((1,), -torch.inf))
    model.register_buffer("count", torch.zeros((), dtype=torch.long))
    running = RunningAverage(model, ExponentialAverage(0.5))
    means = []
    for t in range(1, 5):
        model(runtime.standard_normal((8, 1), torch.zeros(1), runtime.generator(t)) + t)
        model.count += 1
        means.append((model[1].running_mean.item(), model[1].running_var.item()))
        running.update()
    kept = running.result()
    weights = [0.5 ** (4 - t) for t in range(1, 5)]
    for i, value in enumerate((kept[1].running_mean, kept[1].running_var)):
        expected = sum(w * m[i] for w, m in zip(weights, means, strict=True)) / sum(weights)
        assert value.item() == pytest.approx(expected, rel=1e-5)
        assert value.item() != pytest.approx(means[-1][i])
    assert kept.mask.item() == -torch.inf
    assert int(kept.count) == int(kept[1].num_batches_tracked) == 4


def test_a_part_is_averaged_and_the_rest_follows_the_model():
    model = TinyGAN(norm=True)
    running = RunningAverage(model, ExponentialAverage(0.5), lambda whole: whole.generator)
    for value in (1.0, 2.0):
        with torch.no_grad():
            model.generator[0].weight.fill_(value)
            model.discriminator.weight.fill_(value)
        running.update()
    kept = running.result()
    assert kept is running.result()
    assert kept.generator[0].weight.item() == pytest.approx((0.5 * 1 + 2) / 1.5)
    assert kept.discriminator.weight.item() == 2.0


@pytest.mark.parametrize("make", [lambda: ExponentialAverage(1.0), lambda: ExponentialAverage(-0.1), lambda: TailAverage(-1)])
def test_rules_that_average_nothing_are_refused(make):
    with pytest.raises(ValueError, match=r"decay is|after is"):
        make()
