"""The player's futures and the completions are what the model says, and the orders are orders."""

import pytest
import torch

from course_lib import runtime
from course_lib.explore.autoregressive import completion, pixels
from course_lib.models.autoregressive import MADE, NADE, AnyOrderMADE, OrderlessNADE
from course_lib.models.probability.enumeration import conditional, joint_tensor

ORDER = [2, 0, 5, 1, 4, 3]
MODELS = {
    "nade": lambda: NADE(event_shape=(1, 2, 3), hidden=5),
    "made": lambda: MADE(event_shape=(1, 2, 3), hidden=(8, 8), order=ORDER),
}


def scattered(build, seed=0):
    """A model whose conditionals are far from fair coins."""
    runtime.seed(seed)
    model = build().eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(torch.randn(parameter.shape))
    return model


@pytest.mark.parametrize("name", MODELS)
def test_futures_are_marginals_given_what_is_known(name):
    model, x = scattered(MODELS[name]), torch.tensor([[[1.0, 0, 1], [0, 1, 1]]])
    played = pixels.play(model, x, streams=20_000)
    joint, flat = joint_tensor(model), x.flatten().int().tolist()
    for k in range(7):
        known = {d: flat[d] for d in model.order[:k]}
        for d in range(6):
            expected = flat[d] if d in known else conditional(joint, [d], known)[1].item()
            assert abs(played.futures[k, d] / 255 - expected) < 0.02


@pytest.mark.parametrize("name", MODELS)
def test_what_was_paid_is_the_log_probability(name):
    model, x = scattered(MODELS[name]), torch.tensor([[[0.0, 1, 1], [0, 0, 1]]])
    played = pixels.play(model, x, streams=2)
    assert played.total[0] == 0
    assert played.total[-1] == pytest.approx(-model.log_prob(x[None]).item(), rel=1e-5)
    assert list(played.order) == model.order


@pytest.mark.parametrize(
    "build",
    [
        lambda: AnyOrderMADE(event_shape=(1, 2, 3), hidden=(8,)),
        lambda: OrderlessNADE(event_shape=(1, 2, 3), hidden=(8, 8)),
    ],
)
def test_completions_follow_the_exact_conditional_and_keep_what_is_known(build):
    model = scattered(build)
    x, erased = torch.tensor([[[1.0, 0, 1], [0, 1, 1]]]), torch.tensor([[True, False, False], [False, True, False]])
    drawn, used, nats = completion.complete(model, x, erased, copies=20_000)
    assert torch.equal(used, erased)
    assert (drawn[:, 0][:, ~erased] == x[0][~erased]).all()
    ordered = model.with_order([1, 2, 3, 5, 0, 4])
    table = conditional(joint_tensor(ordered), [0, 4], {1: 0, 2: 1, 3: 0, 5: 1})
    index = (2 * drawn[:, 0, 0, 0] + drawn[:, 0, 1, 1]).long()
    assert torch.allclose(torch.bincount(index, minlength=4) / 20_000, table.flatten().float(), atol=0.02)
    assert nats == pytest.approx(-table[1, 1].log().item(), rel=1e-4)


def test_a_model_in_raster_order_redraws_down_to_the_end():
    model, x = scattered(MODELS["nade"]), torch.ones(1, 2, 3)
    erased = torch.tensor([[False, False, True], [False, False, False]])
    drawn, used, _ = completion.complete(model, x, erased, copies=4)
    assert used.tolist() == [[False, False, True], [True, True, True]]
    assert (drawn[:, 0, 0, :2] == 1).all()


def test_nothing_erased_leaves_the_digit():
    model, x = scattered(MODELS["nade"]), torch.ones(1, 2, 3)
    drawn, _, nats = completion.complete(model, x, torch.zeros(2, 3, dtype=torch.bool), copies=2)
    assert torch.equal(drawn, x.expand(2, 1, 2, 3))
    assert nats == 0
