"""The losses of both players against their definitions in doubles, far out in the tails, and at the best discriminator."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.adversarial.objectives import (
    LeastSquares,
    Minimax,
    NonSaturating,
    RandomLabels,
    Relativistic,
    Wasserstein,
    cross_entropy,
)

REAL = torch.tensor([1.2, -0.7, 0.0, 3.0], dtype=torch.float64)
FAKE = torch.tensor([-2.0, 0.4, 1.5, -0.1], dtype=torch.float64)
EVERY = [NonSaturating(), NonSaturating(0.9, 0.05), Minimax(), Relativistic(), Wasserstein(), LeastSquares()]


def sigmoid(x):
    return 1 / (1 + (-x).exp())


def test_each_loss_is_its_formula():
    d_real, d_fake = sigmoid(REAL), sigmoid(FAKE)
    value = -(d_real.log().mean() + (1 - d_fake).log().mean())
    difference = REAL - FAKE
    expected = {
        NonSaturating(): (value, -d_fake.log().mean()),
        Minimax(): (value, (1 - d_fake).log().mean()),
        Relativistic(): (-sigmoid(difference).log().mean(), -sigmoid(-difference).log().mean()),
        Wasserstein(): (FAKE.mean() - REAL.mean(), -FAKE.mean()),
        LeastSquares(): (((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2, ((FAKE - 1) ** 2).mean() / 2),
        NonSaturating(0.9, 0.05): (
            -(0.9 * d_real.log() + 0.1 * (1 - d_real).log()).mean()
            - (0.05 * d_fake.log() + 0.95 * (1 - d_fake).log()).mean(),
            -d_fake.log().mean(),
        ),
    }  # fmt: skip
    for objective, (discriminator, generator) in expected.items():
        torch.testing.assert_close(objective.discriminator_loss(REAL, FAKE), discriminator)
        torch.testing.assert_close(objective.generator_loss(REAL, FAKE), generator)


@pytest.mark.parametrize("objective", EVERY, ids=str)
def test_the_losses_stay_finite_far_out_and_do_not_grow_with_the_batch(objective):
    far = torch.tensor([-100.0, 100.0], requires_grad=True)
    for loss in (objective.discriminator_loss(far, far.flip(0)), objective.generator_loss(far, far.flip(0))):
        assert loss.isfinite()
        assert torch.autograd.grad(loss, far, retain_graph=True)[0].isfinite().all()
    twice = [torch.cat([x, x]) for x in (REAL, FAKE)]
    torch.testing.assert_close(objective.discriminator_loss(*twice), objective.discriminator_loss(REAL, FAKE))
    torch.testing.assert_close(objective.generator_loss(*twice), objective.generator_loss(REAL, FAKE))


@pytest.mark.parametrize(
    "objective", [o for o in EVERY if not o.needs_real], ids=str
)  # fmt: skip
def test_a_generator_that_looks_at_made_examples_alone_needs_no_real_ones(objective):
    torch.testing.assert_close(objective.generator_loss(None, FAKE), objective.generator_loss(REAL, FAKE))


def test_at_the_best_discriminator_the_loss_is_log_4_minus_twice_the_jensen_shannon_divergence():
    p, q = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6]], dtype=torch.float64)
    logits = (p / q).log()
    loss = sum(p[i] * NonSaturating().discriminator_loss(logits[i : i + 1], torch.tensor([-1e9]).double()) for i in range(3))
    loss = loss + sum(
        q[i] * NonSaturating().discriminator_loss(torch.tensor([1e9]).double(), logits[i : i + 1]) for i in range(3)
    )
    m = (p + q) / 2
    js = ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()) / 2
    assert loss.item() == pytest.approx(math.log(4) - 2 * js.item(), abs=1e-12)


@pytest.mark.parametrize(("real_target", "fake_target"), [(1.0, 0.0), (0.9, 0.0), (0.95, 0.05)])
def test_the_best_answer_to_soft_targets(real_target, fake_target):
    """Where real and made examples have densities p and q, the best D is (real_target p + fake_target q) / (p + q)."""
    p, q = 0.3, 0.8
    logit = torch.zeros((), dtype=torch.float64, requires_grad=True)
    best = (real_target * p + fake_target * q) / (p + q)
    at = torch.tensor(math.log(best / (1 - best)), dtype=torch.float64, requires_grad=True)
    objective = NonSaturating(real_target, fake_target)
    for place, zero in ((at, True), (logit, False)):
        loss = p * cross_entropy(place, objective.real_target) + q * cross_entropy(place, objective.fake_target)
        (slope,) = torch.autograd.grad(loss, place)
        assert (abs(slope.item()) < 1e-12) == zero


def test_where_the_discriminator_is_sure_only_minimax_has_no_slope():
    fake = torch.tensor([-20.0], requires_grad=True)  # D = 2e-9
    slope = {o: torch.autograd.grad(o.generator_loss(torch.zeros(1), fake), fake)[0].item() for o in (Minimax(), NonSaturating())}
    assert slope[Minimax()] == pytest.approx(-math.exp(-20), rel=1e-3)
    assert slope[NonSaturating()] == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize("target", [-0.1, 1.1, float("nan"), True])
def test_a_target_is_a_probability(target):
    with pytest.raises(ValueError, match=r"real_target is .*probability"):
        NonSaturating(real_target=target)


def test_random_labels_teach_on_average_what_their_means_teach():
    """The cross-entropy is linear in its target; the generator's loss stays as it is."""
    generator = runtime.generator(0)
    for random, mean in ((RandomLabels(flipped=0.2), (0.8, 0.2)), (RandomLabels(spread=0.4), (0.8, 0.2))):
        losses = torch.stack([random.discriminator_loss(REAL, FAKE, generator=generator) for _ in range(20_000)])
        expected = NonSaturating(*mean).discriminator_loss(REAL, FAKE)
        assert (losses.mean() - expected).abs() < 5 * losses.std() / 20_000**0.5
        assert losses.std() > 0.05
        assert random.generator_loss(None, FAKE) == NonSaturating().generator_loss(None, FAKE)


def test_random_labels_are_flipped_or_moved_towards_one_half():
    logits = torch.zeros(50_000, dtype=torch.float64)
    flipped = RandomLabels(flipped=0.05)._labels(1.0, logits, runtime.generator(1))
    assert set(flipped.tolist()) == {0.0, 1.0}
    assert flipped.mean() == pytest.approx(0.95, abs=0.005)
    for target, low, high in ((1.0, 0.7, 1.0), (0.0, 0.0, 0.3)):
        moved = RandomLabels(spread=0.3)._labels(target, logits, runtime.generator(2))
        assert low <= moved.amin() < low + 0.01
        assert high - 0.01 < moved.amax() <= high
    assert torch.equal(RandomLabels()._labels(1.0, logits, None), torch.ones_like(logits))
