"""Masked diffusion: its bound is the mean over all orders of an any-order model's exact log-likelihoods, by enumeration."""

import itertools
import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.autoregressive import OrderlessNADE
from course_lib.models.diffusion.masked import MaskedDiffusion, masked_bound, weight_of_mask
from course_lib.models.protocols import AutoregressiveModel


def any_order():
    runtime.seed(0)
    model = OrderlessNADE(event_shape=(3, 3), hidden=(12,))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=runtime.generator(1)))
    return model.double().eval()


def convolutional():
    runtime.seed(0)
    model = MaskedDiffusion(event_shape=(1, 4, 4), widths=(8, 8), told=8, chunk=5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=runtime.generator(1)))
    return model.double().eval()


X = torch.tensor([[[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]], dtype=torch.float64)


@torch.no_grad()
def by_mask(model):
    """log p(x_d | seen part) for each of the 512 masks of a 3 x 3 image, (512, 9), and the masks."""
    seen = torch.tensor(list(itertools.product([False, True], repeat=9)))
    many = X.expand(512, 3, 3)
    return model.predict(many, seen.reshape(512, 3, 3)).log_prob(many).flatten(1), seen


def exact_bound(found, seen):
    """The bound, (), from the table of `by_mask`: every mask but the one that hides nothing, by its weight."""
    hidden = ~seen
    weights = torch.tensor([weight_of_mask(int(row.sum()), 9) if row.any() else 0.0 for row in hidden], dtype=found.dtype)
    return (weights * (found * hidden).sum(1)).sum()


def test_the_bound_is_the_mean_over_all_362880_orders():
    found, seen = by_mask(any_order())
    bound = sum(
        weight_of_mask(int((~row).sum()), 9) * values[~row].sum()
        for row, values in zip(seen, found, strict=True)
        if not row.all()
    )
    orders = torch.tensor(list(itertools.permutations(range(9))))  # (362880, 9)
    bits = 2 ** (8 - orders)  # the masks are listed as binary numbers, variable 0 first
    before = bits.cumsum(1) - bits  # which mask is seen when the k-th variable comes
    mean = found[before, orders].sum(1).mean()
    assert bound.item() == pytest.approx(mean.item(), abs=1e-9)


def test_one_order_by_the_table_is_the_models_own_log_likelihood():
    model, order = any_order(), [4, 0, 8, 2, 6, 1, 3, 5, 7]
    found, _ = by_mask(model)
    place, total = 0, 0.0
    for d in order:
        total += found[place, d].item()
        place += 2 ** (8 - d)
    assert model.with_order(order).log_prob(X).item() == pytest.approx(total, abs=1e-9)


def test_random_masks_estimate_the_same_bound():
    model, n = any_order(), 40_000
    found, seen = by_mask(model)
    exact = sum(
        weight_of_mask(int((~row).sum()), 9) * values[~row].sum()
        for row, values in zip(seen, found, strict=True)
        if not row.all()
    ).item()
    with torch.no_grad():
        drawn = masked_bound(model, X.expand(n, 3, 3), generator=runtime.generator(0))
        steady = -model.order_nats(X.expand(n, 3, 3), generator=runtime.generator(0))
    assert drawn.mean().item() == pytest.approx(exact, abs=5 * (drawn.std() / n**0.5).item())
    assert steady.mean().item() == pytest.approx(exact, abs=5 * (steady.std() / n**0.5).item())
    assert steady.std() < drawn.std()


def test_the_weights_of_all_masks_count_every_variable_once():
    assert sum(weight_of_mask(h, 9) * h * math.comb(9, h) for h in range(1, 10)) == pytest.approx(9)


@torch.no_grad()
def test_conditionals_and_samples_of_an_order_are_predictions_one_by_one():
    order = torch.randperm(16, generator=runtime.generator(5)).tolist()
    model = convolutional().with_order(order)
    x = (torch.rand(2, 1, 4, 4, generator=runtime.generator(2)) < 0.5).double()
    logits = model.conditionals(x).logits.flatten(1)
    for k, d in enumerate(order):
        seen = torch.zeros(16, dtype=torch.bool)
        seen[order[:k]] = True
        torch.testing.assert_close(model.predict(x, seen.view(1, 1, 4, 4).expand(x.shape)).logits.flatten(1)[:, d], logits[:, d])
    noise = model.noise(5, runtime.generator(6))
    assert torch.equal(model.sample_from_noise(noise), AutoregressiveModel.sample_from_noise(model, noise))
    known = torch.zeros(1, 4, 4, dtype=torch.bool)
    known.view(-1)[order[:7]] = True
    assert torch.equal(model.complete(x, known, generator=runtime.generator(7))[:, known], x[:, known])


@torch.no_grad()
def test_a_prediction_sees_the_seen_part_alone():
    model = convolutional()
    x = (torch.rand(1, 1, 4, 4, generator=runtime.generator(2)) < 0.5).double()
    seen = torch.rand(1, 1, 4, 4, generator=runtime.generator(3)) < 0.5
    found = model.predict(x, seen).logits
    torch.testing.assert_close(model.predict(torch.where(seen, x, 1 - x), seen).logits, found)
    assert not torch.allclose(model.predict(torch.where(seen, 1 - x, x), seen).logits, found)


@torch.no_grad()
def test_filling_one_pixel_per_round_is_ancestral_sampling_and_keeps_what_is_known():
    model = convolutional()
    x = (torch.rand(6, 1, 4, 4, generator=runtime.generator(2)) < 0.5).double()
    known = torch.zeros(1, 4, 4, dtype=torch.bool)
    known[0, :2] = True
    for steps in (1, 3, 16):
        made = model.fill(x, known, steps=steps, generator=runtime.generator(4))
        assert torch.equal(made[:, known], x[:, known])
        assert set(made.unique().tolist()) <= {0.0, 1.0}
    with pytest.raises(ValueError, match="known is"):
        model.fill(x, known.double(), steps=2)


@torch.no_grad()
def test_the_last_hidden_pixel_is_drawn_with_its_probability():
    model, n = convolutional(), 3_000
    known = torch.ones(1, 4, 4, dtype=torch.bool)
    known[0, 1, 2] = False
    x = torch.zeros(n, 1, 4, 4, dtype=torch.float64)
    share = model.fill(x, known, steps=1, generator=runtime.generator(0))[:, 0, 1, 2].mean().item()
    exact = model.predict(x[:1], known[None]).probs[0, 0, 1, 2].item()
    assert share == pytest.approx(exact, abs=5 * (exact * (1 - exact) / n) ** 0.5)


def test_sides_must_divide_by_4():
    with pytest.raises(ValueError, match="divide by 4"):
        MaskedDiffusion(event_shape=(1, 3, 3))
    with pytest.raises(ValueError, match=r"an image \(C, H, W\)"):
        MaskedDiffusion(event_shape=(9,))
