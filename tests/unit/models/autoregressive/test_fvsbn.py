"""FVSBN: a logistic regression for every variable, against plain arithmetic and scikit-learn; and the orders of pixels."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from course_lib import runtime
from course_lib.models.autoregressive import FVSBN, orders

ORDER = [3, 0, 5, 1, 4, 2]


def scattered(order=None, shape=(6,)):
    model = FVSBN(event_shape=shape, order=order).double()
    generator = runtime.generator(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


def binary(n, *shape):
    return (torch.rand(n, *shape, generator=runtime.generator(1)) < 0.5).double()


@pytest.mark.parametrize("order", [None, ORDER])
def test_log_prob_is_a_product_of_logistic_regressions(order):
    model, x = scattered(order), binary(8, 6)
    W, b = model.W.detach().numpy(), model.b.detach().numpy()
    for row, found in zip(x.numpy(), model.log_prob(x).tolist(), strict=True):
        expected = 0.0
        for k, d in enumerate(model.order):
            p = 1 / (1 + np.exp(-(b[d] + sum(W[d, j] * row[j] for j in model.order[:k]))))
            expected += np.log(p if row[d] else 1 - p)
        assert found == pytest.approx(expected)


def test_it_starts_as_fair_coins_and_what_is_cut_out_never_moves():
    model, x = FVSBN(event_shape=(2, 3), order=ORDER), binary(50, 2, 3).float()
    torch.testing.assert_close(model.log_prob(x), torch.full((50,), 6 * np.log(0.5)).float())
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.01)
    for _ in range(5):
        optimiser.zero_grad()
        model.loss(x).backward()
        optimiser.step()
    assert (model.W[~model.before] == 0).all()
    assert (model.W[model.before] != 0).all()


def test_every_row_of_the_best_fit_is_scikit_learns_logistic_regression():
    x = scattered(ORDER).sample(2_000, generator=runtime.generator(2))
    model = FVSBN(event_shape=(6,), order=ORDER).double()
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=500, tolerance_grad=1e-10, tolerance_change=1e-14)

    def closure():
        optimiser.zero_grad()
        loss = model.loss(x)
        loss.backward()
        return loss

    optimiser.step(closure)
    for k, d in list(enumerate(ORDER))[1:]:
        oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(x[:, ORDER[:k]], x[:, d])
        np.testing.assert_allclose(model.W[d, ORDER[:k]].detach(), oracle.coef_[0], atol=1e-3)
        assert model.b[d].item() == pytest.approx(oracle.intercept_[0], abs=1e-3)


def test_a_pixel_is_1_just_when_its_noise_lies_below_its_probability():
    model = scattered(shape=(1,))
    p = torch.sigmoid(model.b.detach())
    noise = torch.cat([p - 1e-9, p + 1e-9])[..., None]
    assert model.sample_from_noise(noise[:, None]).flatten().tolist() == [1, 0]


def test_orders_name_every_pixel_once():
    named = orders((4, 5))
    assert all(sorted(order) == list(range(20)) for order in named.values())
    assert named["spiral, from outside"][:8] == [0, 1, 2, 3, 4, 9, 14, 19]
    assert named["columns"][:5] == [0, 5, 10, 15, 1]
    assert named["spiral, from inside"] == named["spiral, from outside"][::-1]
